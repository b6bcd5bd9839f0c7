// The parts of the loop, wired once: what happens around every round, at alarms, and after a lost commit.
import type { Reads, Round, WriteBatch } from '../store/port.ts';
import { Advance } from './advance.ts';
import { Definitions } from './definitions.ts';
import { chooseDomain } from './domains.ts';
import { givenBack } from './given-back.ts';
import { HandOff } from './hand-off.ts';
import { InProcess, type Report } from './in-process.ts';
import type { Loop } from './loop.ts';
import { openRuns } from './open-runs.ts';
import type { OrchestratorOptions } from './orchestrator-options.ts';
import { PollBook } from './poll-book.ts';
import { Pollers } from './pollers.ts';
import type { Clock, RunHooks } from './ports.ts';
import { type CachedRun, RunCache } from './run-cache.ts';
import { type OpenEntry, Schedule } from './schedule.ts';
import { TaskLimits } from './task-limits.ts';
import { Wakeups } from './wakeups.ts';

/** Timers decided in one operation. */
const TIMERS_PER_ROUND = 500;
/** Pause before the queues are rebuilt after a lost commit: the database needs a moment, or a person. */
const RETRY_AFTER_LOSS_MS = 250;

/** A look at a page of open runs every so often: all is well, or there is a defect to log and mend. */
const REPAIR_EVERY_MS = 30_000;
const REPAIR_PAGE = 200;

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
  readonly #handOff: HandOff;
  readonly #inProcess: InProcess;
  readonly #wakeups: Wakeups;
  readonly #fresh: boolean;
  readonly #onDefect: (what: string) => void;
  /** The round that will serve what was touched; null when none is under way. */
  #poke: Promise<void> | null = null;
  /** Loads under way for queues whose ready tasks are of runs not in memory. */
  readonly #fetches = new Map<string, Promise<void>>();
  #ringing = false;
  #stopped = false;
  /** Memory no longer mirrors the store: rebuilt before the next decision. */
  #stale = true;
  #rebuilding: Promise<void> | null = null;
  #repaired = 0;
  #repairing: ReturnType<typeof setInterval> | undefined;

  constructor(options: OrchestratorOptions, report: Report) {
    const { loop, store, clock, hooks, limits, newId } = options;
    this.loop = loop;
    this.reads = store.reads;
    this.clock = clock;
    this.hooks = hooks;
    this.newId = newId;
    this.payloadBytesMax = limits?.payloadBytesMax ?? PAYLOAD_BYTES_MAX;
    this.#onDefect = options.onDefect ?? (() => undefined);
    this.#fresh = store.nextRowIds.task === 1;
    this.cache = new RunCache(this.definitions, this.reads, limits?.cachedTasks ?? TASKS_IN_MEMORY);
    const next = { ...store.nextRowIds };
    this.advance = new Advance({
      cache: this.cache,
      schedule: this.schedule,
      definitions: this.definitions,
      hooks,
      payloadBytesMax: this.payloadBytesMax,
      newRunRowId: () => next.run++,
      context: {
        newId,
        newRowId: () => next.task++,
        random: options.random,
        script: options.script,
        taskDefinition: (name) => this.definitions.task(name) ?? undefined,
        domainOf: (taskName, map) =>
          chooseDomain(taskName, map, (name, domain) => this.polls.isActive(name, domain, clock.now())),
      },
    });
    this.#inProcess = new InProcess(options.workers, report, (key) => this.touch(key));
    this.#wakeups = new Wakeups(clock, () => this.#ring());
    this.#handOff = new HandOff({
      cache: this.cache,
      schedule: this.schedule,
      limits: this.limits,
      pollers: this.pollers,
      advance: this.advance,
      hooks,
      inProcess: (key) => this.#inProcess.taker(key),
      fetch: (runRowIds, key) => this.#fetch(runRowIds, key),
      wakeAt: (key, atMs) => this.#wakeups.queueAt(key, atMs),
      release: (tasks) => {
        for (const { task } of tasks) this.#giveBack(task.id);
      },
    });
  }

  get handOff(): HandOff {
    return this.#handOff;
  }

  async open(): Promise<void> {
    this.polls.restore(await this.reads.polls());
    this.loop.listen({
      beforeCommit: (batch, now, round) => this.#beforeCommit(batch, now, round),
      afterCommit: () => this.#afterCommit(),
      lost: () => this.#lost(),
    });
    await this.loop.submit({ load: (round) => this.load(round, []), decide: () => undefined });
    this.#repairing = setInterval(() => void this.repair().catch(() => undefined), REPAIR_EVERY_MS);
    this.#repairing.unref();
  }

  /**
   * Compares the next page of stored open runs with memory, between two rounds, when both must be the same. What it
   * finds is a defect of ours: reported, and mended by reading everything anew. Resolves with what was found.
   */
  async repair(): Promise<string | null> {
    let found: string | null = null;
    await this.loop.submit({
      load: async (round) => {
        await this.load(round, []);
        // Timers that have just been taken out are about to be decided: memory is ahead for a moment.
        if (this.#ringing) return;
        const page = await this.reads.openRuns(this.#repaired, REPAIR_PAGE);
        const now = this.clock.now();
        this.#repaired = page.length < REPAIR_PAGE ? 0 : (page.at(-1)?.rowId ?? 0);
        for (const run of page) found ??= this.schedule.disagreement(run, now);
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
    this.#wakeups.stop();
    this.#inProcess.stop();
    this.pollers.dismiss();
    await this.loop.drained();
  }

  /** Makes memory ready for a decision on these runs. Undefined when it is. */
  load(round: Round, runRowIds: Iterable<number>): Promise<void> | undefined {
    if (this.#stale) {
      this.#rebuilding ??= this.#rebuild().finally(() => {
        this.#rebuilding = null;
      });
      return this.#rebuilding.then(() => this.load(round, runRowIds));
    }
    let loading: Promise<void> | undefined;
    for (const rowId of runRowIds) loading = this.cache.ensure(rowId, round) ?? loading;
    return loading;
  }

  /** Work on an open task, in memory and within a round; undefined when it is no longer open by then. */
  onOpenTask<T>(
    open: OpenEntry,
    work: (cached: CachedRun, batch: WriteBatch, now: number) => T,
  ): Promise<T | undefined> {
    return this.loop.submit({
      load: (round) => this.load(round, [open.run.rowId]),
      decide: (batch, now) => {
        const cached = this.cache.get(open.run.rowId);
        if (!cached || !this.schedule.task(open.id)) return undefined;
        return work(cached, batch, now);
      },
    });
  }

  /** Serves a queue in the next round. */
  touch(key: string): void {
    this.schedule.touched.add(key);
    if (this.#poke || this.#stopped) return;
    this.#poke = this.#internal([], () => {
      this.#poke = null;
    });
  }

  /** Resolves when a queue that was touched has been served, what had to be loaded for it included. */
  async served(key: string): Promise<void> {
    await this.#poke;
    await this.#fetches.get(key);
  }

  /** An operation nobody waits for. What it would have done is done by the rebuild if its round is lost. */
  async #internal(runRowIds: Iterable<number>, decide: (batch: WriteBatch, now: number) => void): Promise<void> {
    await this.loop.submit({ load: (round) => this.load(round, runRowIds), decide }).catch(() => undefined);
  }

  async #beforeCommit(batch: WriteBatch, now: number, round: Round): Promise<void> {
    if (this.#stale) return;
    await this.advance.finish(batch, now, round);
    this.#handOff.serveTouched(batch, now);
    await this.advance.finish(batch, now, round);
    this.advance.drain(batch);
    this.polls.flush(batch, now);
  }

  #afterCommit(): void {
    this.#handOff.deliver();
    this.advance.committed();
    if (!this.#ringing) this.#wakeups.rearm(this.schedule.nextDueMs);
    if (this.schedule.touched.size > 0 && !this.#stale) for (const key of this.schedule.touched) this.touch(key);
  }

  #lost(): void {
    this.#stale = true;
    this.#poke = null;
    this.#ringing = false;
    this.#handOff.lost();
    this.advance.lost();
    if (this.#stopped) return;
    setTimeout(() => {
      if (this.#stale && !this.#stopped) void this.#internal([], () => undefined);
    }, RETRY_AFTER_LOSS_MS).unref();
  }

  #ring(): void {
    if (this.#ringing || this.#stopped || this.#stale) return;
    this.#ringing = true;
    const now = this.clock.now();
    const due = this.schedule.takeDue(now, TIMERS_PER_ROUND);
    for (const key of this.#wakeups.takeDueQueues(now)) this.schedule.touched.add(key);
    const runRowIds = new Set([...due.runs, ...due.tasks.map((entry) => entry.run.rowId)]);
    void this.#internal(runRowIds, (batch, at) => {
      this.#ringing = false;
      for (const entry of due.tasks) this.#timer(entry.run.rowId, entry.rowId, batch, at);
      for (const rowId of due.runs) this.#timer(rowId, 0, batch, at);
    });
  }

  #timer(runRowId: number, taskRowId: number, batch: WriteBatch, now: number): void {
    const cached = this.cache.get(runRowId);
    if (!cached) return;
    this.advance.event(cached, { kind: 'timer', taskRowId }, batch, now);
    this.schedule.rearm(cached.state.run, cached.state.tasks.get(taskRowId));
  }

  #fetch(runRowIds: ReadonlySet<number>, key: string): void {
    const fetched = this.#internal(runRowIds, () => this.schedule.touched.add(key)).finally(() => {
      if (this.#fetches.get(key) === fetched) this.#fetches.delete(key);
    });
    this.#fetches.set(key, fetched);
  }

  /** A task that nobody works on any more goes back into its queue at once, not after a response time-out. */
  #giveBack(taskId: string): void {
    const open = this.schedule.task(taskId);
    if (!open) return;
    const work = (cached: CachedRun, batch: WriteBatch, now: number) => {
      const task = cached.state.tasks.get(open.rowId);
      if (task?.status !== 'IN_PROGRESS') return;
      const event = { kind: 'update', taskRowId: open.rowId, update: givenBack(task) } as const;
      this.advance.event(cached, event, batch, now);
    };
    void this.onOpenTask(open, work).catch(() => undefined);
  }

  /** Reads the store's open work into memory: at start, and after a commit was lost. */
  async #rebuild(): Promise<void> {
    const now = this.clock.now();
    this.cache.clear();
    this.schedule.clear();
    this.limits.restart(this.#fresh && this.loop.rounds === 0 ? 0 : now);
    await this.definitions.load(this.reads);
    for await (const run of openRuns(this.reads)) {
      this.schedule.restore(run, now);
      for (const { id, queue, status } of run.tasks) {
        if (status === 'IN_PROGRESS' && this.#inProcess.isOrphan(queue ?? '', id)) this.#giveBack(id);
      }
    }
    this.#stale = false;
    this.#wakeups.rearm(this.schedule.nextDueMs);
  }
}
