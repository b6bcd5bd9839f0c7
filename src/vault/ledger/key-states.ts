// Where the ledger finds a key and its totals when it decides. Owns, for a store with a single writer, the totals in
// memory: loaded once, dropped when nobody needs them. Must never be trusted after a failed commit.
import { AppError } from '../../model/error.ts';
import type { VaultKey } from '../../model/vault.ts';
import type { Round } from '../../store/port.ts';
import type { Reads } from '../../store/reads.ts';
import type { WriteBatch } from '../../store/write-batch.ts';
import type { KeyRegistry } from '../keys/key-registry.ts';
import type { Loading, WantedKeys } from '../keys/round-keys.ts';
import { KeyTotals, mattersSince } from './key-totals.ts';

export interface KeyState {
  readonly row: VaultKey;
  readonly totals: KeyTotals;
}

export interface KeyStates {
  /** Before an operation on the key is submitted; rejects with AppError('not_found'). */
  ready(keyId: string): Promise<void> | undefined;
  /** For `Operation.load`. */
  load(round: Round, wanted: WantedKeys): Loading;
  /** In a decision; undefined: the key is not there, or (see `again`) was dropped meanwhile. */
  at(keyId: string): KeyState | undefined;
  /** Whether what `at` does not find is worth another try. */
  readonly again: boolean;
  /** Part of a decision: a charge of the key goes into the batch. */
  charged(keyId: string, batch: WriteBatch): void;
  /** Keeps the state in memory while a decision on it is not committed; to be let go then. */
  hold(keyId: string): Hold | undefined;
  /** Nobody needs the totals just now. */
  release(keyId: string): void;
  /** What memory holds of the totals, however old where other processes write. */
  peek(keyId: string): KeyTotals | undefined;
  lost(): void;
}

export interface Hold {
  letGo(): void;
}

export const STATES_MAX = 10_000;

class OwnedState implements Hold {
  readonly totals: KeyTotals;
  /** Decisions whose commit is not known yet: the state must stay in memory until they are. */
  uncommitted = 0;

  constructor(totals: KeyTotals) {
    this.totals = totals;
  }

  letGo(): void {
    this.uncommitted -= 1;
  }
}

export interface OwnedStatesOptions {
  readonly reads: Pick<Reads, 'chargesOf'>;
  readonly registry: KeyRegistry;
  readonly now: () => number;
}

export class OwnedStates implements KeyStates {
  readonly again = true;
  readonly #options: OwnedStatesOptions;
  #states = new Map<string, OwnedState>();
  #loading = new Map<string, Promise<void>>();

  constructor(options: OwnedStatesOptions) {
    this.#options = options;
  }

  ready(keyId: string): Promise<void> | undefined {
    return this.#states.has(keyId) && this.#options.registry.get(keyId) ? undefined : this.#fetch(keyId);
  }

  load(): undefined {
    return undefined;
  }

  at(keyId: string): KeyState | undefined {
    const row = this.#options.registry.get(keyId)?.row;
    const totals = this.#states.get(keyId)?.totals;
    return row && totals && { row, totals };
  }

  charged(): void {}

  peek(keyId: string): KeyTotals | undefined {
    return this.#states.get(keyId)?.totals;
  }

  hold(keyId: string): Hold | undefined {
    const state = this.#states.get(keyId);
    if (state) state.uncommitted += 1;
    return state;
  }

  release(keyId: string): void {
    this.#evict(keyId, false);
  }

  lost(): void {
    this.#states = new Map();
    this.#loading = new Map();
  }

  async #fetch(keyId: string): Promise<void> {
    const entry = await this.#options.registry.find(keyId);
    if (!entry) throw new AppError('not_found', `There is no vault key ${keyId}.`);
    if (this.#states.has(keyId)) return;
    let loading = this.#loading.get(keyId);
    if (!loading) {
      loading = this.#read(entry.row);
      this.#loading.set(keyId, loading);
    }
    await loading;
  }

  async #read(row: VaultKey): Promise<void> {
    const states = this.#states;
    try {
      const charges = await this.#options.reads.chargesOf(row.id, mattersSince(row.capWindow, this.#options.now()));
      // A commit failed meanwhile: what was read may be older than what is decided next, so it is read again.
      if (states !== this.#states) return;
      states.set(row.id, new OwnedState(new KeyTotals(row, charges)));
      if (states.size > STATES_MAX) {
        for (const id of [...states.keys()].slice(0, STATES_MAX / 10)) this.#evict(id, true);
      }
    } finally {
      if (states === this.#states) this.#loading.delete(row.id);
    }
  }

  /** Drops totals that nobody needs now: a read of the store gives them back. */
  #evict(keyId: string, evenLive: boolean): void {
    const state = this.#states.get(keyId);
    if (!state || state.uncommitted > 0 || state.totals.openCount > 0) return;
    const row = this.#options.registry.get(keyId)?.row;
    const live = row !== undefined && row.revokedMs === 0 && row.expiresMs > this.#options.now();
    if (!live || evenLive) this.#states.delete(keyId);
  }
}
