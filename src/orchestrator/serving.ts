// When a queue is looked into: in the next round after it was touched. Owns the operation that makes such a round come,
// and the loads of runs whose ready tasks are not in memory. Must never hand out by itself.
import type { WriteBatch } from '../store/write-batch.ts';
import type { InProcess } from './in-process.ts';
import type { Pollers } from './pollers.ts';
import type { ReadyEntry } from './ready-queue.ts';
import type { Schedule } from './schedule.ts';
import type { SharedQueues } from './shared-queues.ts';

export interface ServingOptions {
  readonly schedule: Schedule;
  readonly pollers: Pollers;
  readonly inProcess: InProcess;
  /** Set when other processes write to the store. */
  readonly queues: SharedQueues | null;
  readonly background: (runRowIds: readonly number[], decide: (batch: WriteBatch) => void) => Promise<void>;
  readonly stopped: () => boolean;
}

export class Serving {
  readonly #options: ServingOptions;
  /** The round that will serve what was touched; null when none is under way. */
  #poke: Promise<void> | null = null;
  readonly #fetches = new Map<string, Promise<void>>();

  constructor(options: ServingOptions) {
    this.#options = options;
  }

  /** Serves a queue in the next round. */
  touch(key: string): void {
    const { queues, schedule, background, stopped } = this.#options;
    if (queues) queues.ask(key);
    else schedule.touched.add(key);
    if (this.#poke || stopped()) return;
    this.#poke = background([], () => {
      this.#poke = null;
    });
  }

  /** Of these queues, or of all, those where somebody waits here. */
  touchWaiting(keys: readonly string[] | null = null): void {
    const { pollers, inProcess } = this.#options;
    for (const key of keys ?? this.#waitedAt()) {
      if (pollers.at(key) !== undefined || inProcess.taker(key) !== undefined) this.touch(key);
    }
  }

  /** For the next round, whenever it comes. */
  askForAll(): void {
    for (const key of this.#waitedAt()) this.#options.queues?.ask(key);
  }

  /** After a round: what it left for the next one. */
  goOn(): void {
    const { queues, schedule } = this.#options;
    for (const key of queues?.keys ?? schedule.touched) this.touch(key);
  }

  /** Resolves when a queue that was touched has been served, what had to be loaded for it included. */
  async served(key: string): Promise<void> {
    // A round that was under way when the queue was touched may have looked into it before.
    do await this.#poke;
    while (this.#poke && this.#options.queues?.isAsked(key));
    await this.#fetches.get(key);
  }

  /** Tasks of a queue whose runs are not in memory: served once they are. */
  absent(entries: readonly ReadyEntry[], key: string): void {
    const { queues, schedule, background } = this.#options;
    if (queues) {
      // Not this round's: if they are still to be had, the store says so.
      for (const { taskRowId } of entries) {
        const entry = schedule.taskByRow(taskRowId);
        if (entry) schedule.taken(entry);
      }
      queues.ask(key);
      return;
    }
    const queue = schedule.ready(key);
    for (const entry of entries.toReversed()) queue?.putBack(entry);
    const runRowIds = [...new Set(entries.map(({ runRowId }) => runRowId))];
    const fetched = background(runRowIds, () => schedule.touched.add(key)).finally(() => {
      if (this.#fetches.get(key) === fetched) this.#fetches.delete(key);
    });
    this.#fetches.set(key, fetched);
  }

  lost(): void {
    this.#poke = null;
  }

  #waitedAt(): string[] {
    const { pollers, inProcess } = this.#options;
    return [...pollers.keys(), ...inProcess.keys];
  }
}
