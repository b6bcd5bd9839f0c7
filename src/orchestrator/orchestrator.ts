// The facade over the loop: what routes call becomes an operation of a round. Owns the wiring of the loop's parts and
// the rebuild after a start; must never decide what a run does (the engine's) nor who may ask (access's).
import type { RunEvent } from '../engine/decide/decision.ts';
import { placeToSkip } from '../engine/decide/skip-task.ts';
import { stepOf } from '../engine/plan/fragments.ts';
import type { Step } from '../engine/plan/plan.ts';
import { withVariables } from '../engine/tasks/set-variable.ts';
import { AppError } from '../model/error.ts';
import type { EventHandler } from '../model/event-handler.ts';
import { Json, type JsonObject } from '../model/json.ts';
import type { Run, Task } from '../model/run.ts';
import { isRunTerminal } from '../model/run-status.ts';
import type { StartRequest } from '../model/start-request.ts';
import type { TaskDefinition } from '../model/task-definition.ts';
import type { TaskResult } from '../model/task-result.ts';
import { isTerminal, type TaskStatus } from '../model/task-status.ts';
import type { WorkflowDefinition } from '../model/workflow-definition.ts';
import type { PollRecord, WriteBatch } from '../store/write-batch.ts';
import { awaitRun } from './await-run.ts';
import { Core } from './core.ts';
import { DefinitionCommands } from './definition-commands.ts';
import { executeRun } from './execute-run.ts';
import type {
  AwaitedRun,
  AwaitRequest,
  ExecuteRequest,
  HandedTask,
  OpenTaskView,
  Orchestrator,
  OrchestratorStats,
  PollRequest,
  TaskDecision,
  UpdateOutcome,
} from './orchestrator-api.ts';
import type { OrchestratorOptions } from './orchestrator-options.ts';
import type { InProcessResult, InProcessWorker } from './ports.ts';
import { queueKey } from './ready-queue.ts';
import { reported } from './reported.ts';
import { retryRun } from './retry-run.ts';
import type { CachedRun } from './run-cache.ts';
import type { WatchedRun } from './run-watch.ts';
import { type OpenEntry, Schedule } from './schedule.ts';
import { ScheduleCommands } from './schedules/schedule-commands.ts';
import { type Simulated, type Simulation, simulateRun } from './simulate-run.ts';
import { type Rerun, rerunRun, restartRun } from './start-over.ts';
import { startRun } from './start-run.ts';
import { refuseApproval, refuseOtherRun, takeUpdate } from './task-update.ts';
import { UNFILLED } from './unfilled.ts';

/** A run that begins again between its look-up and the round is looked up again, this often. */
const TRIES_MAX = 5;

/** Opens the orchestrator over a store: reads definitions, rebuilds queues and timers, and starts to work. */
export async function createOrchestrator(options: OrchestratorOptions): Promise<Orchestrator> {
  const conductor = new Conductor(options);
  await conductor.open();
  return conductor;
}

class Conductor implements Orchestrator {
  readonly schedules: ScheduleCommands;
  readonly #core: Core;
  readonly #commands: DefinitionCommands;
  readonly #workers: ReadonlyMap<string, InProcessWorker>;
  #stopping = false;

  constructor(options: OrchestratorOptions) {
    this.#core = new Core(options, (handed, result) => this.#report(handed, result));
    this.schedules = new ScheduleCommands(this.#core, options.freshness ?? null);
    this.#workers = new Map(options.workers.map((worker) => [worker.queue, worker]));
    this.#commands = new DefinitionCommands(
      options.loop,
      this.#core.definitions,
      options.hooks,
      options.freshness ?? null,
    );
  }

  open(): Promise<void> {
    return this.#core.open();
  }

  putDefinition(definition: WorkflowDefinition, mode: 'create' | 'overwrite'): Promise<void> {
    return this.#commands.put(definition, mode);
  }

  putDefinitions(definitions: readonly WorkflowDefinition[]): Promise<void> {
    return this.#commands.putAll(definitions);
  }

  removeDefinition(name: string, version: number): Promise<void> {
    return this.#commands.remove(name, version);
  }

  definition(name: string, version: number | null): WorkflowDefinition | null {
    return this.#core.definitions.get(name, version);
  }

  definitions(): readonly WorkflowDefinition[] {
    return this.#core.definitions.all();
  }

