// What is asked of a store beside its rounds: committed state, found by index, a page at a time. Shapes only.
import type { ApiKeyRecord } from '../model/api-key.ts';
import type { EventHandler } from '../model/event-handler.ts';
import type { Run, RunHead, Snapshot, Task, TaskHead, TaskLog } from '../model/run.ts';
import type { RunStatus } from '../model/run-status.ts';
import type { TaskDefinition } from '../model/task-definition.ts';
import type { TaskStatus } from '../model/task-status.ts';
import type { AuditEntry, Charge, VaultKey, VendorSecret } from '../model/vault.ts';
import type { WorkflowDefinition } from '../model/workflow-definition.ts';
import type { ScheduleAlarm, ScheduleExecution, ScheduleRecord } from '../model/workflow-schedule.ts';
import type { HistoryRead, PollRecord } from './write-batch.ts';

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
  /** What a key was charged for a vendor object, all told; null when it has paid for nothing of the kind. */
  countedFor(keyId: string, objectId: string): Promise<number | null>;
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
