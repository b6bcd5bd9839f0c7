// A task and its row, as every database keeps it. Owns the two packed documents and the way back from a row; the
// columns are each adapter's. `details` is what never changes, `state` what every change rewrites.
// Values that are empty are left out of the documents: most are, and each byte is written once per change.
import { Json } from '../../model/json.ts';
import type { Task, TaskHead } from '../../model/run.ts';
import { isTerminal, TASK_STATUSES, type TaskStatus } from '../../model/task-status.ts';
import { documentOf, numberOf, type Row, textOf, textOrNull } from './text-column.ts';

export interface TaskDetails {
  readonly ref: string;
  readonly type: string;
  readonly scheduledMs: number;
  readonly step?: string;
  readonly scope?: string;
  readonly iteration?: number;
  readonly defName?: string;
  readonly queue?: string;
  readonly domain?: string;
  readonly attempt?: number;
  readonly retriedTaskId?: string;
  readonly forkRowId?: number;
  readonly responseTimeoutSeconds?: number;
  readonly startDelaySeconds?: number;
  readonly firstScheduledMs?: number;
  readonly givenInput?: boolean;
}

export interface TaskState {
  readonly updatedMs: number;
  readonly reason?: string;
  readonly workerId?: string;
  readonly pollCount?: number;
  readonly callbackAfterSeconds?: number;
  readonly startedMs?: number;
  readonly endedMs?: number;
  readonly visibleMs?: number;
  readonly dueMs?: number;
  readonly retried?: boolean;
  readonly executed?: boolean;
  readonly waiting?: number;
  readonly subRunId?: string;
}

export const OPEN_TASK_STATUSES = TASK_STATUSES.filter((status) => !isTerminal(status))
  .map((status) => `'${status}'`)
  .join(', ');

export function detailsOf(task: Task): TaskDetails {
  return {
    ref: task.ref,
    type: task.type,
    scheduledMs: task.scheduledMs,
    step: task.step === task.ref ? undefined : task.step,
    scope: task.scope || undefined,
    iteration: task.iteration || undefined,
    defName: task.defName === task.type ? undefined : task.defName,
    queue: task.queue ?? undefined,
    domain: task.domain ?? undefined,
    attempt: task.attempt || undefined,
    retriedTaskId: task.retriedTaskId ?? undefined,
    forkRowId: task.forkRowId || undefined,
    responseTimeoutSeconds: task.responseTimeoutSeconds || undefined,
    startDelaySeconds: task.startDelaySeconds || undefined,
    firstScheduledMs: task.firstScheduledMs === task.scheduledMs ? undefined : task.firstScheduledMs,
    givenInput: task.givenInput || undefined,
  };
}

export function stateOf(task: Task): TaskState {
  return {
    updatedMs: task.updatedMs,
    reason: task.reason ?? undefined,
    workerId: task.workerId ?? undefined,
    pollCount: task.pollCount || undefined,
    callbackAfterSeconds: task.callbackAfterSeconds || undefined,
    startedMs: task.startedMs || undefined,
    endedMs: task.endedMs || undefined,
    visibleMs: task.visibleMs || undefined,
    dueMs: task.dueMs || undefined,
    retried: task.retried || undefined,
    executed: task.executed || undefined,
    waiting: task.waiting || undefined,
    subRunId: task.subRunId ?? undefined,
  };
}

/** Reads a row with all columns of a task. */
export function taskOf(row: Row): Task {
  const details: TaskDetails = documentOf(row, 'details');
  const state: TaskState = documentOf(row, 'state');
  const fragment = textOrNull(row, 'fragment');
  return {
    rowId: numberOf(row, 'row_id'),
    id: textOf(row, 'id'),
    runRowId: numberOf(row, 'run_row_id'),
    seq: numberOf(row, 'seq'),
    status: taskStatusOf(row),
    input: Json.text(textOf(row, 'input')),
    output: Json.text(textOf(row, 'output')),
    fragment: fragment === null ? null : Json.text(fragment),
    ...fixedPart(details),
    ...changingPart(state),
  };
}

/** Needs no payloads. Spelled out: a whole task made of its head would cost four times as much as one made of its row. */
export function taskHeadOf(row: Row): TaskHead {
  const details: TaskDetails = documentOf(row, 'details');
  const state: TaskState = documentOf(row, 'state');
  return {
    rowId: numberOf(row, 'row_id'),
    id: textOf(row, 'id'),
    runRowId: numberOf(row, 'run_row_id'),
    seq: numberOf(row, 'seq'),
    status: taskStatusOf(row),
    ...fixedPart(details),
    ...changingPart(state),
  };
}

type FixedPart = Omit<Required<TaskDetails>, 'queue' | 'domain' | 'retriedTaskId' | 'givenInput'> &
  Pick<Task, 'queue' | 'domain' | 'retriedTaskId' | 'givenInput'>;

function fixedPart(details: TaskDetails): FixedPart {
  return {
    ref: details.ref,
    type: details.type,
    scheduledMs: details.scheduledMs,
    step: details.step ?? details.ref,
    scope: details.scope ?? '',
    iteration: details.iteration ?? 0,
    defName: details.defName ?? details.type,
    queue: details.queue ?? null,
    domain: details.domain ?? null,
    attempt: details.attempt ?? 0,
    retriedTaskId: details.retriedTaskId ?? null,
    forkRowId: details.forkRowId ?? 0,
    responseTimeoutSeconds: details.responseTimeoutSeconds ?? 0,
    startDelaySeconds: details.startDelaySeconds ?? 0,
    firstScheduledMs: details.firstScheduledMs ?? details.scheduledMs,
    ...(details.givenInput && { givenInput: true }),
  };
}

type ChangingPart = Omit<Required<TaskState>, 'reason' | 'workerId' | 'subRunId'> &
  Pick<Task, 'reason' | 'workerId' | 'subRunId'>;

function changingPart(state: TaskState): ChangingPart {
  return {
    updatedMs: state.updatedMs,
    reason: state.reason ?? null,
    workerId: state.workerId ?? null,
    pollCount: state.pollCount ?? 0,
    callbackAfterSeconds: state.callbackAfterSeconds ?? 0,
    startedMs: state.startedMs ?? 0,
    endedMs: state.endedMs ?? 0,
    visibleMs: state.visibleMs ?? 0,
    dueMs: state.dueMs ?? 0,
    retried: state.retried ?? false,
    executed: state.executed ?? false,
    waiting: state.waiting ?? 0,
    subRunId: state.subRunId ?? null,
  };
}

export function taskStatusOf(row: Row): TaskStatus {
  const text = textOf(row, 'status');
  const status = TASK_STATUSES.find((known) => known === text);
  if (!status) throw new TypeError(`A task has the unknown status ${text}.`);
  return status;
}
