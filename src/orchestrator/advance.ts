// Advances runs by events within a round: asks the engine, applies its decision to memory, notes the rows, and carries
// effects from one run to another before the commit. Must only be called while a round is open.
import { decide } from '../engine/decide/decide.ts';
import type {
  ChildStart,
  DecideContext,
  Decision,
  Effect,
  Replay,
  RunEvent,
  RunState,
} from '../engine/decide/decision.ts';
import { applyDecision, indexRun, newRun } from '../engine/decide/run-state.ts';
import type { Plan } from '../engine/plan/plan.ts';
import { AppError } from '../model/error.ts';
import { Json, type JsonObject } from '../model/json.ts';
import type { Run, RunParent, Snapshot, Task } from '../model/run.ts';
import { isRunTerminal } from '../model/run-status.ts';
import type { WorkflowDefinition } from '../model/workflow-definition.ts';
import type { Round } from '../store/port.ts';
import type { Signal, WriteBatch } from '../store/write-batch.ts';
import { Changes } from './changes.ts';
import type { Definitions } from './definitions.ts';
import type { RunHooks } from './ports.ts';
import type { CachedRun, RunCache } from './run-cache.ts';
import type { Schedule } from './schedule.ts';
import type { SignalEvent } from './signal-event.ts';

/** What a new run is made of. */
export interface RunSeed {
  readonly id: string;
  readonly definition: WorkflowDefinition;
  readonly input: Json;
  readonly correlationId: string | null;
  readonly priority: number;
  readonly taskToDomain: Readonly<Record<string, string>>;
  readonly createdBy: string | null;
  readonly agentGrants?: readonly string[];
  readonly event?: string;
  readonly payers?: Run['payers'];
  readonly idempotencyKey: string | null;
  readonly parent: RunParent | null;
  readonly rootId: string;
  readonly variables?: JsonObject;
  /** Of a run that begins again with the definition it had, which is in the store. */
  readonly plan?: Plan | null;
  readonly replay?: Replay | null;
}

/** Workflows that start each other in one step: a definition that starts itself must not hold the loop for ever. */
const GENERATIONS_MAX = 200;

interface PendingEffect {
  readonly from: Run;
  readonly effect: Effect | { readonly kind: 'notify-parent'; readonly parent: RunParent };
}

export interface AdvanceOptions {
  readonly cache: RunCache;
  readonly schedule: Schedule;
  readonly definitions: Definitions;
  readonly hooks: RunHooks;
  readonly context: Omit<DecideContext, 'now'>;
  readonly newRunRowId: () => number;
  readonly runRowId: (runId: string) => Promise<number | null>;
  readonly newSignal: (runRowId: number, event: SignalEvent, now: number) => Signal;
  /** Signals that were committed: to be applied as soon as their runs are free. */
  readonly signalled: (signals: readonly Signal[]) => void;
  /** A run that somebody watches was decided on, and committed. */
  readonly watched: (state: RunState) => void;
  /** An approval was opened, and committed. */
  readonly asked: (taskId: string) => void;
  readonly payloadBytesMax: number;
}

export class Advance {
  readonly #options: AdvanceOptions;
  readonly #changes = new Changes();
  #effects: PendingEffect[] = [];
  /** Snapshots known to be in the store, or in the batch under way. */
  readonly #saved = new Set<string>();
  /** Runs that ended in this round: dropped from memory after its commit. */
  #ended: number[] = [];
  #signals: Signal[] = [];
  /** Runs that this round deletes: the store still has them, and nobody may load them again. */
  readonly #removed = new Set<number>();
  /** Approvals opened in this round. */
  #asked: string[] = [];
  /** Public ids of runs that callers of this process wait for. */
  readonly watching = new Map<string, number>();
  readonly #news = new Map<number, CachedRun>();

  constructor(options: AdvanceOptions) {
    this.#options = options;
  }

