// What happens to one open task: it is claimed, reported on, or its time comes. Must never be called for a terminal one.
import { Json } from '../../model/json.ts';
import type { Task } from '../../model/run.ts';
import { isTerminal } from '../../model/task-status.ts';
import { isAsyncComplete } from '../tasks/in-process.ts';
import { keptReason } from '../tasks/reasons.ts';
import type { TaskUpdate } from './decision.ts';
import type { RunFlow } from './flow.ts';
import { expiryOf, HELD_OPEN } from './timeouts.ts';

export function claim(flow: RunFlow, task: Task, workerId: string | null): void {
  if (task.status !== 'SCHEDULED' || task.queue === null) return;
  const { now } = flow;
  flow.watch(
    flow.put({
      ...task,
      status: 'IN_PROGRESS',
      workerId,
      startedMs: task.startedMs || now,
      pollCount: task.pollCount + 1,
      callbackAfterSeconds: 0,
      updatedMs: now,
    }),
  );
}

export function update(flow: RunFlow, task: Task, report: TaskUpdate): void {
  const step = flow.stepOf(task);
  const type = flow.typeOf(step, task);
  if (type.control) return;
  const { now } = flow;
  if (report.statePatch) {
    const variables = flow.run.variables.object;
    const state = { ...Json.of(variables.state ?? {}).object, ...report.statePatch };
    flow.patchRun({ variables: Json.of({ ...variables, state }) });
  }
  if (report.extendLease) {
    if (task.status === 'IN_PROGRESS') flow.watch(flow.put({ ...task, updatedMs: now }));
    return;
  }
  const reported: Task = {
    ...task,
    output: report.output,
    reason: keptReason(report.reason),
    workerId: report.workerId ?? task.workerId,
    callbackAfterSeconds: report.callbackAfterSeconds,
    updatedMs: now,
  };
  if (isTerminal(report.status)) {
    type.abandon?.(flow, task, `Task ${task.ref} was updated to ${report.status}`);
    flow.finish(reported, { status: report.status });
    return;
  }
  if (!type.queued) {
    flow.put(reported);
    return;
  }
  if (type.type !== 'SIMPLE' && isAsyncComplete(step.task, task.input.object)) {
    holdOpen(flow, task, reported, report);
    return;
  }
  const visibleMs = now + report.callbackAfterSeconds * 1000;
  flow.watch(flow.put({ ...reported, status: 'SCHEDULED', visibleMs }));
}

/** A retry's delay is not the worker's wish, and stays. */
export function resetCallback(flow: RunFlow, task: Task): void {
  if (task.status !== 'SCHEDULED' || task.callbackAfterSeconds === 0) return;
  flow.watch(flow.put({ ...task, callbackAfterSeconds: 0, visibleMs: flow.now }));
}

/** Its work is begun and somebody outside will complete it. A report by nobody gives it back: begun, but not by the end. */
function holdOpen(flow: RunFlow, task: Task, reported: Task, report: TaskUpdate): void {
  if (report.workerId !== null) flow.watch(flow.put({ ...reported, status: 'IN_PROGRESS', visibleMs: HELD_OPEN }));
  else if (task.visibleMs !== HELD_OPEN) {
    flow.watch(flow.put({ ...reported, status: 'SCHEDULED', visibleMs: flow.now }));
  }
}

/** The clock reached dueMs, or may have: whatever is due happens, and dueMs is set anew. */
export function onTimer(flow: RunFlow, task: Task): void {
  const step = flow.stepOf(task);
  const type = flow.typeOf(step, task);
  const rules = flow.rulesOf(step, task);
  const expiry = expiryOf(task, rules, type, flow.now);
  if (!expiry) {
    startWaiting(flow, task);
    return;
  }
  const { reason } = expiry;
  const endsRun = rules.timeoutPolicy === 'TIME_OUT_WF' && (expiry.limit === 'timeout' || expiry.limit === 'poll');
  if (endsRun && flow.run.status === 'PAUSED') {
    // A paused run does not time out by a task either; resuming it looks again.
    flow.put({ ...task, dueMs: 0 });
    return;
  }
  type.abandon?.(flow, task, reason);
  const late = flow.close(task, { status: 'TIMED_OUT', reason });
  if (endsRun) {
    flow.endRun({ status: 'TIMED_OUT', reason, task: late, withFailureWorkflow: true });
  } else flow.settle(late);
}

/** Starts or wakes an engine-run task whose own time has come. */
function startWaiting(flow: RunFlow, task: Task): void {
  const step = flow.stepOf(task);
  const type = flow.typeOf(step, task);
  const isDue = !type.queued && task.visibleMs > 0 && task.visibleMs <= flow.now;
  const isPaused = flow.run.status === 'PAUSED';
  if (isDue && isPaused && (task.status === 'SCHEDULED' || type.control)) {
    // Nothing is begun while the run is paused; resuming looks again.
    flow.put(task.dueMs === 0 ? task : { ...task, dueMs: 0 });
  } else if (isDue && task.status === 'SCHEDULED') flow.makeReady(task);
  else if (isDue) type.wake?.(flow, task, step);
  else flow.watch(task);
}
