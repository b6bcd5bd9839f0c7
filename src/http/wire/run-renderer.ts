// Renders stored runs and tasks: finds each task's step and the run's frozen definition, then leaves the text to
// run-text and task-text. Remembers a few definitions; must never do per-task work that grows with the run.
import type { Step } from '../../engine/plan/plan.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Run, Task } from '../../model/run.ts';
import type { Orchestrator } from '../../orchestrator/orchestrator-api.ts';
import type { Reads } from '../../store/reads.ts';
import { runText } from './run-text.ts';
import { taskText } from './task-text.ts';

/** Definitions are a few kB each; this many distinct ones are shown at a time in practice. */
const DEFINITIONS_MAX = 100;

export interface RunRenderer {
  run(stored: { readonly run: Run; readonly tasks: readonly Task[] }): Promise<string>;
  task(task: Task, run: Run): Promise<string>;
  tasks(tasks: readonly Task[], run: Run): Promise<string[]>;
}

export function createRunRenderer(
  orchestrator: Pick<Orchestrator, 'stepOf'>,
  reads: Pick<Reads, 'snapshot'>,
): RunRenderer {
  const definitions = new Map<string, string>();

  async function definitionText(snapshotId: string): Promise<string | null> {
    const known = definitions.get(snapshotId);
    if (known !== undefined) return known;
    const document = (await reads.snapshot(snapshotId))?.document.value;
    if (!isJsonObject(document)) return null;
    const text = JSON.stringify(document.definition);
    const oldest = definitions.keys().next();
    if (definitions.size >= DEFINITIONS_MAX && !oldest.done) definitions.delete(oldest.value);
    definitions.set(snapshotId, text);
    return text;
  }

  async function tasks(all: readonly Task[], run: Run): Promise<string[]> {
    const steps = new Map<string, Step | null>();
    const texts: string[] = [];
    for (const task of all) {
      // Steps of the frozen definition are shared by all attempts and iterations; a dynamic fragment is its task's own.
      let step = task.fragment ? undefined : steps.get(task.step);
      if (step === undefined) {
        step = await orchestrator.stepOf(run, task);
        if (!task.fragment) steps.set(task.step, step);
      }
      texts.push(taskText(task, run, step));
    }
    return texts;
  }

  return {
    tasks,
    async task(task, run) {
      return taskText(task, run, await orchestrator.stepOf(run, task));
    },
    async run({ run, tasks: all }) {
      return runText(run, await tasks(all, run), await definitionText(run.snapshotId));
    },
  };
}
