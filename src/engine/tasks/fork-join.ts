// FORK_JOIN: ends at once and starts the first step of each of its branches. Counts its branches only where the JOIN
// after it does not wait for all of them.
import { Json } from '../../model/json.ts';
import type { Task } from '../../model/run.ts';
import type { Step } from '../plan/plan.ts';
import { type Flow, placeOf, type TaskType } from './task-type.ts';

export const forkJoin: TaskType = {
  type: 'FORK_JOIN',
  wireType: 'FORK',
  control: true,
  birth: (_flow, step, _place, input) => ({
    input: Json.of({ ...input.object, forkedTasks: step.branches.map((head) => head.ref) }),
  }),
  start(flow, task, step) {
    const place = placeOf(task);
    endFork(flow, task, step, step.branches.length);
    for (const head of step.branches) flow.schedule(head, place);
    afterFork(flow, task, step, step.branches.length);
  },
};

/** The FORK task itself is over as soon as its branches are known. */
export function endFork(flow: Flow, task: Task, step: Step, branches: number): void {
  const { now } = flow;
  // A partial fork also counts the sequence it stands in: whichever ends last ends the container.
  const waiting = step.gathering === 'joined' ? 0 : branches + (step.gathering === 'partial' ? 1 : 0);
  flow.put({ ...task, status: 'COMPLETED', executed: true, waiting, endedMs: now, updatedMs: now, dueMs: 0 });
}

/** Called with the branches scheduled, so that the JOIN stands behind them in the history. */
export function afterFork(flow: Flow, task: Task, step: Step, branches: number): void {
  const place = placeOf(task);
  if (step.gathering !== 'implicit' && step.next) flow.schedule(step.next, place);
  else if (branches === 0) flow.done(step, place);
}
