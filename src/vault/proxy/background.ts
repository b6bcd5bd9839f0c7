// Work that a reply does not wait for and that must still be done: settlements and audit rows. Owns its repetition while
// the store is away; what is left at the end is in the store as an open reservation, and found at the next start.
const DELAYS_MS = [50, 200, 1000, 5000];

export class Background {
  readonly #log: (message: string) => void;
  readonly #running = new Set<Promise<void>>();
  readonly #wakeups = new Set<() => void>();
  #closing = false;

  constructor(log: (message: string) => void) {
    this.#log = log;
  }

  /** `work` must not throw but by rejecting. */
  run(work: () => Promise<unknown>): void {
    const ended = () => void this.#running.delete(done);
    const done: Promise<void> = work().then(ended, (error) => this.#repeat(work, error).finally(ended));
    this.#running.add(done);
  }

  /** What runs gets its present try; nothing is tried again. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const wake of this.#wakeups) wake();
    await Promise.all(this.#running);
  }

  async #repeat(work: () => Promise<unknown>, first: unknown): Promise<void> {
    let error = first;
    for (let tries = 0; ; tries += 1) {
      this.#log(`vault: a settlement was not recorded yet: ${error instanceof Error ? error.message : String(error)}`);
      if (this.#closing) return;
      await this.#sleep(DELAYS_MS[Math.min(tries, DELAYS_MS.length - 1)] ?? 0);
      if (this.#closing) return;
      try {
        await work();
        return;
      } catch (again) {
        error = again;
      }
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#wakeups.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#wakeups.add(wake);
    });
  }
}
