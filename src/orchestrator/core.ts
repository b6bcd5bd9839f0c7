// The parts of the loop, wired once, and what happens around every round and after a lost commit.
import type { Freshness } from '../store/freshness.ts';
import type { Round, Store } from '../store/port.ts';
import type { Reads } from '../store/reads.ts';
import type { SharedRound, SharedStore } from '../store/shared-port.ts';
import type { Signal, WriteBatch } from '../store/write-batch.ts';
import { Advance } from './advance.ts';
import { Alarms } from './alarms.ts';
import { Definitions } from './definitions.ts';
import { ACTIVE_WINDOW_MS, chooseDomain } from './domains.ts';
import { GiveBack } from './give-back.ts';
import { HandOff } from './hand-off.ts';
import { InProcess, type Report } from './in-process.ts';
import type { Loop } from './loop.ts';
import { openRuns } from './open-runs.ts';
import type { OrchestratorOptions } from './orchestrator-options.ts';
import { FLUSH_SHARED_EVERY_MS, PollBook } from './poll-book.ts';
import { Pollers } from './pollers.ts';
import { BUSY, type Clock, type RunHooks } from './ports.ts';
import { RepairScan } from './repair-scan.ts';
import { type CachedRun, RunCache, type RunCacheListener } from './run-cache.ts';
import { RunWatch } from './run-watch.ts';
import { type OpenEntry, Schedule } from './schedule.ts';
import { ScheduleBook } from './schedules/schedule-book.ts';
import { ScheduleFirings } from './schedules/schedule-firings.ts';
import { Serving } from './serving.ts';
import { SharedQueues } from './shared-queues.ts';
import { signalDocument, signalEvent } from './signal-event.ts';
import { StartKeys } from './start-keys.ts';
import { Sweep } from './sweep.ts';
import { TaskLimits } from './task-limits.ts';
import { Undelivered } from './undelivered.ts';

/** Pause before the queues are rebuilt after a lost commit: the database needs a moment, or a person. */
const RETRY_AFTER_LOSS_MS = 250;

/** A look at a page of open runs every so often: all is well, or there is a defect to log and mend. */
const REPAIR_EVERY_MS = 30_000;

/** Poll data of workers that have been gone for longer is history, and left to the store. */
const REMEMBERED_POLLS_MS = 86_400_000;

const TASKS_IN_MEMORY = 50_000;
const PAYLOAD_BYTES_MAX = 10 * 1024 * 1024;

export class Core {
  readonly loop: Loop;
  readonly reads: Reads;
  readonly clock: Clock;
  readonly hooks: RunHooks;
  readonly newId: () => string;
  readonly payloadBytesMax: number;
  readonly definitions = new Definitions();
  readonly limits = new TaskLimits((name) => this.definitions.task(name));
  readonly schedule = new Schedule(this.limits);
  readonly pollers = new Pollers();
  readonly polls = new PollBook();
  readonly cache: RunCache;
  readonly advance: Advance;
  readonly startKeys = new StartKeys();
  readonly watch: RunWatch;
  /** Of workflows; `schedule` is that of tasks. */
  readonly schedules: ScheduleBook;
  readonly newRunRowId: () => number;
  readonly serving: Serving;
  readonly #handOff: HandOff;
  readonly #inProcess: InProcess;
  readonly #giveBack = new GiveBack(this);
  readonly #undelivered = new Undelivered((handed) => this.#giveBack.handedOut(handed));
  readonly #alarms: Alarms;
  readonly #firings: ScheduleFirings;
  readonly #fresh: boolean;
  readonly #scan: RepairScan;
  readonly #onDefect: (what: string) => void;
  /** These three are set when other processes write to the store. */
  readonly shared: SharedStore | null;
  readonly #queues: SharedQueues | null;
  readonly #sweep: Sweep | null;
  readonly #freshness: Freshness | null;
  #stopped = false;
  /** Memory no longer mirrors the store: rebuilt before the next decision. */
  #stale = true;
  #rebuilding: Promise<void> | null = null;
  #refreshed: { readonly round: Round; readonly done: Promise<void> } | null = null;
  #repairing: ReturnType<typeof setInterval> | undefined;

