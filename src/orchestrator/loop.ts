// The one loop all mutations pass through: operations that arrive together are decided one after another in memory,
// written in ONE transaction and only then answered. While a commit is in flight new operations queue; nobody who waits
// for an answer waits for a timer. Must never answer before the commit, and never decide while another round is open,
// but for rounds of pipelined operations alone (decision 0017).
import { AppError } from '../model/error.ts';
import { type Round, RoundConflict, type SentCommit, type Store } from '../store/port.ts';
import { emptyBatch, type WriteBatch } from '../store/write-batch.ts';
import { BUSY, type Clock, type Operation, type Transactor } from './ports.ts';

interface Pending {
  readonly operation: Operation<unknown>;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  /** Rounds lost to other processes with this operation in them. */
  conflicts: number;
}

/** A round of pipelined operations whose commit is under way. */
interface SentRound {
  readonly pending: readonly Pending[];
  readonly commit: SentCommit;
  /** Its operations, or all that were decided on it as well, have their answers. Never rejects. */
  readonly answered: Promise<void>;
}

/**
 * How long what nobody waits for may wait for a round to ride with. Under load one comes sooner; to wait longer for it
 * would burden the next call that comes alone (by 0.3 ms, which is a fifth of it).
 */
const SOON_MS = 1;
/** Bounds how long the first caller of a round waits for the last one's decision. */
const OPERATIONS_MAX = 500;
/** One is being written while the next is decided: more would only be smaller. */
const SENT_MAX = 2;
/** Of what operations say they will write: a commit of more would take too long for a database that is not near. */
const CHARS_MAX = 16 * 1024 * 1024;
/** What another process holds is asked for again after about the length of its round. */
const BUSY_RETRY_MS = 2;
/** A conflict is rare, and twice in a row rarer: past this many something else is wrong. */
const CONFLICTS_MAX = 20;

/** Contributes rows and reactions to every round: the run cache, pollers, timers. */
export interface RoundListener {
  /**
   * Beside the operations' own loads, before any decides: what else this round needs from the store. `loaded` follows
   * those loads, and rejects when one of them does; undefined when there are none.
   */
  beforeDecide?(round: Round, loaded: Promise<unknown> | undefined): Promise<void> | undefined;
  /** After all operations decided, before the commit: effects on other runs, hand-off to waiting pollers, the rows. */
  beforeCommit?(batch: WriteBatch, now: number, round: Round): Promise<void> | undefined;
  afterCommit?(): void;
  /** The commit failed: everything decided since the last one is void. `again`: the same operations are tried anew. */
  lost?(again: boolean): void;
}

export class Loop implements Transactor {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #onFault: (error: unknown) => void;
  readonly #listeners: RoundListener[] = [];
  #queue: Pending[] = [];
  /** Put off because another process holds what they need. */
  #putOff: Pending[] = [];
  /** Oldest first. */
  readonly #sent: SentRound[] = [];
  #running = false;
  #later: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
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

