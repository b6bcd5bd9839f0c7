// The one loop all mutations pass through: operations that arrive together are decided one after another in memory,
// written in ONE transaction and only then answered. While a commit is in flight new operations queue; nobody who waits
// for an answer waits for a timer. Must never answer before the commit, and never decide while another round is open.
import { AppError } from '../model/error.ts';
import { emptyBatch, type Round, type Store, type WriteBatch } from '../store/port.ts';
import type { Clock, Transactor } from './ports.ts';

/** Something to decide in a round. */
export interface Operation<T> {
  /** Runs before `decide`, once per round, with all other operations' `load`s: fetch what is not in memory. */
  load?(round: Round): Promise<void> | undefined;
  decide(batch: WriteBatch, now: number): T;
}

interface Pending {
  readonly operation: Operation<unknown>;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** How long what nobody waits for may wait for a round to ride with. */
const SOON_MS = 5;
/** Bounds how long the first caller of a round waits for the last one's decision. */
const OPERATIONS_MAX = 500;

/** Contributes rows and reactions to every round: the run cache, pollers, timers. */
export interface RoundListener {
  /** After all operations decided, before the commit: effects on other runs, hand-off to waiting pollers, the rows. */
  beforeCommit?(batch: WriteBatch, now: number, round: Round): Promise<void> | undefined;
  afterCommit?(): void;
  /** The commit failed: everything decided since the last one is void. */
  lost?(): void;
}

export class Loop implements Transactor {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #onFault: (error: unknown) => void;
  readonly #listeners: RoundListener[] = [];
  readonly #queue: Pending[] = [];
  #running = false;
  #later: ReturnType<typeof setTimeout> | undefined;
  #idle: Promise<void> = Promise.resolve();
  rounds = 0;
  operations = 0;

  /** `onFault` hears of every lost round: a failing database, or a defect of ours. */
  constructor(store: Store, clock: Clock, onFault: (error: unknown) => void = () => undefined) {
    this.#store = store;
    this.#clock = clock;
    this.#onFault = onFault;
  }

  listen(listener: RoundListener): void {
    this.#listeners.push(listener);
  }

  onLost(listener: () => void): void {
    this.listen({ lost: listener });
  }

  transact<T>(decide: (batch: WriteBatch, now: number) => T): Promise<T> {
    return this.submit({ decide });
  }

  submit<T>(operation: Operation<T>): Promise<T> {
    return this.#enqueue(operation, () => this.#start());
  }

  transactSoon<T>(decide: (batch: WriteBatch, now: number) => T): Promise<T> {
    return this.#enqueue({ decide }, () => {
      this.#later ??= setTimeout(() => this.#start(), SOON_MS);
    });
  }

  #enqueue<T>(operation: Operation<T>, wake: () => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ operation, resolve, reject });
      if (!this.#running) wake();
    });
  }

  async settled(): Promise<void> {
    if (this.#running || this.#queue.length > 0) await this.submit({ decide: () => undefined });
  }

  /** Resolves when nothing is queued and nothing is being committed. */
  async drained(): Promise<void> {
    if (this.#later) this.#start();
    while (this.#running) await this.#idle;
  }

  #start(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    this.#running = true;
    // A turn of the event loop collects what arrived together; then rounds follow each other until the queue is empty.
    this.#idle = new Promise((resolve) => setImmediate(() => void this.#rounds().finally(resolve)));
  }

  async #rounds(): Promise<void> {
    while (this.#queue.length > 0) {
      const taken = this.#queue.splice(0, OPERATIONS_MAX);
      await this.#round(taken);
    }
    this.#running = false;
  }

  async #round(taken: readonly Pending[]): Promise<void> {
    const answers: (() => void)[] = [];
    let round: Round | undefined;
    try {
      round = await this.#store.round();
      await this.#load(taken, round);
      const batch = emptyBatch();
      const now = this.#clock.now();
      for (const pending of taken) answers.push(decideOne(pending, batch, now));
      for (const listener of this.#listeners) await listener.beforeCommit?.(batch, now, round);
      await round.commit(batch);
    } catch (error) {
      await round?.abandon().catch(() => undefined);
      for (const listener of this.#listeners) listener.lost?.();
      this.#onFault(error);
      const failure = error instanceof AppError ? error : new AppError('internal', 'The round could not be decided.');
      for (const pending of taken) pending.reject(failure);
      return;
    }
    this.rounds += 1;
    this.operations += taken.length;
    for (const answer of answers) answer();
    for (const listener of this.#listeners) listener.afterCommit?.();
  }

  async #load(taken: readonly Pending[], round: Round): Promise<void> {
    const loading: Promise<void>[] = [];
    for (const { operation } of taken) {
      const one = operation.load?.(round);
      if (one) loading.push(one);
    }
    if (loading.length > 0) await Promise.all(loading);
  }
}

/** An operation that refuses (throws an AppError) fails alone; it must throw before it changes anything. */
function decideOne(pending: Pending, batch: WriteBatch, now: number): () => void {
  try {
    const value = pending.operation.decide(batch, now);
    return () => pending.resolve(value as never);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return () => pending.reject(error);
  }
}
