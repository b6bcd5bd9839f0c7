// The store as nouns. Owns what every database adapter must offer; the one conformance suite beside it says how it
// must behave. All writes go through a round's `commit`: one call is one transaction, durable when it resolves.

import type { ApiKeyRecord } from '../model/api-key.ts';
import type { EventHandler } from '../model/event-handler.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { Run, RunHead, Snapshot, Task, TaskHead, TaskLog } from '../model/run.ts';
import type { RunStatus } from '../model/run-status.ts';
import type { TaskDefinition } from '../model/task-definition.ts';
import type { TaskStatus } from '../model/task-status.ts';
import type { AuditEntry, Charge, VaultKey, VendorSecret } from '../model/vault.ts';
import type { WorkflowDefinition } from '../model/workflow-definition.ts';
import type { ScheduleAlarm, ScheduleExecution, ScheduleRecord } from '../model/workflow-schedule.ts';
import type { SharedRound, SharedStore, TaskLimit } from './shared-port.ts';

export interface Store {
  /**
   * Opens a round. In a shared store what it loads is locked against other writers until it commits or is abandoned.
   * Rejects with AppError('store_unavailable').
   */
  round(): Round | Promise<Round>;
  /**
   * Sends a commit on its way behind `earlier`, which may be under way still: should that one fail, so does this, and
   * `done` never comes before its. Null in a shared store, where a round must hold its locks before it decides.
   */
  readonly commitBehind: ((batch: WriteBatch, earlier: SentCommit | undefined) => SentCommit) | null;
  readonly reads: Reads;
  /** A fresh integer key, unique in the database; rows of one process get ascending ones. Never waits. */
  newRowId(kind: RowKind): number;
  /** No task had ever been written when the store was opened. */
  readonly fresh: boolean;
  /** What there is when other processes write to the same database; null for a store with a single writer. */
  readonly shared: SharedStore | null;
  /**
   * Removes one small batch of what has passed its age, whole runs at a time; resolves with how many rows of `run`,
   * `schedule_execution`, `audit` and `charge` went. Less than `limit`: nothing is left. An age of 0 keeps everything.
   */
  prune(ages: PruneAges, limit: number): Promise<number>;
  close(): Promise<void>;
}

/** A commit that may be under way. */
export interface SentCommit {
  /** Ascending in the order of sending. */
  readonly id: number;
  /** As of `Round.commit`. */
  readonly done: Promise<void>;
}

export type RowKind = 'run' | 'task' | 'charge' | 'signal';

export interface PruneAges {
  /** Terminal runs that ended before this instant, with their tasks, logs and history reads; firings from before it. */
  readonly runsEndedBeforeMs: number;
  /** Audit entries from before this instant; closed charges and dead vault keys that no window can count any more. */
  readonly auditBeforeMs: number;
}

export interface Round {
  /** Loads runs and, in a shared store, locks them. A run that another round holds is `busy`: it never waits for it. */
  loadRuns(wanted: readonly WantedRun[]): Promise<LoadedRuns>;
  /** The newest run started with each of these keys; in a shared store nobody else can start one until the round ends. */
  startedWith(keys: readonly StartKey[]): Promise<readonly (StartedRun | null)[]>;
  /** Schedules as they are; in a shared store locked, as runs are, and a name that nobody has free to be taken. */
  loadSchedules(names: readonly string[]): Promise<LoadedSchedules>;
  /**
   * Writes everything or nothing. Rejects with AppError('store_unavailable') when the database fails, and with
   * `RoundConflict` when another writer got in the way and nothing was written: the round may be tried again.
   */
  commit(batch: WriteBatch): Promise<void>;
  abandon(): Promise<void>;
  /** Null in a store with a single writer. */
  readonly shared: SharedRound | null;
}

/** A round lost to another writer (serialization failure, deadlock): nothing was written, the same work may be tried again. */
export class RoundConflict extends Error {}

export interface WantedRun {
  readonly rowId: number;
  /** The revision that memory holds; 0: nothing, send it whole. */
  readonly revision: number;
}

export interface LoadedRuns {
  /** Those that memory does not hold, or not in their present revision. The others that are not listed here are as held. */
  readonly changed: readonly LoadedRun[];
  /** Held by another round just now: not locked, not loaded, to be tried again. */
  readonly busy: readonly number[];
  readonly gone: readonly number[];
}

