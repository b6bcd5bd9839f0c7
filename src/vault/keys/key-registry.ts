// The vault's keys in memory: every live one, and the last revoked. The single authority within a round: what a round
// writes is seen by the next decision at once, and taken back when its commit fails. Must never let a stale read bring
// a revoked key back to life.
import type { VaultKey } from '../../model/vault.ts';
import type { Reads } from '../../store/reads.ts';
import type { WriteBatch } from '../../store/write-batch.ts';
import { type EndpointRule, endpointRules } from './endpoint-rules.ts';

/** A key with its policy compiled. */
export interface KeyEntry {
  readonly row: VaultKey;
  readonly allows: EndpointRule;
  readonly free: EndpointRule;
}

/** A read that was overtaken by this many revocations would be needed to miss one. */
const REVOKED_KEPT = 10_000;
const LOADED_MAX = 1_000_000;

export class KeyRegistry {
  readonly #reads: Reads;
  readonly #entries = new Map<string, KeyEntry>();
  readonly #ofRun = new Map<string, Set<string>>();
  readonly #ofLabel = new Map<string, Set<string>>();
  readonly #revoked: string[] = [];
  /** Ids whose last write may or may not have reached the store. */
  readonly #doubtful = new Set<string>();
  #batch: WriteBatch | undefined;
  #positions = new Map<string, number>();
  #before = new Map<string, VaultKey | undefined>();

  constructor(reads: Reads) {
    this.#reads = reads;
  }

  /** Reads the live keys: a run that ends must find its keys without a look at the store. */
  async load(now: number): Promise<void> {
    for (const row of await this.#reads.vaultKeys({ liveAtMs: now, limit: LOADED_MAX })) this.#put(row);
  }

  /** From memory: live keys, and revoked ones for a while. */
  get(id: string): KeyEntry | undefined {
    return this.#entries.get(id);
  }

  /** From memory, else from the store. */
  async find(id: string): Promise<KeyEntry | null> {
    const known = this.#entries.get(id);
    if (known && !this.#doubtful.has(id)) return known;
    const row = await this.#reads.vaultKey(id);
    const meanwhile = this.#entries.get(id);
    if (meanwhile && !this.#doubtful.has(id)) return meanwhile;
    this.#doubtful.delete(id);
    if (!row) {
      this.#drop(id);
      return null;
    }
    return this.#put(row);
  }

  liveOfRun(runId: string): readonly VaultKey[] {
    return this.#rows(this.#ofRun.get(runId));
  }

  liveOfLabel(label: string): readonly VaultKey[] {
    return this.#rows(this.#ofLabel.get(label));
  }

  /** Part of a decision: the row is in memory from now on and goes into the batch, once. */
  write(row: VaultKey, batch: WriteBatch): void {
    if (batch !== this.#batch) {
      this.#batch = batch;
      this.#positions = new Map();
      this.#before = new Map();
    }
    this.#doubtful.delete(row.id);
    if (!this.#before.has(row.id)) this.#before.set(row.id, this.#entries.get(row.id)?.row);
    const position = this.#positions.get(row.id);
    if (position === undefined) this.#positions.set(row.id, batch.vaultKeys.push(row) - 1);
    else batch.vaultKeys[position] = row;
    this.#put(row);
  }

  /** The round's commit failed: back to what was before it, to be read again before it is trusted. */
  lost(): void {
    for (const [id, before] of this.#before) {
      this.#drop(id);
      if (before) this.#put(before);
      this.#doubtful.add(id);
    }
    this.#batch = undefined;
    this.#before = new Map();
  }

  /** A row as another process may have left it: for its policy, which never changes. What it may do is asked elsewhere. */
  learn(row: VaultKey): KeyEntry {
    return this.#put(row);
  }

  clear(): void {
    for (const map of [this.#entries, this.#ofRun, this.#ofLabel]) map.clear();
    this.#revoked.length = 0;
    this.#doubtful.clear();
  }

  /** Forgets keys that expired: called now and then, never on the way of a call. */
  sweep(now: number): void {
    for (const [id, { row }] of this.#entries) if (row.expiresMs <= now) this.#drop(id);
  }

  get size(): number {
    return this.#entries.size;
  }

  #rows(ids: ReadonlySet<string> | undefined): VaultKey[] {
    const rows: VaultKey[] = [];
    for (const id of ids ?? []) {
      const entry = this.#entries.get(id);
      if (entry) rows.push(entry.row);
    }
    return rows;
  }

  #put(row: VaultKey): KeyEntry {
    const known = this.#entries.get(row.id);
    const entry =
      known &&
      known.row.allowedEndpoints === row.allowedEndpoints &&
      known.row.zeroCostEndpoints === row.zeroCostEndpoints
        ? { ...known, row }
        : { row, allows: endpointRules(row.allowedEndpoints), free: endpointRules(row.zeroCostEndpoints) };
    this.#drop(row.id);
    this.#entries.set(row.id, entry);
    if (row.revokedMs > 0) this.#keepRevoked(row.id);
    else {
      if (row.runId !== null) index(this.#ofRun, row.runId, row.id);
      if (row.runLabel !== null) index(this.#ofLabel, row.runLabel, row.id);
    }
    return entry;
  }

  #keepRevoked(id: string): void {
    this.#revoked.push(id);
    if (this.#revoked.length < 2 * REVOKED_KEPT) return;
    for (const old of this.#revoked.splice(0, REVOKED_KEPT)) {
      const entry = this.#entries.get(old);
      if (entry && entry.row.revokedMs > 0) this.#drop(old);
    }
  }

  #drop(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    if (entry.row.runId !== null) unindex(this.#ofRun, entry.row.runId, id);
    if (entry.row.runLabel !== null) unindex(this.#ofLabel, entry.row.runLabel, id);
  }
}

function index(map: Map<string, Set<string>>, name: string, id: string): void {
  const ids = map.get(name);
  if (ids) ids.add(id);
  else map.set(name, new Set([id]));
}

function unindex(map: Map<string, Set<string>>, name: string, id: string): void {
  const ids = map.get(name);
  if (ids?.delete(id) && ids.size === 0) map.delete(name);
}
