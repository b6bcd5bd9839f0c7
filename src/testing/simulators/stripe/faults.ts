// What can go wrong at a vendor, on demand. Owns the queue of injected faults: each is used up by one POST.

/**
 * `error-after`: carried out, answered 500 (and the 500 is kept under the idempotency key). `error-before`: 500, nothing
 * done, nothing kept. `hang`: carried out, never answered. `reset-before`, `reset-after`: the connection is cut before or
 * after it is carried out. `conflict` and `rate-limit`: 409 and 429, nothing done, nothing kept.
 */
export type Fault =
  | 'error-after'
  | 'error-before'
  | 'hang'
  | 'reset-before'
  | 'reset-after'
  | 'conflict'
  | 'rate-limit';

export class Faults {
  readonly #queue: Fault[] = [];
  readonly #failRate: number;

  /** `failRate`: this share of POSTs is carried out and answered 500. */
  constructor(failRate: number) {
    this.#failRate = failRate;
  }

  inject(fault: Fault, times = 1): void {
    for (let i = 0; i < times; i += 1) this.#queue.push(fault);
  }

  get pending(): number {
    return this.#queue.length;
  }

  take(): Fault | undefined {
    const queued = this.#queue.shift();
    if (queued) return queued;
    return this.#failRate > 0 && Math.random() < this.#failRate ? 'error-after' : undefined;
  }
}
