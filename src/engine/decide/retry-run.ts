// Retry of a run that ended without success: what failed or was cut off is attempted again, what steers it is revived
// in place, and everything that succeeded stays. Walks all tasks, as ending the run did. Must leave the run so that
// what goes on tells everyone who waits exactly once.
import { EMPTY_OBJECT, Json } from '../../model/json.ts';
import type { Task } from '../../model/run.ts';
import { isRunTerminal } from '../../model/run-status.ts';
import { isSuccessful, isTerminal } from '../../model/task-status.ts';
import type { Plan } from '../plan/plan.ts';
import { TASK_TYPES } from '../tasks/registry.ts';
import type { DecideContext, RunState } from './decision.ts';
import { Draft } from './draft.ts';
import { RunFlow } from './flow.ts';
import { isSkippedAhead } from './skip-task.ts';
import { runDueMs } from './timeouts.ts';

/** The tasks that a retry of this run would attempt again, revive or settle. Empty: there is nothing to retry. */
export function retryable(plan: Plan, state: RunState, context: DecideContext): readonly Task[] {
  const { status } = state.run;
  if (!isRunTerminal(status) || status === 'COMPLETED') return [];
  const draft = new Draft(state);
  const { broken, unsettled } = leftover(new RunFlow(plan, draft, context, TASK_TYPES), draft);
  return [...broken, ...unsettled];
}

/** `resumed`: row ids of tasks whose child run is retried in the same round, so that they wait for it again. */
export function retryRun(flow: RunFlow, draft: Draft, resumed: readonly number[]): void {
  const { broken, unsettled } = leftover(flow, draft);
  if (broken.length + unsettled.length === 0) return;
  flow.patchRun({
    status: 'RUNNING',
    output: EMPTY_OBJECT,
    reason: null,
    failedRefs: [],
    failedNames: [],
    endedMs: 0,
    lastRetriedMs: flow.now,
  });
  flow.patchRun({ dueMs: runDueMs(flow.plan, flow.run) });
  const revived: Task[] = [];
  for (const task of broken) {
    if (resumed.includes(task.rowId)) waitAgain(flow, task);
    else if (isRevived(flow, task)) revived.push(flow.put(reopened(flow, task)));
    else flow.again(task);
  }
  // Only now, because they look at what else is open again.
  for (const task of revived) {
    const step = flow.stepOf(task);
    flow.typeOf(step, task).revive?.(flow, task, step);
  }
  for (const task of unsettled) flow.settle(task);
}

interface Leftover {
  readonly broken: readonly Task[];
  /** Ended while the run was paused, so that nothing followed from them. */
  readonly unsettled: readonly Task[];
}

function leftover(flow: RunFlow, draft: Draft): Leftover {
  const latest = draft.all().filter((task) => flow.latest(task.ref)?.rowId === task.rowId && !task.retried);
  // What a TERMINATE ended was meant to end.
  if (latest.some((task) => task.type === 'TERMINATE' && task.status === 'COMPLETED'))
    return { broken: [], unsettled: [] };
  return {
    broken: latest.filter((task) => !isSuccessful(task.status) && mayRepeat(flow, task)),
    unsettled: latest.filter(isUnsettled),
  };
}

function isUnsettled(task: Task): boolean {
  return isSuccessful(task.status) && isTerminal(task.status) && !task.executed && !isSkippedAhead(task);
}

/**
 * The run went on after a permissive failure, and whoever waited for it has been told. It is repeated only where its
 * second end tells nobody twice.
 */
function mayRepeat(flow: RunFlow, task: Task): boolean {
  if (!task.executed) return true;
  if (task.scope !== '') return false;
  const { next, container } = flow.stepOf(task);
  if (next || container.kind === 'root') return true;
  if (container.kind === 'branch') return container.fork.gathering === 'joined';
  if (container.kind !== 'dynamic') return false;
  const fork = flow.task(task.forkRowId);
  const step = fork && flow.stepOf(fork);
  return step?.gathering === 'joined' && flow.latest((step.next?.ref ?? '') + task.scope)?.status === 'FAILED';
}

/** It had begun to steer; a task whose input could not be made had not. */
function isRevived(flow: RunFlow, task: Task): boolean {
  const type = flow.typeOf(flow.stepOf(task), task);
  return type.revive !== undefined && (type.hasBegun?.(task) ?? task.status !== 'FAILED_WITH_TERMINAL_ERROR');
}

function waitAgain(flow: RunFlow, task: Task): void {
  const output = Json.of({ subWorkflowId: task.subRunId });
  flow.watch(flow.put({ ...reopened(flow, task), output }));
}

function reopened(flow: RunFlow, task: Task): Task {
  const { now } = flow;
  return { ...task, status: 'IN_PROGRESS', reason: null, executed: false, startedMs: now, endedMs: 0, updatedMs: now };
}
