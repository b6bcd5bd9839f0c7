// A worker's report: checked, concealed, decided, and (update-v2) answered with the next task of the same queue.
import type { TaskUpdate } from '../engine/decide/decision.ts';
import { AppError } from '../model/error.ts';
import { Json } from '../model/json.ts';
import type { TaskResult } from '../model/task-result.ts';
import { isTerminal } from '../model/task-status.ts';
import type { WriteBatch } from '../store/write-batch.ts';
import type { Core } from './core.ts';
import type { HandedTask, UpdateOutcome } from './orchestrator-api.ts';
import { oversized } from './reported.ts';
import type { CachedRun } from './run-cache.ts';
import type { OpenEntry } from './schedule.ts';

/**
 * Who may report on tasks may not thereby approve: votes are counted, and by whom matters. Throws AppError conflict.
 */
export function refuseApproval({ type }: { readonly type: string }): void {
  if (type !== 'APPROVAL') return;
  throw new AppError(
    'conflict',
    'An approval is decided by its approvers: use /api/v1/executions/{executionId}/approvals/{step}.',
  );
}

/** A report may name the run of its task, and then rightly. Throws AppError not_found. */
export function refuseOtherRun({ taskId, workflowInstanceId }: TaskResult, run: { readonly id: string }): void {
  if (workflowInstanceId === '' || workflowInstanceId === run.id) return;
  throw new AppError('not_found', `Task not found for taskId: ${taskId} in workflow ${workflowInstanceId}`);
}

/** Conductor takes no more log lines with one report. */
const LOGS_PER_UPDATE = 10;

/** Null: the task is of a life of its run that is over. */
export async function takeUpdate(
  core: Core,
  open: OpenEntry,
  result: TaskResult,
  andPoll: boolean,
): Promise<UpdateOutcome | null> {
  refuseApproval(open);
  refuseOtherRun(result, open.run);
  let next: HandedTask | null = null;
  const chains = andPoll && isTerminal(result.status);
  const given = Json.of(result.outputData);
  const decide = (cached: CachedRun, batch: WriteBatch, now: number) => {
    const update = toUpdate(core, cached, result, given);
    addLogs(core, cached, result, batch, now);
    core.advance.event(cached, { kind: 'update', taskRowId: open.rowId, update }, batch, now);
    if (!chains) return;
    core.handOff.chain({
      key: open.key,
      workerId: result.workerId ?? null,
      count: 1,
      assigned: [],
      deliver: (tasks) => {
        next = tasks[0] ?? null;
      },
      refuse: () => undefined,
      gone: () => false,
    });
  };
  const found = await core.onOpenTask(open, decide, { chars: given.text.length, chained: chains ? 1 : 0 });
  return found ? { taskId: result.taskId, next } : null;
}

function toUpdate(core: Core, cached: CachedRun, result: TaskResult, given: Json): TaskUpdate {
  const { rootId } = cached.state.run;
  const reason = result.reasonForIncompletion;
  const update = {
    status: result.status,
    output: given,
    reason: reason === undefined ? null : core.hooks.concealText(reason, rootId),
    workerId: result.workerId ?? null,
    callbackAfterSeconds: result.callbackAfterSeconds,
    extendLease: result.extendLease,
  };
  if (given.text.length > core.payloadBytesMax) return oversized(update, core.payloadBytesMax);
  return { ...update, output: core.hooks.conceal(given, rootId) };
}

function addLogs(core: Core, cached: CachedRun, result: TaskResult, batch: WriteBatch, now: number): void {
  for (const { log, createdTime } of result.logs.slice(0, LOGS_PER_UPDATE)) {
    const text = core.hooks.concealText(log, cached.state.run.rootId);
    batch.logs.push({ taskId: result.taskId, log: text, createdMs: createdTime ?? now });
  }
}
