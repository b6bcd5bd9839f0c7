// A run and its row, as every database keeps it. Owns the two packed documents and the way back from a row; the
// columns are each adapter's. `details` is what never changes, `state` what every change rewrites.
// Values that are empty are left out of the documents: most are, and each byte is written once per change.
import { Json } from '../../model/json.ts';
import type { Run, RunHead, RunParent } from '../../model/run.ts';
import { isRunTerminal, RUN_STATUSES, type RunStatus } from '../../model/run-status.ts';
import { documentOf, numberOf, type Row, textOf, textOrNull } from './text-column.ts';

export interface RunDetails {
  readonly snapshotId: string;
  readonly rootId?: string;
  readonly priority?: number;
  readonly taskToDomain?: Readonly<Record<string, string>>;
  readonly createdBy?: string;
  readonly agentGrants?: readonly string[];
  readonly event?: string;
  readonly payers?: Readonly<Record<string, string>>;
  readonly parent?: RunParent;
}

export interface RunState {
  readonly updatedMs: number;
  readonly reason?: string;
  readonly failedRefs?: readonly string[];
  readonly failedNames?: readonly string[];
  readonly endedMs?: number;
  readonly lastRetriedMs?: number;
  readonly dueMs?: number;
  readonly lastSeq?: number;
  readonly openTasks?: number;
  readonly sequenceDone?: boolean;
}

/** Statuses of runs that are not over, as an SQL list: the condition of the index `run_open`, to the letter. */
export const OPEN_RUN_STATUSES = RUN_STATUSES.filter((status) => !isRunTerminal(status))
  .map((status) => `'${status}'`)
  .join(', ');

export function detailsOf(run: Run): RunDetails {
  return {
    snapshotId: run.snapshotId,
    rootId: run.rootId === run.id ? undefined : run.rootId,
    priority: run.priority || undefined,
    taskToDomain: Object.keys(run.taskToDomain).length > 0 ? run.taskToDomain : undefined,
    createdBy: run.createdBy ?? undefined,
    agentGrants: run.agentGrants,
    event: run.event,
    payers: run.payers,
    parent: run.parent ?? undefined,
  };
}

export function stateOf(run: Run): RunState {
  return {
    updatedMs: run.updatedMs,
    reason: run.reason ?? undefined,
    failedRefs: run.failedRefs.length > 0 ? run.failedRefs : undefined,
    failedNames: run.failedNames.length > 0 ? run.failedNames : undefined,
    endedMs: run.endedMs || undefined,
    lastRetriedMs: run.lastRetriedMs || undefined,
    dueMs: run.dueMs || undefined,
    lastSeq: run.lastSeq || undefined,
    openTasks: run.openTasks || undefined,
    sequenceDone: run.sequenceDone || undefined,
  };
}

/** Reads a row with all columns of a run. */
export function runOf(row: Row): Run {
  return {
    ...runHeadOf(row),
    input: Json.text(textOf(row, 'input')),
    output: Json.text(textOf(row, 'output')),
    variables: Json.text(textOf(row, 'variables')),
  };
}

/** Needs no payloads. */
export function runHeadOf(row: Row): RunHead {
  const id = textOf(row, 'id');
  const details: RunDetails = documentOf(row, 'details');
  const state: RunState = documentOf(row, 'state');
  return {
    rowId: numberOf(row, 'row_id'),
    id,
    rootId: details.rootId ?? id,
    snapshotId: details.snapshotId,
    name: textOf(row, 'name'),
    version: numberOf(row, 'version'),
    correlationId: textOrNull(row, 'correlation_id'),
    priority: details.priority ?? 0,
    taskToDomain: details.taskToDomain ?? {},
    createdBy: details.createdBy ?? null,
    ...(details.agentGrants && { agentGrants: details.agentGrants }),
    ...(details.event !== undefined && { event: details.event }),
    ...(details.payers && { payers: details.payers }),
    parent: details.parent ?? null,
    idempotencyKey: textOrNull(row, 'idempotency_key'),
    createdMs: numberOf(row, 'created_ms'),
    status: runStatusOf(row),
    reason: state.reason ?? null,
    failedRefs: state.failedRefs ?? [],
    failedNames: state.failedNames ?? [],
    updatedMs: state.updatedMs,
    endedMs: state.endedMs ?? 0,
    lastRetriedMs: state.lastRetriedMs ?? 0,
    dueMs: state.dueMs ?? 0,
    lastSeq: state.lastSeq ?? 0,
    openTasks: state.openTasks ?? 0,
    sequenceDone: state.sequenceDone ?? false,
  };
}

export function runStatusOf(row: Row): RunStatus {
  const text = textOf(row, 'status');
  const status = RUN_STATUSES.find((known) => known === text);
  if (!status) throw new TypeError(`A run has the unknown status ${text}.`);
  return status;
}
