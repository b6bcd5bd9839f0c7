// Keys and totals where other processes write to the same database: every decision locks its key in the round and takes
// in what was written since memory last saw it. Owns the rows, totals and revisions held between rounds. Must never
// answer a decision with a key that this round has not locked, nor keep anything after a lost round.
import type { VaultKey } from '../../model/vault.ts';
import { BUSY } from '../../orchestrator/ports.ts';
import type { Round } from '../../store/port.ts';
import type { Reads } from '../../store/reads.ts';
import type { LoadedVaultKey } from '../../store/shared-port.ts';
import type { WriteBatch } from '../../store/write-batch.ts';
import type { KeyRegistry } from '../keys/key-registry.ts';
import { DAY_MS } from '../keys/lifetime.ts';
import type { RoundKeys, WantedKeys } from '../keys/round-keys.ts';
import { type KeyState, type KeyStates, STATES_MAX } from './key-states.ts';
import { KeyTotals } from './key-totals.ts';

export interface SharedStatesOptions {
  readonly reads: Pick<Reads, 'vaultKeys'>;
  readonly registry: KeyRegistry;
  readonly now: () => number;
}

interface Held {
  row: VaultKey;
  totals: KeyTotals;
  /** Of the row and the charges that memory holds, as of the last round that locked the key. */
  revision: number;
  /** The batch that wrote the key or a charge of it since. The next round finds it committed: a lost one drops it all. */
  written: WriteBatch | null;
}

/** What the operations of a round want: asked of the store together, in one order. */
interface Gathered {
  readonly round: Round;
  readonly ids: Set<string>;
  readonly labels: Set<string>;
  readonly runRowIds: Set<number>;
  alone: boolean;
  /** Resolves with the runs that are busy. */
  readonly loading: Promise<ReadonlySet<number>>;
}

/** Everything under a label: there are hardly ever more than a few. */
const OF_LABEL_MAX = 1_000_000;
/** No window looks back further than a day; the clocks of two servers may differ, so a little more is loaded. */
const CLOCK_SKEW_MS = 3_600_000;
/** Locks a run without its tasks: none has been written after this revision. */
const NO_TASKS = Number.MAX_SAFE_INTEGER;

export class SharedStates implements KeyStates, RoundKeys {
  readonly again = false;
  readonly #options: SharedStatesOptions;
  /** Least recently locked first. */
  #held = new Map<string, Held>();
  #locked = new Set<string>();
  #labels = new Map<string, readonly string[]>();
  #gathered: Gathered | null = null;
  #round: Round | null = null;

  constructor(options: SharedStatesOptions) {
    this.#options = options;
  }

  ready(): undefined {
    return undefined;
  }

  async load(round: Round, { ids = [], label, alone = false, runRowId }: WantedKeys): Promise<typeof BUSY | undefined> {
    this.#gathered ??= this.#gather(round);
    const gathered = this.#gathered;
    for (const id of ids) gathered.ids.add(id);
    if (label !== undefined) gathered.labels.add(label);
    if (runRowId !== undefined) gathered.runRowIds.add(runRowId);
    gathered.alone ||= alone;
    const busy = await gathered.loading;
    return runRowId !== undefined && busy.has(runRowId) ? BUSY : undefined;
  }

  at(keyId: string): KeyState | undefined {
    return this.#locked.has(keyId) ? this.#held.get(keyId) : undefined;
  }

  get(keyId: string): VaultKey | undefined {
    return this.at(keyId)?.row;
  }

