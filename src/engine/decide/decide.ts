// What an event does to a run. The entry point of the engine: pure, and as cheap for the thousandth task of a run as
// for the first. What it returns is all that happened; nothing it was given is changed.
import type { Run, Task } from '../../model/run.ts';
import { isRunTerminal } from '../../model/run-status.ts';
import { isTerminal } from '../../model/task-status.ts';
import type { Plan } from '../plan/plan.ts';
import { TASK_TYPES } from '../tasks/registry.ts';
import { ROOT_PLACE } from '../tasks/task-type.ts';
import type { DecideContext, Decision, RunEvent, RunState } from './decision.ts';
import { Draft } from './draft.ts';
import { completeRun, failureWorkflowRefused } from './end-run.ts';
import { RunFlow } from './flow.ts';
import { retryRun } from './retry-run.ts';
import { isSkippedAhead, placeToSkip } from './skip-task.ts';
import { claim, onTimer, resetCallback, update } from './task-events.ts';
import { runDueMs, runTimeoutReason } from './timeouts.ts';

export { applyDecision, indexRun, newRun, type RunSeed } from './run-state.ts';

/** The state after the event, as a difference. An event that comes too late, too early or twice changes nothing. */
export function decide(plan: Plan, state: RunState, event: RunEvent, context: DecideContext): Decision {
  const draft = new Draft(state);
  const flow = new RunFlow(plan, draft, context, TASK_TYPES);
  const hasEnded = isRunTerminal(state.run.status);
  if (hasEnded && event.kind !== 'retry') afterEnd(flow, event);
  else {
    if (event.kind !== 'retry') handle(flow, draft, event);
    else if (hasEnded && state.run.status !== 'COMPLETED') retryRun(flow, draft, event.resumed);
    flow.drain();
    const { run } = draft;
    if (run.status === 'RUNNING' && run.sequenceDone && run.openTasks === 0) completeRun(flow, draft);
  }
  return draft.close(context.now);
}

/** What is still heard after the end; everything else comes too late. */
function afterEnd(flow: RunFlow, event: RunEvent): void {
  if (event.kind === 'terminate') terminateEnded(flow, event.reason);
  if (event.kind === 'child-refused' && event.taskRowId === 0) failureWorkflowRefused(flow, event.reason);
}

function handle(flow: RunFlow, draft: Draft, event: Exclude<RunEvent, { kind: 'retry' }>): void {
  if (event.kind === 'terminate') {
    const { reason, withFailureWorkflow = false } = event;
    flow.endRun({ status: 'TERMINATED', reason, withFailureWorkflow });
    return;
  }
  if (isTimedOut(flow)) {
    // What a worker did is still history; what would have followed is not done.
    if (event.kind === 'update') keepReport(flow, event);
    timeOut(flow);
    return;
  }
  switch (event.kind) {
    case 'start':
      if (flow.run.lastSeq > 0 || flow.run.status !== 'RUNNING') return;
      if (event.replay) flow.replay(event.replay);
      else flow.schedule(flow.plan.head, ROOT_PLACE);
      return;
    case 'set-variables':
      flow.patchRun({ variables: event.variables });
      return;
    case 'reset-callbacks':
      for (const task of draft.all()) resetCallback(flow, task);
      return;
    case 'skip':
      skip(flow, draft, event);
      return;
    case 'pause':
      if (flow.run.status === 'RUNNING') flow.patchRun({ status: 'PAUSED' });
      return;
    case 'resume':
      if (flow.run.status === 'PAUSED') resume(flow, draft);
      return;
    case 'decide':
      if (flow.run.status === 'RUNNING') lookAgain(flow, draft);
      return;
    case 'timer':
      if (event.taskRowId !== 0) onOpenTask(flow, event.taskRowId, (task) => onTimer(flow, task));
      // A paused run does not time out; resuming it looks again.
      else if (flow.run.status === 'PAUSED' && flow.run.dueMs > 0) flow.patchRun({ dueMs: 0 });
      return;
    case 'claim':
      onOpenTask(flow, event.taskRowId, (task) => claim(flow, task, event.workerId));
      return;
    case 'update':
      onOpenTask(flow, event.taskRowId, (task) => update(flow, task, event.update));
      return;
    default:
      onOpenTask(flow, event.taskRowId, (task) => onChild(flow, task, event));
  }
}

type ChildEvent = Extract<RunEvent, { kind: 'child-started' | 'child-ended' | 'child-refused' }>;

/** News of a run that a task asked for. Of any other run they are not meant for it. */
function onChild(flow: RunFlow, task: Task, event: ChildEvent): void {
  const type = flow.typeOf(flow.stepOf(task), task);
  if (event.kind === 'child-refused') {
    if (task.subRunId !== null) flow.finish(task, { status: 'FAILED', reason: event.reason });
  } else if (event.kind === 'child-started') {
    if (task.subRunId === event.childId) type.childStarted?.(flow, task, event.childId);
  } else if (task.subRunId === event.child.id) type.childEnded?.(flow, task, event.child);
}

function onOpenTask(flow: RunFlow, rowId: number, act: (task: Task) => void): void {
  const task = flow.task(rowId);
  if (task && !isTerminal(task.status)) act(task);
}

function isTimedOut(flow: RunFlow): boolean {
  const { run } = flow;
  return run.status === 'RUNNING' && run.dueMs > 0 && flow.now >= run.dueMs;
}

function timeOut(flow: RunFlow): void {
  const reason = runTimeoutReason(flow.plan, flow.run, flow.now);
  flow.endRun({ status: 'TIMED_OUT', reason, withFailureWorkflow: true });
}

function skip(flow: RunFlow, draft: Draft, { ref, input, output }: Extract<RunEvent, { kind: 'skip' }>): void {
  const spot = placeToSkip(flow.plan, draft, ref);
  if (typeof spot !== 'string') flow.skipAhead(spot.step, spot.place, input, output);
}

/** A paused run settles nothing, which is just what a run that is about to end must do with a late report. */
function keepReport(flow: RunFlow, event: Extract<RunEvent, { kind: 'update' }>): void {
  const { status } = flow.run;
  flow.patchRun({ status: 'PAUSED' });
  onOpenTask(flow, event.taskRowId, (task) => update(flow, task, event.update));
  flow.patchRun({ status });
}

function resume(flow: RunFlow, draft: Draft): void {
  flow.patchRun({ status: 'RUNNING', dueMs: runDueMs(flow.plan, flow.run) });
  if (isTimedOut(flow)) timeOut(flow);
  else lookAgain(flow, draft);
}

/** Walks all tasks once: what ended while nothing could follow is settled, what fell due is looked at. */
function lookAgain(flow: RunFlow, draft: Draft): void {
  for (const seen of draft.all()) {
    const task = flow.task(seen.rowId);
    if (!task || flow.run.status !== 'RUNNING') continue;
    if (!isTerminal(task.status)) onTimer(flow, task);
    else if (!task.executed && !task.retried && !isSkippedAhead(task)) flow.settle(task);
  }
}

/** Conductor lets an operator mark a failed run as terminated; a completed one stays what it is. */
function terminateEnded(flow: RunFlow, reason: string | null): void {
  const failed: readonly Run['status'][] = ['FAILED', 'TIMED_OUT'];
  if (failed.includes(flow.run.status)) flow.patchRun({ status: 'TERMINATED', reason });
}
