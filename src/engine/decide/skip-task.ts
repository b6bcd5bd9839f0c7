// Skipping a task whose turn has not come: it is over already when the run gets there. Owns which references can be
// skipped; what follows is the run's usual course.
import type { Run, Task } from '../../model/run.ts';
import type { Plan, Step } from '../plan/plan.ts';
import type { Place } from '../tasks/task-type.ts';

/** It is over, and its turn is still to come. */
export function isSkippedAhead(task: Task): boolean {
  return task.status === 'SKIPPED' && task.startedMs === 0 && !task.executed;
}

/**
 * Whether a task is the latest of its step's, over all iterations. That is the order in which their turns come; one that
 * was skipped ahead is older than it looks, and is none of them before its turn.
 */
export function isLaterOfStep(task: Task, known: Task | undefined): boolean {
  if (isSkippedAhead(task)) return false;
  if (!known || known.scope === task.scope) return true;
  const [own, other] = [iterationsOf(task), iterationsOf(known)];
  const at = own.findIndex((iteration, depth) => iteration !== other[depth]);
  return (own[at] ?? 0) > (other[at] ?? 0);
}

function iterationsOf({ scope }: Task): number[] {
  return scope.split('__').slice(1).map(Number);
}

interface Spot {
  readonly step: Step;
  readonly place: Place;
}

interface Known {
  readonly run: Run;
  latest(ref: string): Task | undefined;
}

/** Where the task of a wire reference name will stand, or why it cannot be skipped. */
export function placeToSkip(plan: Plan, known: Known, ref: string): Spot | string {
  const { run } = known;
  const scheduled = known.latest(ref);
  if (run.status !== 'RUNNING') return `Workflow ${run.id} is ${run.status}: only a RUNNING workflow can skip a task.`;
  if (scheduled) return `Task ${ref} of workflow ${run.id} is ${scheduled.status}: it is too late to skip it.`;
  const spot = spotOf(plan, ref);
  if (typeof spot === 'string' || spot.step.gathering === null) return spot;
  return `Task ${ref} is a fork, whose branches others wait for. Skip the join after it, or the tasks of its branches.`;
}

/** In loops the reference carries the iterations: `charge__2`, `charge__2__1`. */
function spotOf(plan: Plan, ref: string): Spot | string {
  for (let at = ref.length; at > 0; at = ref.lastIndexOf('__', at - 1)) {
    const step = plan.steps.get(ref.slice(0, at));
    const scope = ref.slice(at);
    if (!step || !/^(__[1-9]\d*)*$/.test(scope)) continue;
    const iterations = scope.split('__').slice(1);
    if (iterations.length === step.depth) {
      return { step, place: { scope, iteration: Number(iterations.at(-1) ?? 0), forkRowId: 0, fragment: null } };
    }
    const example = `${step.ref}${'__1'.repeat(step.depth)}`;
    return step.depth === 0
      ? `Task ${step.ref} is in no loop: skip ${step.ref}, not ${ref}.`
      : `Task ${step.ref} runs in ${step.depth} nested loop${step.depth === 1 ? '' : 's'}: say in which iteration, as in ${example}.`;
  }
  return `The workflow has no task with the reference name ${ref}.`;
}
