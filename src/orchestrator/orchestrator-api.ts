// What routes and embedders call. Every promise resolves after the commit of what it reports.

import type { Step } from '../engine/plan/plan.ts';
import type { EventHandler } from '../model/event-handler.ts';
import type { Json, JsonObject, JsonValue } from '../model/json.ts';
import type { Run, Task } from '../model/run.ts';
import type { StartRequest } from '../model/start-request.ts';
import type { TaskDefinition } from '../model/task-definition.ts';
import type { TaskResult } from '../model/task-result.ts';
import type { TaskStatus } from '../model/task-status.ts';
import type { WorkflowDefinition } from '../model/workflow-definition.ts';
import type { PollRecord } from '../store/write-batch.ts';
import type { WatchedRun } from './run-watch.ts';
import type { Schedules } from './schedules/schedule-commands.ts';
import type { Simulated, Simulation } from './simulate-run.ts';
import type { Rerun } from './start-over.ts';

/** A task as a worker gets it. `input` has its vault placeholders filled: never store or log it. */
export interface HandedTask {
  readonly task: Task;
  readonly run: Run;
  readonly step: Step;
  readonly input: Json;
  /** Outputs of the run's steps so far, by reference; for workers inside the process. */
  readonly outputs: () => Readonly<Record<string, JsonValue>>;
}

export interface PollRequest {
  readonly taskType: string;
  readonly workerId: string | null;
  readonly domain: string | null;
  readonly count: number;
  /** Waits this long for the first task; 0 answers at once. At most 5,000 over HTTP. */
  readonly timeoutMs: number;
  /** Aborted when the caller went away: nothing is handed to it afterwards. */
  readonly signal?: AbortSignal;
}

export interface UpdateOutcome {
  readonly taskId: string;
  /** The next task of the same type and domain, when asked for and there is one. */
  readonly next: HandedTask | null;
}

export interface OpenTaskView {
  readonly taskType: string;
  readonly runName: string;
  readonly runId: string;
}

