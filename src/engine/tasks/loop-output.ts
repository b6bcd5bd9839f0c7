// The output of a DO_WHILE: every iteration's outputs under its number. Built when the loop ends or when somebody reads
// all of it, never once per iteration: N iterations must not write O(N²) bytes.
import type { JsonObject } from '../../model/json.ts';
import type { Task } from '../../model/run.ts';
import type { Step } from '../plan/plan.ts';
import type { Flow } from './task-type.ts';

export function iterationOf(task: Task): number {
  const { iteration } = task.output.object;
  return typeof iteration === 'number' ? iteration : 0;
}

/** `{ "1": { ref: output }, …, iteration: n }`; keepLastN leaves out older iterations. */
export function loopOutput(flow: Flow, task: Task, step: Step): JsonObject {
  const last = iterationOf(task);
  const { keepLastN } = task.input.object;
  const first = typeof keepLastN === 'number' && keepLastN > 0 ? Math.max(1, last - keepLastN + 1) : 1;
  const output: JsonObject = {};
  for (let iteration = first; iteration <= last; iteration += 1) {
    output[String(iteration)] = iterationOutput(flow, task, step, iteration);
  }
  return { ...output, ...task.output.object };
}

/** Outputs of one iteration by reference, tasks of inner loops left to those loops. */
export function iterationOutput(flow: Flow, task: Task, step: Step, iteration: number): JsonObject {
  const output: JsonObject = {};
  for (const inner of iterationTasks(flow, task, step, iteration)) output[inner.step] = inner.output.value;
  return output;
}

export function* iterationTasks(flow: Flow, task: Task, step: Step, iteration: number): Generator<Task> {
  const scope = `${task.scope}__${iteration}`;
  for (const inner of step.loopSteps) {
    const found = flow.latest(inner.ref + scope);
    if (found) yield found;
  }
}
