// Whether the store took its last commit. Fail closed also where nothing is reserved: after a lost commit, the next free
// call first proves that the store is back.
import type { Transactor } from '../../orchestrator/ports.ts';

export class StoreHealth {
  readonly #transactor: Transactor;
  #healthy = true;

  constructor(transactor: Transactor) {
    this.#transactor = transactor;
    transactor.onLost(() => {
      this.#healthy = false;
    });
  }

  /** Rejects with AppError('store_unavailable') while the store takes nothing. */
  async require(): Promise<void> {
    if (this.#healthy) return;
    await this.#transactor.transact(() => undefined);
    this.#healthy = true;
  }
}
