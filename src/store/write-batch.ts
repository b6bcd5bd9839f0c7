// What a round writes: one list for each kind of row, all of them in one transaction. Shapes, and the empty one.
import type { ApiKeyRecord } from '../model/api-key.ts';
import type { EventHandler } from '../model/event-handler.ts';
import type { Json } from '../model/json.ts';
import type { Run, Snapshot, Task, TaskLog } from '../model/run.ts';
import type { TaskDefinition } from '../model/task-definition.ts';
import type { AuditEntry, Charge, VaultKey, VendorSecret } from '../model/vault.ts';
import type { WorkflowDefinition } from '../model/workflow-definition.ts';
import type { ScheduleExecution, ScheduleRecord } from '../model/workflow-schedule.ts';
import type { TaskLimit } from './shared-port.ts';

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

/** An effect of one run on another that was busy: applied in a later round, which removes it. */
export interface Signal {
  readonly rowId: number;
  readonly runRowId: number;
  readonly createdMs: number;
  readonly document: Json;
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