  ofLabel(label: string): readonly VaultKey[] {
    return (this.#labels.get(label) ?? []).flatMap((id) => {
      const row = this.get(id);
      return row && row.revokedMs === 0 ? [row] : [];
    });
  }

  write(row: VaultKey, batch: WriteBatch): void {
    this.#options.registry.learn(row);
    const at = batch.vaultKeys.findIndex(({ id }) => id === row.id);
    if (at < 0) batch.vaultKeys.push(row);
    else batch.vaultKeys[at] = row;
    const held = this.#held.get(row.id);
    if (held) Object.assign(held, { row, written: batch });
    else this.#held.set(row.id, { row, totals: new KeyTotals(row, []), revision: 0, written: batch });
    this.#locked.add(row.id);
  }

  charged(keyId: string, batch: WriteBatch): void {
    const held = this.#held.get(keyId);
    if (held) held.written = batch;
  }

  peek(keyId: string): KeyTotals | undefined {
    return this.#held.get(keyId)?.totals;
  }

  hold(): undefined {}

  release(): void {}

  lost(): void {
    this.#held = new Map();
    this.#locked = new Set();
    this.#labels = new Map();
    this.#gathered = null;
    this.#round = null;
    this.#options.registry.clear();
  }

  /** All loads of a round are asked for in one turn: the statements follow when the turn is over. */
  #gather(round: Round): Gathered {
    const [ids, labels] = [new Set<string>(), new Set<string>()];
    const wants = { round, ids, labels, runRowIds: new Set<number>(), alone: false };
    return Object.assign(wants, { loading: Promise.resolve().then(() => this.#fetch(wants)) });
  }

  /** Runs are never waited for; the stamps come before the keys, and the keys in one sorted statement: no cycle of waits. */
  async #fetch({ round, ids, labels, runRowIds, alone }: Omit<Gathered, 'loading'>): Promise<ReadonlySet<number>> {
    this.#gathered = null;
    if (this.#round !== round) {
      this.#round = round;
      this.#locked = new Set();
      this.#labels = new Map();
    }
    const runs = [...runRowIds].map((rowId) => ({ rowId, revision: NO_TASKS }));
    const busy = runs.length > 0 ? (await round.loadRuns(runs)).busy : [];
    if (alone) await round.shared?.lockStamps();
    for (const label of labels) {
      const filter = { runLabel: label, liveAtMs: this.#options.now(), limit: OF_LABEL_MAX };
      const found = (await this.#options.reads.vaultKeys(filter)).map(({ id }) => id);
      this.#labels.set(label, found);
      for (const id of found) ids.add(id);
    }
    await this.#lock(round, [...ids]);
    return new Set(busy);
  }

  async #lock(round: Round, ids: readonly string[]): Promise<void> {
    if (ids.length === 0 || !round.shared) return;
    const sinceMs = Math.max(0, this.#options.now() - DAY_MS - CLOCK_SKEW_MS);
    const wanted = ids.map((id) => {
      const held = this.#held.get(id);
      if (held?.written) {
        held.revision += 1;
        held.written = null;
      }
      return { id, revision: held?.revision ?? 0, sinceMs };
    });
    const { changed, gone } = await round.shared.lockVaultKeys(wanted);
    for (const id of gone) this.#held.delete(id);
    for (const loaded of changed) this.#takeIn(loaded);
    for (const id of ids) {
      const held = this.#held.get(id);
      if (!held) continue;
      this.#held.delete(id);
      this.#held.set(id, held);
      this.#locked.add(id);
    }
    this.#trim();
  }

  #takeIn({ key, revision, charges, since }: LoadedVaultKey): void {
    const held = this.#held.get(key.id);
    this.#options.registry.learn(key);
    if (held && since !== 0) {
      for (const charge of charges) held.totals.apply(charge);
      Object.assign(held, { row: key, revision });
      return;
    }
    const counted = charges.filter(({ state }) => state !== 'released');
    const totals = new KeyTotals(key, counted);
    this.#held.set(key.id, { row: key, totals, revision, written: null });
  }

  #trim(): void {
    if (this.#held.size <= STATES_MAX) return;
    for (const id of this.#held.keys()) {
      if (this.#held.size <= STATES_MAX || this.#locked.has(id)) return;
      this.#held.delete(id);
    }
  }
}