  submitSoon<T>(operation: Operation<T>): Promise<T> {
    return this.#enqueue(operation, () => {
      this.#later ??= setTimeout(() => this.#start(), SOON_MS);
    });
  }

  #enqueue<T>(operation: Operation<T>, wake: () => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ operation, resolve, reject, conflicts: 0 });
      if (!this.#running) wake();
    });
  }

  async settled(): Promise<void> {
    if (this.#isBusy()) await this.submit({ decide: () => undefined });
  }

  /** Resolves when nothing is queued, nothing is put off and nothing is being committed. */
  async drained(): Promise<void> {
    while (this.#isBusy() || this.#putOff.length > 0) {
      if (!this.#running) this.#start();
      await this.#idle;
      await this.#sent.at(-1)?.answered;
    }
  }

  #isBusy(): boolean {
    return this.#running || this.#queue.length > 0 || this.#sent.length > 0;
  }

  #start(): void {
    if (this.#running) return;
    clearTimeout(this.#later);
    this.#later = undefined;
    this.#running = true;
    // A turn of the event loop collects what arrived together; then rounds follow each other until the queue is empty.
    this.#idle = new Promise((resolve) => setImmediate(() => void this.#rounds().finally(resolve)));
  }

  async #rounds(): Promise<void> {
    this.#takeBack();
    const commitBehind = this.#store.commitBehind?.bind(this.#store);
    while (this.#queue.length > 0) {
      const pipelined = commitBehind && this.#queue.every(({ operation }) => operation.pipelined);
      // What arrives while it waits is part of the round.
      if (this.#sent.length >= (pipelined ? SENT_MAX : 1)) await this.#sent[0]?.answered;
      else if (pipelined) await this.#send(this.#take(), commitBehind);
      else await this.#round(this.#take());
    }
    this.#running = false;
  }

  /** Resolves once the commit is on its way. */
  async #send(taken: readonly Pending[], commitBehind: NonNullable<Store['commitBehind']>): Promise<void> {
    const answers: (() => void)[] = [];
    let commit: SentCommit;
    try {
      const batch = emptyBatch();
      const now = this.#clock.now();
      for (const pending of taken) answers.push(decideOne(pending, batch, now));
      commit = commitBehind(batch, this.#sent.at(-1)?.commit);
    } catch (error) {
      while (this.#sent.length > 0) await this.#sent[0]?.answered;
      this.#fail(taken, error);
      return;
    }
    const committed = () => {
      this.#sent.shift();
      this.#answer(answers);
    };
    const answered = commit.done.then(committed, (error: unknown) => this.#sunk(sent, error));
    const sent: SentRound = { pending: taken, commit, answered };
    this.#sent.push(sent);
  }

  /** Those behind it fail too, and then all of them are void at once: nothing is read again while one is under way. */
  #sunk(sent: SentRound, error: unknown): Promise<void> | undefined {
    const last = this.#sent.at(-1);
    if (last !== sent) return last?.answered;
    this.#fail(
      this.#sent.splice(0).flatMap(({ pending }) => pending),
      error,
    );
  }

  /** At least one, whatever it writes. */
  #take(): readonly Pending[] {
    let count = 0;
    let chars = 0;
    for (const { operation } of this.#queue) {
      chars += operation.chars ?? 0;
      if (count === OPERATIONS_MAX || (count > 0 && chars > CHARS_MAX)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #round(taken: readonly Pending[]): Promise<void> {
    const answers: (() => void)[] = [];
    let round: Round | undefined;
    let ready = taken;
    try {
      round = await this.#store.round();
      ready = await this.#load(taken, round);
      const batch = emptyBatch();
      const now = this.#clock.now();
      for (const pending of ready) answers.push(decideOne(pending, batch, now));
      for (const listener of this.#listeners) await listener.beforeCommit?.(batch, now, round);
      await round.commit(batch);
    } catch (error) {
      await round?.abandon().catch(() => undefined);
      this.#fail(ready, error);
      return;
    }
    // Who waits for work is told before who waits for a word.
    for (const listener of this.#listeners) listener.afterCommit?.();
    this.#answer(answers);
  }

  #answer(answers: readonly (() => void)[]): void {
    this.rounds += 1;
    this.operations += answers.length;
    for (const answer of answers) answer();
  }

  /** Those whose loads came through; the others are put off. All that the round asks of the store is asked in one turn. */
  async #load(taken: readonly Pending[], round: Round): Promise<readonly Pending[]> {
    const busy = new Set<Pending>();
    const loading: Promise<void>[] = [];
    for (const pending of taken) {
      const one = pending.operation.load?.(round);
      if (one) loading.push(one.then((outcome) => void (outcome === BUSY && busy.add(pending))));
    }
    const loaded = loading.length > 0 ? allOf(loading) : undefined;
    const asked = loaded ? [loaded] : [];
    for (const listener of this.#listeners) {
      const more = listener.beforeDecide?.(round, loaded);
      if (more) asked.push(more);
    }
    if (asked.length > 0) await allOf(asked);
    if (busy.size === 0) return taken;
    this.#putBack([...busy]);
    return taken.filter((pending) => !busy.has(pending));
  }

  #fail(ready: readonly Pending[], error: unknown): void {
    const again = error instanceof RoundConflict;
    for (const listener of this.#listeners) listener.lost?.(again);
    const tried: Pending[] = [];
    const failure = error instanceof AppError ? error : new AppError('internal', 'The round could not be decided.');
    for (const pending of ready) {
      if (again && ++pending.conflicts <= CONFLICTS_MAX) tried.push(pending);
      else
        pending.reject(again ? new AppError('store_unavailable', 'Other processes kept getting in the way.') : failure);
    }
    if (!again || tried.length < ready.length) this.#onFault(error);
    this.#putBack(tried);
  }

  /** They come first in a round a little later: not at once, since who is in the way needs the time to finish. */
  #putBack(pending: readonly Pending[]): void {
    if (pending.length === 0) return;
    this.#putOff.push(...pending);
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#takeBack();
      this.#start();
    }, BUSY_RETRY_MS);
  }

  #takeBack(): void {
    if (this.#retry || this.#putOff.length === 0) return;
    this.#queue = [...this.#putOff.splice(0), ...this.#queue];
  }
}

/**
 * As `Promise.all`, but waits for every one before it rejects: a round is not left while a load of it is under way. A
 * conflict fails what was asked beside it as well, so it is the reason.
 */
async function allOf(loading: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(loading);
  const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  if (reasons.length > 0) throw reasons.find((reason) => reason instanceof RoundConflict) ?? reasons[0];
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
