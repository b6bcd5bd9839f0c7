// Stops work that nobody waits for any more. What an AbortController does, at less cost as long as nobody asks for a signal.
import type { Stop } from './ports.ts';

export class Stopper implements Stop {
  #told: Set<() => void> | undefined;
  #controller: AbortController | undefined;
  #stopped = false;

  get stopped(): boolean {
    return this.#stopped;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  onStop(tell: () => void): () => void {
    const told = this.#told ?? new Set();
    this.#told = told.add(tell);
    return () => told.delete(tell);
  }

  stop(reason?: unknown): void {
    if (this.#stopped) return;
    this.#stopped = true;
    // Made in any case: who asks later must find it aborted, and for this reason.
    this.#controller ??= new AbortController();
    this.#controller.abort(reason);
    for (const tell of this.#told ?? []) tell();
  }
}