export interface Orchestrator {
  // definitions (committed before they resolve; AppError conflict | not_found | invalid_definition)
  putDefinition(definition: WorkflowDefinition, mode: 'create' | 'overwrite'): Promise<void>;
  putDefinitions(definitions: readonly WorkflowDefinition[]): Promise<void>;
  removeDefinition(name: string, version: number): Promise<void>;
  definition(name: string, version: number | null): WorkflowDefinition | null;
  definitions(): readonly WorkflowDefinition[];
  putTaskDefinitions(definitions: readonly TaskDefinition[]): Promise<void>;
  removeTaskDefinition(name: string): Promise<void>;
  taskDefinition(name: string): TaskDefinition | null;
  taskDefinitions(): readonly TaskDefinition[];
  /** All or none. Rejects with conflict where `create` finds one of a name, with not_found where `replace` finds none. */
  putEventHandlers(handlers: readonly EventHandler[], mode: 'create' | 'replace'): Promise<void>;
  removeEventHandler(name: string): Promise<void>;
  eventHandlers(): readonly EventHandler[];
  readonly schedules: Schedules;
  // executions
  /** `agentGrants`: what its AGENT tasks may run, where that hangs on who starts it. Runs that it starts go by the same. */
  start(request: StartRequest, agentGrants?: readonly string[]): Promise<string>;
  /** Runs a definition for a caller who waits. Null when `waitMs` passed first, or at once when detached: it goes on. */
  execute(request: ExecuteRequest): Promise<WatchedRun | null>;
  /** Waits for a run as `AwaitRequest` says; null when there is none of this id. */
  awaitRun(request: AwaitRequest): Promise<AwaitedRun | null>;
  /**
   * Decides on one open task in a round, as `decide` says of its present state; null changes nothing. Resolves with what
   * the task was. Rejects with not_found, and with what `decide` throws.
   */
  decideTask(taskId: string, decide: TaskDecision): Promise<Task>;
  /** Tries a definition out in memory, as far as it goes; rejects with invalid_definition, or invalid_request. */
  simulate(simulation: Simulation): Promise<Simulated>;
  /** `withFailureWorkflow`: starts that of its definition, as if the run had failed. */
  terminate(runId: string, reason: string | null, withFailureWorkflow?: boolean): Promise<void>;
  pause(runId: string): Promise<void>;
  resume(runId: string): Promise<void>;
  decide(runId: string): Promise<void>;
  /** Laid over the run's variables, key by key. Rejects with not_found, conflict or payload_too_large. */
  setVariables(runId: string, variables: JsonObject): Promise<void>;
  /** Hands out now what workers asked to have back later. Rejects with not_found or conflict. */
  resetCallbacks(runId: string): Promise<void>;
  /**
   * Lets a run go on that ended without success: what failed or was cut off is attempted again. `resumeChildren`: a
   * failed child goes on too, where else a new one is started. Rejects with not_found or conflict.
   */
  retry(runId: string, resumeChildren: boolean): Promise<void>;
  /**
   * Begins an ended run again under its id, with its input. `latest`: with the newest version of its definition. Rejects
   * with not_found or conflict.
   */
  restart(runId: string, latest: boolean): Promise<void>;
  /**
   * Begins an ended run again, whole or from one of its tasks or of those of its children: what came before is taken as
   * it was. Rejects with not_found, conflict or invalid_request.
   */
  rerun(runId: string, rerun: Rerun): Promise<void>;
  /** Makes a task over before its turn has come; `ref` as on the wire. Rejects with not_found or conflict. */
  skip(runId: string, ref: string, input: Json, output: Json): Promise<void>;
  /** Deletes a terminal run and everything of it but its audit. */
  remove(runId: string): Promise<void>;
  // tasks
  poll(request: PollRequest): Promise<readonly HandedTask[]>;
  update(result: TaskResult, andPoll: boolean): Promise<UpdateOutcome>;
  /** Completes the latest open task of a reference; null when there is none. */
  updateByRef(
    runId: string,
    ref: string,
    status: TaskStatus,
    output: Json,
    workerId: string | null,
  ): Promise<string | null>;
  addLog(taskId: string, log: string): Promise<void>;
  /** Type, run name of an open task: what a permission check needs. Undefined for closed or unknown ones. */
  openTask(taskId: string): OpenTaskView | undefined | Promise<OpenTaskView | undefined>;
  /** Who polled which queue last. */
  pollData(): Promise<readonly PollRecord[]>;
  queueSizes(): Promise<Readonly<Record<string, number>>>;
  /** A plan step for a stored task, to render `workflowTask`. */
  stepOf(run: Run, task: Task): Promise<Step | null>;
  stats(): OrchestratorStats;
  /** Stops taking work, answers what is under way, commits, and resolves. */
  stop(): Promise<void>;
}

export interface ExecuteRequest {
  /** Public id of the run, not in use yet. */
  readonly id: string;
  /** The same object for every run of it: compiled once. */
  readonly definition: WorkflowDefinition;
  readonly input: JsonObject;
  /** Laid over the definition's. */
  readonly variables: JsonObject;
  readonly createdBy: string | null;
  /** Every step is written before the next begins. */
  readonly durable: boolean;
  /** A run that COMPLETED in memory is not written at all. */
  readonly failuresOnly: boolean;
  readonly detached: boolean;
  /** 0: as long as it takes. */
  readonly waitMs: number;
}

export interface AwaitRequest {
  readonly runId: string;
  /** Until one of these steps has ended, beside the end of the run and its coming to a stand. */
  readonly refs: readonly string[];
  /** 0: it is only looked at. */
  readonly waitMs: number;
  /** Aborted when the caller went away. */
  readonly signal?: AbortSignal;
}

export interface AwaitedRun {
  readonly run: Run;
  readonly tasks: readonly Task[];
  /** What waits for somebody (a WAIT without a time, a HUMAN task), in the run or in a child of it. */
  readonly blocked: BlockedRun | null;
  /** The time was up first: this is how it stands. */
  readonly isLate: boolean;
}

export interface BlockedRun {
  readonly run: Run;
  readonly tasks: readonly Task[];
  readonly task: Task;
}

export type TaskDecision = (
  task: Task,
  run: Run,
  now: number,
) => { readonly status: TaskStatus; readonly output: Json; readonly reason: string | null } | null;

export interface OrchestratorStats {
  readonly rounds: number;
  readonly operations: number;
  readonly cachedRuns: number;
  readonly readyTasks: number;
  readonly waitingPollers: number;
  readonly timers: number;
}
