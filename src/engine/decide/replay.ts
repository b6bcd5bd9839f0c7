// A run that starts over from one of its tasks: what it did before is taken as it was, and the rest is done again. The
// run is decided anew from its head, so whatever steers it (forks, joins, loops, choices) comes to stand as it must.
// Owns what is taken over; must never keep what acts on the run itself, which has to act again.
import type { Json } from '../../model/json.ts';
import type { Task } from '../../model/run.ts';
import { isSuccessful, isTerminal } from '../../model/task-status.ts';
import type { Plan } from '../plan/plan.ts';
import { TASK_TYPES } from '../tasks/registry.ts';
import type { DecideContext, Replay, RunState } from './decision.ts';
import { Draft } from './draft.ts';
import { RunFlow } from './flow.ts';

/** Types that others than the run's own course make wait or end: to begin with them alone says nothing. */
const NO_BEGINNING = new Set(['JOIN', 'EXCLUSIVE_JOIN']);

/** How a task is done again: with this input instead of one made anew, or by waiting for the child run it had. */
export interface Again {
  readonly input: Json | null;
  readonly resumesChild: boolean;
}

/** What a life of a run that begins again at `from` takes over, or why it cannot begin there. */
export function replayFrom(
  plan: Plan,
  state: RunState,
  from: Task,
  context: DecideContext,
  { input, resumesChild }: Again,
): Replay | string {
  if (NO_BEGINNING.has(from.type)) {
    return `Task ${from.id} is the join ${from.ref}: rerun from the fork before it, or from a task of its branches.`;
  }
  const draft = new Draft(state);
  const flow = new RunFlow(plan, draft, context, TASK_TYPES);
  const kept = new Map<string, Task[]>();
  const own: Task[] = [];
  for (const task of draft.all()) {
    const latest = flow.latest(task.ref);
    if (task.ref === from.ref) own.push(task);
    if (!latest || latest.ref === from.ref || !isKept(flow, latest)) continue;
    const attempts = kept.get(task.ref);
    if (attempts) attempts.push(task);
    else kept.set(task.ref, [task]);
  }
  return { before: state, kept, from: { ref: from.ref, input, resumed: resumesChild ? own : null } };
}

function isKept(flow: RunFlow, task: Task): boolean {
  if (!isTerminal(task.status) || !isSuccessful(task.status)) return false;
  const type = flow.typeOf(flow.stepOf(task), task);
  return !type.control && !type.steers;
}