  constructor(options: OrchestratorOptions, report: Report) {
    const { loop, store, clock, hooks, limits, newId, processId = 'one' } = options;
    this.loop = loop;
    this.reads = store.reads;
    this.clock = clock;
    this.hooks = hooks;
    this.newId = newId;
    this.payloadBytesMax = limits?.payloadBytesMax ?? PAYLOAD_BYTES_MAX;
    this.shared = store.shared;
    this.#freshness = options.freshness ?? null;
    this.#onDefect = options.onDefect ?? (() => undefined);
    this.#fresh = store.fresh;
    this.#scan = new RepairScan(store.reads, this.schedule);
    const listener = this.shared && this.#followLoads();
    this.cache = new RunCache(this.definitions, this.reads, limits?.cachedTasks ?? TASKS_IN_MEMORY, listener);
    this.newRunRowId = () => store.newRowId('run');
    this.advance = this.#newAdvance(options, store);
    this.watch = new RunWatch(this.reads, this.shared !== null, this.advance.watching);
    const workerId = this.shared ? `server:${processId}` : 'server';
    this.#inProcess = new InProcess({
      workers: options.workers,
      workerId,
      report,
      freed: (key) => this.serving.touch(key),
      unreported: (handed) => {
        this.#undelivered.add([handed]);
        // After a lost round the rebuild sees to it.
        if (!this.#stale) this.#undelivered.settle();
      },
    });
    const mayRing = () => !this.#stopped && !this.#stale;
    this.#alarms = new Alarms({
      core: this,
      shared: this.shared !== null,
      touch: (key) => this.serving.touch(key),
      mayRing,
    });
    this.schedules = new ScheduleBook(store.reads);
    this.#firings = new ScheduleFirings(this, mayRing);
    this.#handOff = this.#newHandOff();
    this.#queues = this.shared && this.#newQueues();
    this.serving = new Serving({
      schedule: this.schedule,
      pollers: this.pollers,
      inProcess: this.#inProcess,
      queues: this.#queues,
      background: (runRowIds, decide) => this.background(runRowIds, decide),
      stopped: () => this.#stopped,
    });
    this.#sweep = this.shared && this.#newSweep(this.shared, processId, options.random);
  }

  get handOff(): HandOff {
    return this.#handOff;
  }

  async open(): Promise<void> {
    const { shared } = this;
    this.polls.restore(await this.reads.polls(this.clock.now() - REMEMBERED_POLLS_MS));
    this.loop.listen({
      beforeDecide: (round, loaded) => this.#collect(round, loaded),
      beforeCommit: (batch, now, round) => this.#beforeCommit(batch, now, round),
      afterCommit: () => this.#afterCommit(),
      lost: (again) => this.#lost(again),
    });
    if (shared) this.limits.share();
    shared?.onReady((keys) => this.serving.touchWaiting(keys));
    this.#freshness?.onChange('definitions', () => this.definitions.load(this.reads));
    this.#freshness?.onChange('schedules', () => this.requeue());
    await this.loop.submit({ load: (round) => this.load(round, []), decide: () => undefined });
    await this.#sweep?.start();
    if (shared) return;
    this.#repairing = setInterval(() => void this.repair().catch(() => undefined), REPAIR_EVERY_MS);
    this.#repairing.unref();
  }

  /**
   * With a single writer: compares the next page of stored open runs with memory, between two rounds, when both must be
   * the same. What it finds is a defect of ours: reported, and mended by reading everything anew. Resolves with what
   * was found.
   */
  async repair(): Promise<string | null> {
    let found: string | null = null;
    await this.loop.submit({
      load: async (round) => {
        await this.load(round, []);
        // Timers that have just been taken out are about to be decided: memory is ahead for a moment.
        if (this.#alarms.ringing) return;
        found = await this.#scan.next(this.clock.now());
        if (found === null) return;
        this.#onDefect(found);
        this.#stale = true;
        await this.load(round, []);
      },
      decide: () => undefined,
    });
    return found;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#repairing);
    this.#alarms.stop();
    this.#firings.stop();
    await this.#sweep?.stop();
    this.#inProcess.stop();
    this.pollers.dismiss();
    await this.loop.drained();
    await this.#sweep?.leave();
  }

  /** Reads anew when each schedule comes due. */
  async requeue(): Promise<void> {
    await this.schedules.reload();
    if (!this.#stopped) this.#firings.reset();
  }

  /** Makes memory ready for a decision on these runs. Undefined when it is; BUSY when another process holds one. */
  load(round: Round, runRowIds: readonly number[]): Promise<unknown> | undefined {
    if (this.#stale) {
      this.#rebuilding ??= this.#rebuild().finally(() => {
        this.#rebuilding = null;
      });
      return this.#rebuilding.then(() => this.load(round, runRowIds));
    }
    let loading: Promise<void> | undefined;
    for (const rowId of runRowIds) loading = this.cache.ensure(rowId, round) ?? loading;
    if (!round.shared) return loading;
    const busy = () => (runRowIds.some((rowId) => this.cache.isBusy(rowId)) ? BUSY : undefined);
    return Promise.all([this.#refresh(round, round.shared), loading]).then(busy);
  }

  /** Once a round: what it goes by is what was committed before it. */
  #refresh(round: Round, shared: SharedRound): Promise<void> {
    if (this.#refreshed?.round !== round) {
      this.#refreshed = { round, done: shared.stamps().then((stamps) => this.#freshness?.accept(stamps)) };
    }
    return this.#refreshed.done;
  }

  /** Work on a task, in memory and within a round, if it is still open by then. False: its run is not there any more. */
  onOpenTask(
    open: OpenEntry,
    work: (cached: CachedRun, batch: WriteBatch, now: number) => void,
    /** `chained`: wants this many tasks of the same queue in the round. */
    { chars = 0, chained = 0 } = {},
  ): Promise<boolean> {
    return this.loop.submit({
      chars,
      load: (round) => {
        if (chained > 0) this.#queues?.ask(open.key, chained);
        return this.load(round, [open.run.rowId]);
      },
      decide: (batch, now) => {
        const cached = this.cache.get(open.run.rowId);
        if (cached && this.schedule.task(open.id)) work(cached, batch, now);
        return cached !== undefined;
      },
    });
  }

  /** An operation nobody waits for. What it would have done is done by the rebuild if its round is lost. */
  async background(runRowIds: readonly number[], decide: (batch: WriteBatch, now: number) => void): Promise<void> {
    await this.loop.submit({ load: (round) => this.load(round, runRowIds), decide }).catch(() => undefined);
  }

  /** What is ready is asked for together with the operations' loads, but not while memory is being rebuilt. */
  #collect(round: Round, loaded: Promise<unknown> | undefined): Promise<void> | undefined {
    const { shared } = round;
    if (!shared || !this.#queues) return undefined;
    const queues = this.#queues;
    return this.#stale && loaded
      ? loaded.then(() => queues.collect(round, shared, undefined))
      : queues.collect(round, shared, loaded);
  }

  async #beforeCommit(batch: WriteBatch, now: number, round: Round): Promise<void> {
    if (this.#stale) return;
    await this.advance.finish(batch, now, round);
    this.#handOff.serveTouched(batch, now);
    await this.advance.finish(batch, now, round);
    this.advance.drain(batch);
    this.schedules.drain(batch);
    this.limits.drain(batch);
    this.polls.flush(batch, now, this.shared ? FLUSH_SHARED_EVERY_MS : undefined);
  }

  #afterCommit(): void {
    this.#handOff.deliver();
    this.advance.committed();
    this.schedules.committed();
    this.limits.release();
    if (this.shared) this.#queues?.announce(this.shared);
    else this.schedule.forgetNews();
    this.#alarms.rearm();
    this.#firings.rearm();
    if (this.#stale) return;
    this.serving.goOn();
  }

  #lost(again: boolean): void {
    this.#stale = true;
    this.serving.lost();
    this.#alarms.lost();
    this.#handOff.lost(again);
    this.advance.lost();
    this.schedules.lost();
    this.cache.clear();
    this.limits.release();
    if (this.#stopped) return;
    setTimeout(() => {
      if (this.#stale && !this.#stopped) void this.background([], () => undefined);
    }, RETRY_AFTER_LOSS_MS).unref();
  }

  #signal({ rowId, runRowId, document }: Signal): void {
    void this.background([runRowId], (batch, now) => {
      const cached = this.cache.get(runRowId);
      if (cached) this.advance.signalled(cached, signalEvent(document), batch, now);
      batch.removedSignals.push(rowId);
    });
  }

  /** Reads the store's open work into memory: at start, and after a commit was lost. */
  async #rebuild(): Promise<void> {
    const now = this.clock.now();
    this.cache.clear();
    this.schedule.clear();
    await Promise.all([this.definitions.load(this.reads), this.requeue()]);
    if (this.shared) {
      this.limits.restart(0);
      this.#stale = false;
      this.#undelivered.settle();
      // Not in a round of their own: should this one fail, that would follow it without a pause.
      this.serving.askForAll();
      return;
    }
    this.limits.restart(this.#fresh && this.loop.rounds === 0 ? 0 : now);
    for await (const run of openRuns(this.reads)) {
      this.schedule.restore(run, now);
      for (const { id, rowId, queue, status } of run.tasks) {
        if (status === 'IN_PROGRESS' && this.#inProcess.isOrphan(queue ?? '', id)) {
          this.#giveBack.ofWorker(run.rowId, rowId, 'server');
        }
      }
    }
    this.#stale = false;
    this.#undelivered.settle();
    this.#alarms.rearm();
  }

  #followLoads(): RunCacheListener {
    const { schedule, clock } = this;
    return {
      loaded: ({ state: { run } }, tasks, before) => {
        const now = clock.now();
        schedule.trackRun(run);
        tasks.forEach((task, index) => void schedule.track(before[index], task, run, now));
      },
      dropped: ({ state }) => schedule.forget(state.run, state.tasks.values()),
    };
  }

  #newAdvance(
    { newId, random, script, hooks, clock, onApprovalAsked = () => undefined }: OrchestratorOptions,
    store: Store,
  ): Advance {
    const { cache, schedule, definitions, payloadBytesMax, reads } = this;
    return new Advance({
      cache,
      schedule,
      definitions,
      hooks,
      payloadBytesMax,
      newRunRowId: this.newRunRowId,
      watched: (state) => this.watch.seen(state),
      asked: onApprovalAsked,
      runRowId: async (id) => schedule.runRowId(id) ?? (store.shared ? reads.runRowId(id) : null),
      newSignal: (runRowId, event, now) => {
        return { rowId: store.newRowId('signal'), runRowId, createdMs: now, document: signalDocument(event) };
      },
      signalled: (signals) => {
        for (const signal of signals) this.#signal(signal);
      },
      context: {
        newId,
        newRowId: () => store.newRowId('task'),
        random,
        script,
        taskDefinition: (name) => definitions.task(name) ?? undefined,
        domainOf: (taskName, map) =>
          chooseDomain(taskName, map, (name, domain) => this.polls.isActive(name, domain, clock.now())),
      },
    });
  }

  #newHandOff(): HandOff {
    const { cache, schedule, limits, pollers, advance, hooks } = this;
    return new HandOff({
      cache,
      schedule,
      limits,
      pollers,
      advance,
      hooks,
      inProcess: (key) => this.#inProcess.taker(key),
      absent: (entries, key) => this.serving.absent(entries, key),
      wakeAt: (key, atMs) => this.#alarms.queueAt(key, atMs),
      release: (tasks) => {
        for (const { task } of tasks) this.#giveBack.ofWorker(task.runRowId, task.rowId, task.workerId);
      },
      doubt: (tasks) => this.#undelivered.add(tasks),
    });
  }

  #newQueues(): SharedQueues {
    const { cache, schedule, limits, pollers, clock, hooks } = this;
    return new SharedQueues({
      prepare: (runs) => hooks.prepare(runs),
      cache,
      schedule,
      limits,
      pollers,
      clock,
      inProcess: (key) => this.#inProcess.taker(key),
      wakeAt: (key, atMs) => this.#alarms.queueAt(key, atMs),
    });
  }

  #newSweep(shared: SharedStore, processId: string, random: () => number): Sweep {
    return new Sweep({
      shared,
      processId,
      random,
      clock: this.clock,
      timer: ({ runRowId, taskRowId }) => this.#alarms.fire(runRowId, taskRowId),
      signal: (signal) => this.#signal(signal),
      orphan: ({ runRowId, taskRowId, workerId }) => this.#giveBack.ofWorker(runRowId, taskRowId, workerId),
      touchWaiting: () => this.serving.touchWaiting(),
      freshen: async () => this.#freshness?.ensure(),
      refreshPolls: async () => this.polls.restore(await this.reads.polls(this.clock.now() - ACTIVE_WINDOW_MS)),
    });
  }
}
