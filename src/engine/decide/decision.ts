// What goes into a decision and what comes out of it. The engine's whole contract with the loop around it.
import type { ScriptResult } from '../../expressions/script-result.ts';
import type { Json, JsonObject, JsonValue } from '../../model/json.ts';
import type { Run, RunParent, Task, TaskLog } from '../../model/run.ts';
import type { RunStatus } from '../../model/run-status.ts';
import type { TaskDefinition } from '../../model/task-definition.ts';
import type { TaskStatus } from '../../model/task-status.ts';
import type { WorkflowDefinition } from '../../model/workflow-definition.ts';

/** A run and its tasks, indexed. Owned by the loop; the engine reads it and returns a `Decision` to apply. */
export interface RunState {
  readonly run: Run;
  /** All attempts, by rowId. */
  readonly tasks: ReadonlyMap<number, Task>;
  /** Latest attempt by wire reference name (with loop suffix). */
  readonly latest: ReadonlyMap<string, Task>;
  /** Latest task of a step, over all iterations. */
  readonly latestOfStep: ReadonlyMap<string, Task>;
}

/** Everything that is not a function of plan, state and event. Injected, so that a test can hold it still. */
export interface DecideContext {
  readonly now: number;
  newRowId(): number;
  newId(): string;
  /** Uniform in [0, 1): retry jitter. */
  random(): number;
  /** Chooses a domain for a task type under the run's taskToDomain, or null. */
  domainOf(taskName: string, taskToDomain: Readonly<Record<string, string>>): string | null;
  /** Registered rules of a task type that only a run names (dynamic fork, DYNAMIC). Absent: none are registered. */
  taskDefinition?(taskName: string): TaskDefinition | undefined;
  /** Runs sandboxed JavaScript with `$` bound to `input`; the completion value is the result. */
  script(source: string, input: JsonValue): ScriptResult;
}

export type { ScriptResult } from '../../expressions/script-result.ts';

export type RunEvent =
  | { readonly kind: 'start'; readonly replay?: Replay }
  /** A poller takes a SCHEDULED task. */
  | { readonly kind: 'claim'; readonly taskRowId: number; readonly workerId: string | null }
  | { readonly kind: 'update'; readonly taskRowId: number; readonly update: TaskUpdate }
  /** The clock reached dueMs of a task, or of the run itself when taskRowId is 0. */
  | { readonly kind: 'timer'; readonly taskRowId: number }
  /** The child of a SUB_WORKFLOW or START_WORKFLOW task was started. */
  | { readonly kind: 'child-started'; readonly taskRowId: number; readonly childId: string }
  | { readonly kind: 'child-ended'; readonly taskRowId: number; readonly child: ChildOutcome }
  /** A start request made by a task could not be met (no such definition, invalid input). */
  | { readonly kind: 'child-refused'; readonly taskRowId: number; readonly reason: string }
  | { readonly kind: 'terminate'; readonly reason: string | null; readonly withFailureWorkflow?: boolean }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  /** Of a run that ended without success. `resumed`: tasks whose child run goes on with it, by row id. */
  | { readonly kind: 'retry'; readonly resumed: readonly number[] }
  /** A task that is over before its turn has come; see `placeToSkip`. */
  | { readonly kind: 'skip'; readonly ref: string; readonly input: Json; readonly output: Json }
  /** All of the run's variables, as they shall be. */
  | { readonly kind: 'set-variables'; readonly variables: Json }
  /** Tasks whose workers asked to have them back later are handed out now. */
  | { readonly kind: 'reset-callbacks' }
  | { readonly kind: 'decide' };

/** What a run that starts over takes from its last life. */
export interface Replay {
  /** The last life. */
  readonly before: RunState;
  /** Every attempt of what is not done again, by wire reference name, in the order in which they were made. */
  readonly kept: ReadonlyMap<string, readonly Task[]>;
  readonly from: {
    readonly ref: string;
    /** Instead of the one that its step would make. */
    readonly input: Json | null;
    /** Its attempts as they were, where the last of them waits for the child run it had. */
    readonly resumed: readonly Task[] | null;
  };
}

export interface TaskUpdate {
  readonly status: TaskStatus;
  /** Stored as it is: a document that was made into text on its way here is not made into text again. */
  readonly output: Json;
  readonly reason: string | null;
  readonly workerId: string | null;
  readonly callbackAfterSeconds: number;
  readonly extendLease: boolean;
  /** Laid over the run's `state` variable in the same decision. */
  readonly statePatch?: JsonObject;
}

export interface ChildOutcome {
  readonly id: string;
  readonly status: RunStatus;
  readonly output: JsonObject;
  readonly reason: string | null;
}

/** What the loop has to do beside writing rows. Carried out within the same round, before its commit. */
export type Effect =
  | { readonly kind: 'start-run'; readonly start: ChildStart }
  /** Ends a child run whose SUB_WORKFLOW task was cancelled. */
  | { readonly kind: 'terminate-run'; readonly runId: string; readonly reason: string };

export interface ChildStart {
  /** SUB_WORKFLOW and START_WORKFLOW: the task that asked. 0 for a failure workflow, which reports to nobody. */
  readonly taskRowId: number;
  /** Wanted public id: the same for every delivery of one attempt, so a repeated start makes no twin. */
  readonly id: string;
  readonly name: string;
  readonly version: number | null;
  readonly definition: WorkflowDefinition | null;
  readonly input: JsonObject;
  readonly correlationId: string | null;
  readonly priority: number;
  readonly taskToDomain: Readonly<Record<string, string>>;
  /** Set when the started run belongs to this one (sub-workflow, failure workflow); null for START_WORKFLOW. */
  readonly parent: RunParent | null;
}

export interface Decision {
  /** The run after the event, or null when nothing about it changed. */
  readonly run: Run | null;
  readonly inserted: readonly Task[];
  /** Final values of changed tasks, each rowId once; a task inserted by this decision is only in `inserted`. */
  readonly updated: readonly Task[];
  readonly effects: readonly Effect[];
  readonly logs: readonly TaskLog[];
  /** The run became terminal by this decision. */
  readonly ended: boolean;
}