  /** Creates a run and takes its first decision. Throws AppError before anything is changed. */
  create(seed: RunSeed, batch: WriteBatch, now: number): Run {
    const { definitions, hooks, cache, schedule, payloadBytesMax } = this.#options;
    const { plan, snapshot } = seed.plan ? { plan: seed.plan, snapshot: null } : definitions.freeze(seed.definition);
    const input = hooks.conceal(seed.input, seed.rootId);
    if (input.text.length > payloadBytesMax) {
      throw new AppError('payload_too_large', `The workflow input has more than ${payloadBytesMax} bytes.`);
    }
    const run = newRun(plan, { ...seed, input, rowId: this.#options.newRunRowId(), now });
    hooks.started(run, seed.definition, batch, now);
    if (snapshot) this.#save(snapshot, batch);
    const cached: CachedRun = { state: indexRun(run, []), plan, revision: 0 };
    cache.add(cached);
    schedule.trackRun(run);
    this.#changes.addRun(run);
    cache.written(cached);
    this.event(cached, seed.replay ? { kind: 'start', replay: seed.replay } : { kind: 'start' }, batch, now);
    return cached.state.run;
  }

  /** Begins an ended run again, in a row of its own and under the same id. Throws as `create` does. */
  startOver(old: CachedRun, seed: RunSeed, batch: WriteBatch, now: number): CachedRun {
    const { rowId } = this.create(seed, batch, now);
    this.remove(old, batch);
    const created = this.#options.cache.get(rowId);
    if (!created) throw new TypeError(`run ${seed.id} is not in memory`);
    return created;
  }

  /** Deletes an ended run, with whatever this round was to write of it. */
  remove({ state: { run, tasks } }: CachedRun, batch: WriteBatch): void {
    this.#changes.forget(run.rowId, tasks.keys());
    this.#removed.add(run.rowId);
    const ids = new Set([...tasks.values()].map(({ id }) => id));
    const kept = batch.logs.filter(({ taskId }) => !ids.has(taskId));
    if (kept.length < batch.logs.length) batch.logs.splice(0, batch.logs.length, ...kept);
    batch.removedRuns.push(run.rowId);
    this.#options.cache.drop(run.rowId);
  }

  #save(snapshot: Snapshot, batch: WriteBatch): void {
    if (this.#saved.has(snapshot.id)) return;
    this.#saved.add(snapshot.id);
    batch.snapshots.push(snapshot);
  }

  /** What decisions are made with, but for the time. */
  get context(): Omit<DecideContext, 'now'> {
    return this.#options.context;
  }

  /** Takes over a run that went on in memory alone so far: from here it is written, and goes on like any other. */
  adopt(cached: CachedRun, snapshot: Snapshot, effects: readonly Effect[], batch: WriteBatch, now: number): void {
    const { cache, schedule } = this.#options;
    const { run, tasks } = cached.state;
    this.#save(snapshot, batch);
    this.#changes.addRun(run);
    for (const task of tasks.values()) this.#changes.addTask(task);
    this.#note(cached);
    if (isRunTerminal(run.status)) return;
    cache.add(cached);
    cache.written(cached);
    schedule.trackRun(run);
    for (const task of tasks.values()) {
      schedule.track(undefined, task, run, now);
      this.#noteApproval(task);
    }
    for (const effect of effects) this.#effects.push({ from: run, effect });
  }

  event(cached: CachedRun, event: RunEvent, batch: WriteBatch, now: number): Decision {
    const decision = decide(cached.plan, cached.state, event, { ...this.#options.context, now });
    this.#apply(cached, decision, batch, now);
    return decision;
  }

  /** Effects of this round's decisions on other runs, until none is left; then the rows go into the batch. */
  async finish(batch: WriteBatch, now: number, round: Round): Promise<void> {
    for (let generation = 1; this.#effects.length > 0; generation += 1) {
      const effects = this.#effects;
      this.#effects = [];
      for (const pending of effects) await this.#carryOut(pending, generation, batch, now, round);
    }
  }

  drain(batch: WriteBatch): void {
    this.#changes.drain(batch);
  }

  /** After a commit: ended runs leave memory. Updates to their tasks no longer find them open and are ignored. */
  committed(): void {
    this.#options.cache.committed();
    for (const rowId of this.#ended) this.#options.cache.drop(rowId);
    this.#ended = [];
    this.#removed.clear();
    this.#options.cache.trim();
    if (this.#signals.length > 0) this.#options.signalled(this.#signals.splice(0));
    for (const taskId of this.#asked.splice(0)) this.#options.asked(taskId);
    if (this.#news.size === 0) return;
    const news = [...this.#news.values()];
    this.#news.clear();
    for (const { state } of news) this.#options.watched(state);
  }

  #note(cached: CachedRun): void {
    if (this.watching.has(cached.state.run.id)) this.#news.set(cached.state.run.rowId, cached);
  }

  #noteApproval({ type, status, id }: Task): void {
    if (type === 'APPROVAL' && status === 'IN_PROGRESS') this.#asked.push(id);
  }

  lost(): void {
    this.#changes.clear();
    this.#effects = [];
    this.#ended = [];
    this.#signals = [];
    this.#removed.clear();
    this.#asked = [];
    this.#news.clear();
    this.#saved.clear();
  }

  /** A run new in this round that matches, if any. */
  startedInRound(matches: (run: Run) => boolean): Run | undefined {
    return this.#changes.newRuns().find(matches);
  }

  /** An ended run that was loaded to be looked at need not stay in memory. */
  lookedAt(run: Run): void {
    if (isRunTerminal(run.status)) this.#ended.push(run.rowId);
  }

  #apply(cached: CachedRun, decision: Decision, batch: WriteBatch, now: number): void {
    const { schedule, cache, hooks } = this.#options;
    const before = decision.updated.map((task) => cached.state.tasks.get(task.rowId));
    cached.state = applyDecision(cached.state, decision);
    const run = cached.state.run;
    cache.touched(run.rowId, cached, decision.inserted.length);
    this.#note(cached);
    if (decision.run || decision.inserted.length > 0 || decision.updated.length > 0) cache.written(cached);
    for (const task of decision.inserted) {
      this.#changes.addTask(task);
      schedule.track(undefined, task, run, now);
      this.#noteApproval(task);
    }
    decision.updated.forEach((task, index) => {
      this.#changes.task(task);
      schedule.track(before[index], task, run, now);
      if (before[index]?.status === 'SCHEDULED') this.#noteApproval(task);
    });
    for (const log of decision.logs) batch.logs.push(log);
    for (const effect of decision.effects) this.#effects.push({ from: run, effect });
    if (decision.run) {
      this.#changes.run(run);
      schedule.trackRun(run);
    }
    if (!decision.ended) return;
    hooks.ended(run, batch, now);
    this.#ended.push(run.rowId);
    if (run.parent?.notify) this.#effects.push({ from: run, effect: { kind: 'notify-parent', parent: run.parent } });
  }

  async #carryOut(
    { from, effect }: PendingEffect,
    generation: number,
    batch: WriteBatch,
    now: number,
    round: Round,
  ): Promise<void> {
    if (effect.kind === 'start-run') {
      this.#startChild(from, effect.start, generation, batch, now);
      return;
    }
    if (effect.kind === 'notify-parent') {
      const child = { id: from.id, status: from.status, output: from.output.object, reason: from.reason };
      const event = { kind: 'child-ended', taskRowId: effect.parent.taskRowId, child } as const;
      await this.#tell(effect.parent.runRowId, event, batch, now, round);
      return;
    }
    const event = { kind: 'terminate', reason: effect.reason } as const;
    for (let gone: number | null = null; ; ) {
      const rowId = await this.#options.runRowId(effect.runId);
      // Where another process had the run begin again, memory may have known the row of its last life.
      if (rowId === null || rowId === gone || (await this.#tell(rowId, event, batch, now, round))) return;
      gone = rowId;
    }
  }

  /**
   * An event for another run: decided now, or, when another process holds the run, left as a signal in the store. False
   * where there is no such run any more.
   */
  async #tell(rowId: number, event: SignalEvent, batch: WriteBatch, now: number, round: Round): Promise<boolean> {
    const { cache } = this.#options;
    if (this.#removed.has(rowId)) return false;
    await cache.ensure(rowId, round);
    const cached = cache.get(rowId);
    if (cached) this.signalled(cached, event, batch, now);
    else if (cache.isBusy(rowId)) {
      const signal = this.#options.newSignal(rowId, event, now);
      batch.signals.push(signal);
      this.#signals.push(signal);
    }
    return cached !== undefined || cache.isBusy(rowId);
  }

  /** Safe to repeat: a run that has ended, and a task that has, take no notice. */
  signalled(cached: CachedRun, event: SignalEvent, batch: WriteBatch, now: number): void {
    if (event.kind === 'child-ended' || !isRunTerminal(cached.state.run.status)) this.event(cached, event, batch, now);
  }

  #startChild(from: Run, start: ChildStart, generation: number, batch: WriteBatch, now: number): void {
    const asking = this.#options.cache.get(from.rowId);
    const task = start.taskRowId;
    if (task > 0 && (!asking || isRunTerminal(asking.state.run.status))) return;
    // A failure workflow has no task, and its run has ended.
    const answer = (event: RunEvent) => {
      if (asking) this.event(asking, event, batch, now);
    };
    try {
      if (generation > GENERATIONS_MAX) {
        throw new AppError(
          'invalid_request',
          `More than ${GENERATIONS_MAX} workflows started each other without a pause.`,
        );
      }
      const definition = start.definition ?? this.#options.definitions.get(start.name, start.version);
      if (!definition) {
        const version = start.version === null ? '' : `, version=${start.version}`;
        throw new AppError('not_found', `No such workflow defined. name=${start.name}${version}`);
      }
      this.create(
        {
          ...start,
          input: Json.of(start.input),
          definition,
          createdBy: from.createdBy,
          agentGrants: from.agentGrants,
          idempotencyKey: null,
          // Without a parent it is a line of its own, and spends nothing of another.
          ...(start.parent ? { rootId: from.rootId, payers: from.payers } : { rootId: start.id }),
        },
        batch,
        now,
      );
      answer({ kind: 'child-started', taskRowId: task, childId: start.id });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      answer({ kind: 'child-refused', taskRowId: task, reason: error.message });
    }
  }
}