  async putTaskDefinitions(definitions: readonly TaskDefinition[]): Promise<void> {
    await this.#commands.putTasks(definitions);
    this.#limitsChanged();
  }

  async removeTaskDefinition(name: string): Promise<void> {
    await this.#commands.removeTask(name);
    this.#limitsChanged();
  }

  taskDefinition(name: string): TaskDefinition | null {
    return this.#core.definitions.task(name);
  }

  taskDefinitions(): readonly TaskDefinition[] {
    return this.#core.definitions.tasks();
  }

  putEventHandlers(handlers: readonly EventHandler[], mode: 'create' | 'replace'): Promise<void> {
    return this.#commands.putHandlers(handlers, mode);
  }

  removeEventHandler(name: string): Promise<void> {
    return this.#commands.removeHandler(name);
  }

  eventHandlers(): readonly EventHandler[] {
    return this.#core.definitions.handlers();
  }

  async start(request: StartRequest, agentGrants?: readonly string[]): Promise<string> {
    this.#refuseWhenStopping();
    return startRun(this.#core, request, agentGrants);
  }

  async execute(request: ExecuteRequest): Promise<WatchedRun | null> {
    this.#refuseWhenStopping();
    return executeRun(this.#core, this.#workers, request);
  }

  awaitRun(request: AwaitRequest): Promise<AwaitedRun | null> {
    return awaitRun(this.#core, request);
  }

  async decideTask(taskId: string, decide: TaskDecision): Promise<Task> {
    this.#refuseWhenStopping();
    const known = await this.#core.reads.taskById(taskId);
    if (!known) throw new AppError('not_found', `Task not found for taskId: ${taskId}`);
    return this.#onRun(known.run.id, (cached, batch, now) => {
      const task = cached.state.tasks.get(known.task.rowId);
      if (!task) throw new AppError('not_found', `Task not found for taskId: ${taskId}`);
      const wanted = decide(task, cached.state.run, now);
      if (!wanted || isTerminal(task.status) || isRunTerminal(cached.state.run.status)) return task;
      const output = this.#core.hooks.conceal(wanted.output, cached.state.run.rootId);
      const update = { ...UNFILLED, ...wanted, output };
      this.#core.advance.event(cached, { kind: 'update', taskRowId: task.rowId, update }, batch, now);
      return cached.state.tasks.get(task.rowId) ?? task;
    });
  }

  simulate(simulation: Simulation): Promise<Simulated> {
    const { definitions, advance, clock } = this.#core;
    return simulateRun(
      {
        context: advance.context,
        plan: (definition) => definitions.freeze(definition).plan,
        definition: (name, version) => definitions.get(name, version),
        now: clock.now(),
      },
      simulation,
    );
  }

  terminate(runId: string, reason: string | null, withFailureWorkflow = false): Promise<void> {
    return this.#control(runId, ({ state: { run } }) => {
      if (run.status === 'COMPLETED') {
        throw new AppError('conflict', `Cannot terminate workflow ${runId}: it is already COMPLETED`);
      }
      return run.status === 'TERMINATED' ? null : { kind: 'terminate', reason, withFailureWorkflow };
    });
  }

  pause(runId: string): Promise<void> {
    return this.#control(runId, ({ state: { run } }) => {
      if (isRunTerminal(run.status)) throw new AppError('conflict', `Workflow ${runId} has ended: ${run.status}`);
      return run.status === 'PAUSED' ? null : { kind: 'pause' };
    });
  }

  resume(runId: string): Promise<void> {
    return this.#control(runId, ({ state: { run } }) => {
      if (run.status !== 'PAUSED') {
        throw new AppError(
          'conflict',
          `The workflow ${runId} is not PAUSED so cannot resume. Current status is ${run.status}`,
        );
      }
      return { kind: 'resume' };
    });
  }

  decide(runId: string): Promise<void> {
    return this.#control(runId, ({ state: { run } }) => (isRunTerminal(run.status) ? null : { kind: 'decide' }));
  }

  setVariables(runId: string, given: JsonObject): Promise<void> {
    return this.#control(runId, ({ state: { run } }) => {
      if (isRunTerminal(run.status)) throw new AppError('conflict', `Workflow ${runId} has ended: ${run.status}`);
      const variables = withVariables(run, this.#core.hooks.conceal(Json.of(given), run.rootId).object);
      if (typeof variables === 'string') throw new AppError('payload_too_large', variables);
      return { kind: 'set-variables', variables };
    });
  }

  resetCallbacks(runId: string): Promise<void> {
    return this.#control(runId, ({ state: { run } }) => {
      if (isRunTerminal(run.status)) throw new AppError('conflict', `Workflow ${runId} has ended: ${run.status}`);
      return { kind: 'reset-callbacks' };
    });
  }

  async retry(runId: string, resumeChildren: boolean): Promise<void> {
    this.#refuseWhenStopping();
    return retryRun(this.#core, runId, resumeChildren);
  }

  async restart(runId: string, latest: boolean): Promise<void> {
    this.#refuseWhenStopping();
    return restartRun(this.#core, runId, latest);
  }

  async rerun(runId: string, rerun: Rerun): Promise<void> {
    this.#refuseWhenStopping();
    return rerunRun(this.#core, runId, rerun);
  }

  skip(runId: string, ref: string, input: Json, output: Json): Promise<void> {
    return this.#control(runId, ({ plan, state }) => {
      const spot = placeToSkip(plan, { run: state.run, latest: (known) => state.latest.get(known) }, ref);
      if (typeof spot === 'string') throw new AppError('conflict', spot);
      refuseApproval(spot.step);
      const { rootId } = state.run;
      const conceal = (json: Json) => this.#core.hooks.conceal(json, rootId);
      return { kind: 'skip', ref, input: conceal(input), output: conceal(output) };
    });
  }

  remove(runId: string): Promise<void> {
    return this.#onRun(runId, (cached, batch) => {
      const { run } = cached.state;
      if (!isRunTerminal(run.status)) {
        throw new AppError('invalid_request', `Workflow ${runId} is ${run.status}: terminate it before removing it.`);
      }
      this.#core.advance.remove(cached, batch);
    });
  }

  async poll(request: PollRequest): Promise<readonly HandedTask[]> {
    if (this.#stopping) return [];
    const core = this.#core;
    core.polls.note(request.taskType, request.domain, request.workerId, core.clock.now());
    const key = queueKey(request.taskType, request.domain);
    // What is ready in a shared store only the store knows.
    const ready = core.shared !== null || (core.schedule.ready(key)?.size ?? 0) > 0;
    if (!ready && request.timeoutMs <= 0) return [];
    if (!ready) return core.pollers.wait(request, key);
    const waiting = core.pollers.wait(request, key, () => core.serving.served(key));
    core.serving.touch(key);
    return waiting;
  }

  async update(result: TaskResult, andPoll: boolean): Promise<UpdateOutcome> {
    this.#refuseWhenStopping();
    const open = this.#core.schedule.task(result.taskId);
    const outcome = open && (await takeUpdate(this.#core, open, result, andPoll));
    if (outcome) return outcome;
    // Memory does not know it, or another process had its run begin again.
    const known = await this.#core.reads.taskById(result.taskId);
    if (!known) throw new AppError('not_found', `Task not found for taskId: ${result.taskId}`);
    refuseOtherRun(result, known.run);
    const elsewhere = this.#openElsewhere(known);
    const taken = elsewhere && (await takeUpdate(this.#core, elsewhere, result, andPoll));
    return taken ?? { taskId: result.taskId, next: null };
  }

  async updateByRef(
    runId: string,
    ref: string,
    status: TaskStatus,
    output: Json,
    workerId: string | null,
  ): Promise<string | null> {
    this.#refuseWhenStopping();
    return this.#onRun(runId, (cached, batch, now) => {
      const { run, latest, latestOfStep } = cached.state;
      const task = latest.get(ref) ?? latestOfStep.get(ref);
      if (!task || isTerminal(task.status) || isRunTerminal(run.status)) return null;
      refuseApproval(task);
      const update = {
        ...UNFILLED,
        status,
        output: this.#core.hooks.conceal(output, run.rootId),
        workerId,
      };
      this.#core.advance.event(cached, { kind: 'update', taskRowId: task.rowId, update }, batch, now);
      return task.id;
    });
  }

  async addLog(taskId: string, log: string): Promise<void> {
    const known = await this.#core.reads.taskById(taskId);
    if (!known) throw new AppError('not_found', `Task not found for taskId: ${taskId}`);
    const concealed = this.#core.hooks.concealText(log, known.run.rootId);
    await this.#core.loop.transact((batch, now) => batch.logs.push({ taskId, log: concealed, createdMs: now }));
  }

  openTask(taskId: string) {
    const open = this.#core.schedule.task(taskId);
    if (open || !this.#core.shared) return open && viewOf(open);
    return this.#core.reads.taskById(taskId).then((known) => {
      const elsewhere = known && this.#openElsewhere(known);
      return elsewhere ? viewOf(elsewhere) : undefined;
    });
  }

  async pollData(): Promise<readonly PollRecord[]> {
    const { polls, reads, shared } = this.#core;
    if (shared) polls.restore(await reads.polls(0));
    return polls.all();
  }

  async queueSizes(): Promise<Readonly<Record<string, number>>> {
    const { schedule, shared, clock } = this.#core;
    return shared ? shared.readySizes(clock.now()) : schedule.sizes();
  }

  async stepOf(run: Run, task: Task): Promise<Step | null> {
    return stepOf(await this.#core.definitions.plan(run.snapshotId, this.#core.reads), task) ?? null;
  }

  stats(): OrchestratorStats {
    const { loop, cache, schedule, pollers } = this.#core;
    return {
      rounds: loop.rounds,
      operations: loop.operations,
      cachedRuns: cache.size,
      readyTasks: schedule.readyCount(),
      waitingPollers: pollers.size,
      timers: schedule.timers,
    };
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#core.stop();
  }

  #refuseWhenStopping(): void {
    if (this.#stopping) throw new AppError('shutting_down', 'The server is stopping.');
  }

  /** What the limits of before held back need not wait for them. Other processes look again with their next sweep. */
  #limitsChanged(): void {
    this.#core.serving.touchWaiting();
  }

  /** A control operation: `event` says what to do, refuses by throwing, or returns null when nothing is to be done. */
  #control(runId: string, event: (cached: CachedRun) => RunEvent | null): Promise<void> {
    return this.#onRun(runId, (cached, batch, now) => {
      const wanted = event(cached);
      if (wanted) this.#core.advance.event(cached, wanted, batch, now);
    });
  }

  /** Runs `work` on a run, open or ended, within a round. Rejects with not_found. */
  async #onRun<T>(runId: string, work: (cached: CachedRun, batch: WriteBatch, now: number) => T): Promise<T> {
    const core = this.#core;
    const { schedule, reads, cache, loop } = core;
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const rowId = schedule.runRowId(runId) ?? (await reads.runRowId(runId));
      if (rowId === null) throw notFound(runId);
      const done = await loop.submit({
        load: (round) => core.load(round, [rowId]),
        decide: (batch, now) => {
          const cached = cache.get(rowId);
          if (!cached) return undefined;
          core.advance.lookedAt(cached.state.run);
          return { value: work(cached, batch, now) };
        },
      });
      if (done) return done.value;
    }
    throw new AppError('conflict', `Workflow ${runId} is changing. Try again.`);
  }

  /** A task of a run that only other processes have in memory. */
  #openElsewhere({ task, run }: { readonly task: Task; readonly run: Run }): OpenEntry | undefined {
    if (!this.#core.shared || isTerminal(task.status) || isRunTerminal(run.status)) return undefined;
    return Schedule.entryOf(task, run);
  }

  /** What an in-process worker did comes back like any worker's result. */
  async #report(handed: HandedTask, result: InProcessResult): Promise<void> {
    // Memory may know nothing of it: it is being rebuilt, or the run is another process's by now. The round finds out.
    const open = this.#core.schedule.task(handed.task.id) ?? Schedule.entryOf(handed.task, handed.run);
    const update = reported(this.#core, result, handed.run.rootId, handed.task.workerId);
    await this.#core.onOpenTask(open, (cached, batch, now) => {
      // It may have been given to another process meanwhile, because this one was silent for too long.
      const task = cached.state.tasks.get(open.rowId);
      if (task?.workerId !== handed.task.workerId || task?.pollCount !== handed.task.pollCount) return;
      this.#core.advance.event(cached, { kind: 'update', taskRowId: open.rowId, update }, batch, now);
    });
  }
}

function viewOf(open: OpenEntry): OpenTaskView {
  return { taskType: open.queue ?? open.type, runName: open.run.name, runId: open.run.id };
}

function notFound(runId: string): AppError {
  return new AppError('not_found', `No such workflow found by id: ${runId}`);
}
