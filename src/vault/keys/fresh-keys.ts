// Vault keys as they are committed now, for what is decided outside rounds while other processes write: a read that began
// after the question was asked, shared by all who ask meanwhile. Must never answer from memory.
import { AppError } from '../../model/error.ts';
import type { VaultKey } from '../../model/vault.ts';
import type { Reads } from '../../store/reads.ts';

type Row = Promise<VaultKey | null>;

interface Reading {
  readonly running: Row;
  /** Begins when the one under way has ended: for those who asked while it ran. */
  next: Row | null;
}

export class FreshKeys {
  readonly #reads: Pick<Reads, 'vaultKey'>;
  readonly #readings = new Map<string, Reading>();

  constructor(reads: Pick<Reads, 'vaultKey'>) {
    this.#reads = reads;
  }

  /** Null when there is no such key. Rejects with AppError('store_unavailable'). */
  read(id: string): Row {
    const under = this.#readings.get(id);
    if (!under) return this.#begin(id);
    under.next ??= under.running.then(
      () => this.#begin(id),
      () => this.#begin(id),
    );
    return under.next;
  }

  #begin(id: string): Row {
    const reading: Reading = { running: this.#row(id), next: null };
    this.#readings.set(id, reading);
    const ended = () => {
      if (this.#readings.get(id) === reading && !reading.next) this.#readings.delete(id);
    };
    reading.running.then(ended, ended);
    return reading.running;
  }

  async #row(id: string): Row {
    try {
      return await this.#reads.vaultKey(id);
    } catch (error) {
      throw error instanceof AppError ? error : new AppError('store_unavailable', 'The vault key could not be read.');
    }
  }
}
