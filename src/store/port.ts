// The store as nouns. Owns what every database adapter must offer; the one conformance suite beside it says how it
// must behave. All writes go through a round's `commit`: one call is one transaction, durable when it resolves.

import type { ApiKeyRecord } from '../model/api-key.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { Run, Snapshot, Task, TaskLog } from '../model/run.ts';
import type { RunStatus } from '../model/run-status.ts';
import type { TaskDefinition } from '../model/task-definition.ts';
import type { AuditEntry, Charge, VaultKey, VendorSecret } from '../model/vault.ts';
import type { WorkflowDefinition } from '../model/workflow-definition.ts';

export interface Store {
  /** Opens a round: what it loads is locked against other writers until it commits or is abandoned. */
  round(): Round | Promise<Round>;
  readonly reads: Reads;
  /** First free integer keys; the single writer counts on from here. */
  readonly nextRowIds: { readonly run: number; readonly task: number; readonly charge: number };
  close(): Promise<void>;
}

export interface Round {
  loadRuns(rowIds: readonly number[]): Promise<readonly LoadedRun[]>;
  /** Writes everything or nothing. Rejects with AppError('store_unavailable') when the database fails. */
  commit(batch: WriteBatch): Promise<void>;
  abandon(): Promise<void>;
}

export interface LoadedRun {
  readonly run: Run;
  /** Every attempt, ascending by rowId. */
  readonly tasks: readonly Task[];
}

/** Rows of one transaction. A row appears at most once per list; new and changed never hold the same row. */
export interface WriteBatch {
  readonly snapshots: Snapshot[];
  readonly newRuns: Run[];
  /** Only the fields below the "what changes" line of `Run` are written. */
  readonly changedRuns: Run[];
  readonly removedRuns: number[];
  readonly newTasks: Task[];
  /** Only the fields below the "what changes" line of `Task` are written. */
  readonly changedTasks: Task[];
  readonly logs: TaskLog[];
  readonly polls: PollRecord[];
  readonly definitions: WorkflowDefinition[];
  readonly removedDefinitions: { readonly name: string; readonly version: number }[];
  readonly taskDefinitions: TaskDefinition[];
  readonly removedTaskDefinitions: string[];
  readonly apiKeys: ApiKeyRecord[];
  readonly vendorSecrets: VendorSecret[];
  readonly removedVendorSecrets: string[];
  /** Inserted or replaced whole. */
  readonly vaultKeys: VaultKey[];
  /** Inserted or replaced whole, by rowId. */
  readonly charges: Charge[];
  readonly audit: AuditEntry[];
  readonly historyReads: HistoryRead[];
}

export interface PollRecord {
  readonly queueName: string;
  readonly domain: string;
  readonly workerId: string;
  readonly lastPollMs: number;
}

/** Who looked at an execution's history, and when. */
export interface HistoryRead {
  readonly atMs: number;
  readonly principal: string;
  readonly runId: string;
  readonly route: string;
}

/** Committed state, read beside the writer. */
export interface Reads {
  // executions
  runRowId(id: string): Promise<number | null>;
  run(id: string, includeTasks: boolean): Promise<LoadedRun | null>;
  taskById(id: string): Promise<{ readonly task: Task; readonly run: Run } | null>;
  /** One page of a run's tasks, ascending by seq, and how many there are in all. */
  tasksOf(runRowId: number, page: Page, statuses: readonly string[]): Promise<{ total: number; tasks: Task[] }>;
  runningIds(name: string, version: number | null, fromMs: number, toMs: number): Promise<string[]>;
  correlated(name: string, correlationIds: readonly string[], includeClosed: boolean): Promise<Run[]>;
  /** The run that was started with this key, newest first when several. */
  byIdempotencyKey(name: string, key: string): Promise<{ id: string; status: RunStatus } | null>;
  snapshot(id: string): Promise<Snapshot | null>;
  logs(taskId: string): Promise<TaskLog[]>;
  polls(): Promise<PollRecord[]>;
  historyReads(runId: string): Promise<HistoryRead[]>;
  /** Rebuild after a start: rows of runs that are not terminal, in ascending rowId, a page at a time. */
  openRuns(afterRowId: number, limit: number): Promise<OpenRun[]>;
  // definitions
  definitions(): Promise<WorkflowDefinition[]>;
  taskDefinitions(): Promise<TaskDefinition[]>;
  // access
  apiKeys(): Promise<ApiKeyRecord[]>;
  // vault
  vendorSecrets(): Promise<VendorSecret[]>;
  vaultKey(id: string): Promise<VaultKey | null>;
  vaultKeys(filter: VaultKeyFilter): Promise<VaultKey[]>;
  /** Charges of a key that still count against a cap: state not `released`, at or after `sinceMs`. */
  chargesOf(keyId: string, sinceMs: number): Promise<Charge[]>;
  /** Charges whose outcome is not known: `reserved` or `uncertain`. */
  openCharges(): Promise<Charge[]>;
  /** Committed charges that carry this replay fingerprint, newest first. */
  chargeByFingerprint(keyId: string, fingerprint: string): Promise<Charge | null>;
  audit(filter: AuditFilter): Promise<AuditEntry[]>;
  spend(runId: string): Promise<SpendRow[]>;
  /** For `/health`: answers or rejects. */
  ping(): Promise<void>;
}

export interface Page {
  readonly start: number;
  readonly count: number;
}

/** A run that is not terminal, with those of its tasks that are not. Enough to rebuild queues and timers. */
export interface OpenRun {
  readonly rowId: number;
  readonly id: string;
  readonly name: string;
  readonly priority: number;
  readonly status: RunStatus;
  readonly dueMs: number;
  readonly tasks: readonly OpenTask[];
}

export type OpenTask = Pick<
  Task,
  'rowId' | 'id' | 'queue' | 'domain' | 'defName' | 'status' | 'visibleMs' | 'dueMs' | 'startedMs' | 'seq'
>;

export interface VaultKeyFilter {
  /** Only keys that are not revoked and expire after this instant; found by an index, whatever the history holds. */
  readonly liveAtMs?: number;
  readonly runLabel?: string;
  readonly vendor?: string;
  readonly limit: number;
}

export interface AuditFilter {
  readonly runId?: string;
  readonly keyId?: string;
  readonly verdict?: string;
  /** Entries after this audit id. */
  readonly afterId?: number;
  readonly limit: number;
}

/** Totals of one task of one run, from the audit. `ref` is "" where a call named no task. */
export interface SpendRow {
  readonly ref: string;
  readonly vendor: string;
  readonly currency: string;
  readonly calls: number;
  readonly allowed: number;
  readonly refused: number;
  readonly costMicros: number;
  readonly vendorObjectIds: readonly string[];
}

export function emptyBatch(): WriteBatch {
  return {
    snapshots: [],
    newRuns: [],
    changedRuns: [],
    removedRuns: [],
    newTasks: [],
    changedTasks: [],
    logs: [],
    polls: [],
    definitions: [],
    removedDefinitions: [],
    taskDefinitions: [],
    removedTaskDefinitions: [],
    apiKeys: [],
    vendorSecrets: [],
    removedVendorSecrets: [],
    vaultKeys: [],
    charges: [],
    audit: [],
    historyReads: [],
  };
}

export type { Json, JsonObject };