export interface LoadedRun {
  readonly run: Run;
  /**
   * Raised by one with every commit that writes the run or any of its tasks; 1 after the commit that made it.
   * Always 0 in a store with a single writer.
   */
  readonly revision: number;
  /** Ascending by seq: every attempt, or (when `since` is not 0) those written after that revision. */
  readonly tasks: readonly Task[];
  readonly since: number;
}

export interface LoadedSchedules {
  /** A name that is in neither list is nobody's. */
  readonly found: readonly ScheduleRecord[];
  /** Held by another round just now. */
  readonly busy: readonly string[];
}

export interface StartKey {
  readonly name: string;
  readonly key: string;
}

export interface StartedRun {
  readonly id: string;
  readonly status: RunStatus;
}

/** An effect of one run on another that was busy: applied in a later round, which removes it. */
export interface Signal {
  readonly rowId: number;
  readonly runRowId: number;
  readonly createdMs: number;
  readonly document: Json;
}

/** Rows of one transaction. A row appears at most once per list; new and changed never hold the same row. */
export interface WriteBatch {
  readonly snapshots: Snapshot[];
  readonly newRuns: Run[];
  /** Only the fields below the "what changes" line of `Run` are written. */
  readonly changedRuns: Run[];
  /** Gone before anything of the batch is written, so that a run may begin again under its ids. */
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
  readonly eventHandlers: EventHandler[];
  readonly removedEventHandlers: string[];
  /** Inserted or replaced whole; a name is in one of these three lists at most. */
  readonly schedules: ScheduleRecord[];
  /** The same, of which no other process need hear: only its next time has changed. */
  readonly firedSchedules: ScheduleRecord[];
  readonly removedSchedules: string[];
  readonly scheduleExecutions: ScheduleExecution[];
  readonly apiKeys: ApiKeyRecord[];
  readonly vendorSecrets: VendorSecret[];
  readonly removedVendorSecrets: string[];
  /** Inserted or replaced whole. */
  readonly vaultKeys: VaultKey[];
  readonly newCharges: Charge[];
  /** Only state, amount, attempt, body, vendor object and time of settlement are written. */
  readonly changedCharges: Charge[];
  readonly audit: AuditEntry[];
  readonly historyReads: HistoryRead[];
  // ---- below: written in a shared store only
  /** Revokes every live vault key of these executions. */
  readonly endedRuns: EndedRun[];
  /** Before `endedRuns`: gives keys back that ended with a run that goes on. */
  readonly reopenedRuns: ReopenedRun[];
  readonly signals: Signal[];
  readonly removedSignals: number[];
  readonly taskLimits: TaskLimit[];
}

export interface EndedRun {
  readonly id: string;
  readonly atMs: number;
}

export interface ReopenedRun {
  readonly id: string;
  /** Under which its keys are. */
  readonly runLabel: string;
  /** When it ended: keys that were revoked at another time stay so. */
  readonly endedMs: number;
  readonly atMs: number;
  /** Its keys then live at least for as long again as they were issued for, up to this. */
  readonly lifeMsMax: number;
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
  run(id: string, includeTasks: boolean): Promise<{ readonly run: Run; readonly tasks: readonly Task[] } | null>;
  taskById(id: string): Promise<{ readonly task: Task; readonly run: Run } | null>;
  /** One page of a run's tasks, ascending by seq, and how many there are in all. */
  tasksOf(runRowId: number, page: Page, statuses: readonly string[]): Promise<{ total: number; tasks: Task[] }>;
  runningIds(name: string, version: number | null, fromMs: number, toMs: number): Promise<string[]>;
  correlated(name: string, correlationIds: readonly string[], includeClosed: boolean): Promise<Run[]>;
  /**
   * One page of the runs that fit, by when they started, and how many fit. Reads and counts no more than `FOUND_MAX`
   * of those that one index finds: by id, correlation id, text, open or unsuccessful status, name or start time.
   */
  searchRuns(filter: RunFilter, order: SearchOrder, page: Page): Promise<{ total: number; runs: RunHead[] }>;
  /**
   * One page of the tasks that fit, by when they began (or were scheduled, before that), and how many fit. Looks at no more
   * than `FOUND_MAX` of those that one index finds: by id, unsuccessful status, or of the runs that `searchRuns` would
   * find; where only open ones are asked for, at ten times as many tasks of open runs.
   */
  searchTasks(filter: TaskFilter, order: SearchOrder, page: Page): Promise<{ total: number; tasks: FoundTask[] }>;
  /** One page of the runs of such tasks, each once, by when they started, and how many there are. */
  searchRunsByTasks(filter: TaskFilter, order: SearchOrder, page: Page): Promise<{ total: number; runs: RunHead[] }>;
  /** Names that runs have, up to `limit` of them; those of 200 characters and more may be left out. */
  runNames(limit: number): Promise<string[]>;
  snapshot(id: string): Promise<Snapshot | null>;
  /** Of these tasks, in the order in which they were written. */
  logs(taskIds: readonly string[]): Promise<TaskLog[]>;
  /** Of polls at or after this instant. */
  polls(sinceMs: number): Promise<PollRecord[]>;
  historyReads(runId: string): Promise<HistoryRead[]>;
  /** Rebuild after a start: rows of runs that are not terminal, in ascending rowId, a page at a time. */
  openRuns(afterRowId: number, limit: number): Promise<OpenRun[]>;
  // definitions
  definitions(): Promise<WorkflowDefinition[]>;
  taskDefinitions(): Promise<TaskDefinition[]>;
  eventHandlers(): Promise<EventHandler[]>;
  // schedules
  schedule(name: string): Promise<ScheduleRecord | null>;
  /** By name. */
  schedules(): Promise<ScheduleRecord[]>;
  /** Of those that are to fire. */
  scheduleAlarms(): Promise<ScheduleAlarm[]>;
  /**
   * One page of the firings that fit, by when they happened, and how many fit. Looks at no more than `FOUND_MAX` of
   * those of the schedules and of the time asked for.
   */
  searchScheduleExecutions(
    filter: ScheduleExecutionFilter,
    order: SearchOrder,
    page: Page,
  ): Promise<{ total: number; executions: ScheduleExecution[] }>;
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
  audit(filter: AuditFilter): Promise<AuditEntry[]>;
  spend(runId: string): Promise<SpendRow[]>;
  /** For `/health`: answers or rejects. */
  ping(): Promise<void>;
}

