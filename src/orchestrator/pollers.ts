// Callers that wait for a task. Owns their order and their time-outs; hands out nothing by itself.
import type { HandedTask, PollRequest } from './orchestrator-api.ts';

export interface Waiter {
  readonly key: string;
  readonly queue: string;
  readonly domain: string | null;
  readonly workerId: string | null;
  readonly count: number;
  /** Tasks assigned in the round under way; delivered after its commit. */
  readonly assigned: HandedTask[];
  /** Ends the wait: with tasks, with none, or with the reason why not. */
  deliver(tasks: readonly HandedTask[]): void;
  refuse(error: unknown): void;
  gone(): boolean;
}

export class Pollers {
  readonly #waiting = new Map<string, Set<Waiter>>();
  #count = 0;

  get size(): number {
    return this.#count;
  }

  /** Queues somebody waits at. */
  keys(): IterableIterator<string> {
    return this.#waiting.keys();
  }

  /** Longest waiting first. */
  at(key: string): ReadonlySet<Waiter> | undefined {
    return this.#waiting.get(key);
  }

  add(waiter: Waiter): void {
    const set = this.#waiting.get(waiter.key) ?? new Set<Waiter>();
    if (!set.has(waiter)) this.#count += 1;
    set.add(waiter);
    this.#waiting.set(waiter.key, set);
  }

  remove(waiter: Waiter): void {
    const set = this.#waiting.get(waiter.key);
    if (!set?.delete(waiter)) return;
    this.#count -= 1;
    if (set.size === 0) this.#waiting.delete(waiter.key);
  }

  /**
   * Starts a wait; resolves with what `deliver` is given, or with nothing when the time is over. A poll that found
   * tasks ready is `served` at least once before it gives up, however short its time.
   */
  wait(request: PollRequest, key: string, served?: () => Promise<void>): Promise<readonly HandedTask[]> {
    return new Promise((resolve, reject) => {
      const assigned: HandedTask[] = [];
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        request.signal?.removeEventListener('abort', onAbort);
        this.remove(waiter);
        settle();
      };
      const waiter: Waiter = {
        key,
        queue: request.taskType,
        domain: request.domain,
        workerId: request.workerId,
        count: request.count,
        assigned,
        deliver: (tasks) => finish(() => resolve(tasks)),
        refuse: (error) => finish(() => reject(error)),
        gone: () => request.signal?.aborted ?? false,
      };
      const giveUp = () => {
        // What is assigned is being committed: the round delivers it (or takes it back), not the clock.
        if (assigned.length === 0) waiter.deliver([]);
      };
      const onAbort = giveUp;
      const timer = setTimeout(() => (served ? void served().then(giveUp) : giveUp()), request.timeoutMs);
      request.signal?.addEventListener('abort', onAbort, { once: true });
      this.add(waiter);
    });
  }

  /** Sends everybody home with nothing: the server is stopping. */
  dismiss(): void {
    for (const set of [...this.#waiting.values()]) {
      for (const waiter of [...set]) if (waiter.assigned.length === 0) waiter.deliver([]);
    }
  }
}
