// An execution (a run of a workflow definition) and its tasks, as the engine decides on them and the stores keep them.
// Values: a change makes a new object (`{ ...task, status }`), so a round can be dropped without undoing anything.
// Times are epoch milliseconds; 0 means "not yet".
import type { Json } from './json.ts';
import type { RunStatus } from './run-status.ts';
import type { TaskStatus } from './task-status.ts';

export interface Run {
  /** Internal integer key, dense and ascending. Public callers see `id`. */
  readonly rowId: number;
  /** Public workflowId (UUIDv7). */
  readonly id: string;
  /** Public id of the outermost ancestor; its own id when it has no parent. */
  readonly rootId: string;
  /** Which frozen definition this run follows: key of a `Snapshot`. */
  readonly snapshotId: string;
  readonly name: string;
  readonly version: number;
  readonly correlationId: string | null;
  readonly priority: number;
  readonly taskToDomain: Readonly<Record<string, string>>;
  readonly createdBy: string | null;
  /** What whoever started it, or its ancestor, might then do with agents. Absent: nobody was asked. */
  readonly agentGrants?: readonly string[];
  /** Name of the event whose handler started it. Absent: none did. */
  readonly event?: string;
  /**
   * Whose budget it spends, by vendor: public id of the nearest run of its line, itself included, that has one. Absent:
   * none has.
   */
  readonly payers?: Readonly<Record<string, string>>;
  /** The SUB_WORKFLOW task that waits for this run. `notify` is false for failure workflows, which nobody waits for. */
  readonly parent: RunParent | null;
  readonly idempotencyKey: string | null;
  readonly input: Json;
  readonly createdMs: number;
  // ---- below: what changes while it runs
  readonly status: RunStatus;
  readonly output: Json;
  readonly variables: Json;
  readonly reason: string | null;
  readonly failedRefs: readonly string[];
  readonly failedNames: readonly string[];
  readonly updatedMs: number;
  readonly endedMs: number;
  readonly lastRetriedMs: number;
  /** When the engine must next look at the run itself (workflow timeout), or 0. */
  readonly dueMs: number;
  /** The last `seq` given to a task. */
  readonly lastSeq: number;
  /** Tasks that are not terminal; a run whose top sequence ended and whose count is 0 is over. */
  readonly openTasks: number;
  /** The top-level sequence has ended. */
  readonly sequenceDone: boolean;
}

/** A run without what it was given and what it made. */
export type RunHead = Omit<Run, 'input' | 'output' | 'variables'>;

export interface RunParent {
  readonly runId: string;
  readonly taskId: string;
  readonly runRowId: number;
  readonly taskRowId: number;
  readonly notify: boolean;
}

export interface Task {
  readonly rowId: number;
  /** Public taskId (UUIDv7). */
  readonly id: string;
  readonly runRowId: number;
  /** Reference name on the wire: `step` plus `scope`. */
  readonly ref: string;
  /** taskReferenceName in the definition. */
  readonly step: string;
  /** Loop position, outermost first: "" outside loops, "__2", "__2__1" in a nested loop. */
  readonly scope: string;
  readonly iteration: number;
  /** taskType on the wire: SIMPLE tasks carry their task name, forks carry FORK. */
  readonly type: string;
  readonly defName: string;
  /** The queue that hands it to workers (a worker type or an in-process type such as HTTP), or null. */
  readonly queue: string | null;
  readonly domain: string | null;
  readonly seq: number;
  /** 0 for the first attempt: `retryCount` on the wire. */
  readonly attempt: number;
  readonly retriedTaskId: string | null;
  readonly input: Json;
  /** Whoever had the run begin again with this task gave the input; what its step makes counts no more. */
  readonly givenInput?: boolean;
  /** JSON of the dynamic branch's root WorkflowTask when the step is not part of the frozen definition, else null. */
  readonly fragment: Json | null;
  /** rowId of the FORK task whose dynamic branch this belongs to, else 0. */
  readonly forkRowId: number;
  readonly responseTimeoutSeconds: number;
  readonly startDelaySeconds: number;
  readonly scheduledMs: number;
  /** When the first attempt was scheduled; totalTimeoutSeconds counts from here. */
  readonly firstScheduledMs: number;
  // ---- below: what changes while it runs
  readonly status: TaskStatus;
  readonly output: Json;
  readonly reason: string | null;
  readonly workerId: string | null;
  readonly pollCount: number;
  readonly callbackAfterSeconds: number;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly updatedMs: number;
  /** Not handed out before this instant (retry delay, callbackAfterSeconds). */
  readonly visibleMs: number;
  /** When the engine must next look at it (timeouts, WAIT), or 0. */
  readonly dueMs: number;
  /** Another attempt followed this one. */
  readonly retried: boolean;
  /** Its successors have been computed; `executed` on the wire. */
  readonly executed: boolean;
  /** What it still waits for: branches of a JOIN or FORK, 0 elsewhere. */
  readonly waiting: number;
  readonly subRunId: string | null;
}

/** A task without what it was given and what it made. */
export type TaskHead = Omit<Task, 'input' | 'output' | 'fragment'>;

export interface TaskLog {
  readonly taskId: string;
  readonly log: string;
  readonly createdMs: number;
}

/** A definition with its task definitions, frozen for the runs that started with it. `id` is its content hash. */
export interface Snapshot {
  readonly id: string;
  /** `{ definition: WorkflowDefinition, taskDefinitions: { [name]: TaskDefinition } }` */
  readonly document: Json;
}