export interface Page {
  readonly start: number;
  readonly count: number;
}

/** No search counts or reads further than this. */
export const FOUND_MAX = 10_000;

export type SearchOrder = 'newest' | 'oldest';

/** Every condition holds. A list that is null asks for nothing; an empty one finds nothing. */
export interface RunFilter {
  readonly ids: readonly string[] | null;
  readonly names: readonly string[] | null;
  readonly correlationIds: readonly string[] | null;
  readonly versions: readonly number[] | null;
  readonly priorities: readonly number[] | null;
  readonly statuses: readonly RunStatus[];
  readonly started: TimeRange;
  /** A run that is not over has no end and fits none. */
  readonly ended: TimeRange | null;
  readonly updated: TimeRange | null;
  /** Is the id, the name or the correlation id. */
  readonly text: string | null;
}

/** As `RunFilter`. */
export interface TaskFilter {
  readonly ids: readonly string[] | null;
  readonly runIds: readonly string[] | null;
  /** Of workflows. */
  readonly names: readonly string[] | null;
  readonly correlationIds: readonly string[] | null;
  readonly types: readonly string[] | null;
  readonly defNames: readonly string[] | null;
  readonly refs: readonly string[] | null;
  readonly statuses: readonly TaskStatus[];
  readonly scheduled: TimeRange | null;
  /** A task that has not begun fits none, nor has one that is not over an end. */
  readonly started: TimeRange | null;
  readonly ended: TimeRange | null;
  readonly updated: TimeRange | null;
  /** Is the task's id, or the id, the name or the correlation id of its run. */
  readonly text: string | null;
}

export interface FoundTask {
  readonly task: TaskHead;
  readonly run: Pick<Run, 'id' | 'name' | 'correlationId' | 'priority'>;
}

/** As in `RunFilter`. */
export interface ScheduleExecutionFilter {
  readonly scheduleNames: readonly string[] | null;
  /** Of workflows. */
  readonly names: readonly string[] | null;
  readonly runIds: readonly string[] | null;
  readonly statuses: readonly string[];
  readonly scheduled: TimeRange;
  readonly executed: TimeRange;
  /** Is its id, or the name of the schedule or the workflow, or the id of the run. */
  readonly text: string | null;
}

/** Both ends belong to it. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
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
    eventHandlers: [],
    removedEventHandlers: [],
    schedules: [],
    firedSchedules: [],
    removedSchedules: [],
    scheduleExecutions: [],
    apiKeys: [],
    vendorSecrets: [],
    removedVendorSecrets: [],
    vaultKeys: [],
    newCharges: [],
    changedCharges: [],
    audit: [],
    historyReads: [],
    endedRuns: [],
    reopenedRuns: [],
    signals: [],
    removedSignals: [],
    taskLimits: [],
  };
}

export type { Json, JsonObject };
