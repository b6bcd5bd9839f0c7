// The ledger: reserves before a call, settles after it, and answers what a key has spent. Charge rows are the authority;
// totals in memory only make the check cost the same at any size. Must never let spent plus reserved pass a cap, never
// forward anything itself, and never trust its totals after a failed commit.
import { AppError } from '../../model/error.ts';
import type { AuditEntry, Charge, VaultKey } from '../../model/vault.ts';
import type { Transactor } from '../../orchestrator/ports.ts';
import type { Reads, WriteBatch } from '../../store/port.ts';
import type { KeyRegistry } from '../keys/key-registry.ts';
import { windowStart } from './cap-window.ts';
import { type Flight, Flights } from './flights.ts';
import { KeyTotals, REPLAY_CREDIT_MS } from './key-totals.ts';
import type { Reservation, ReserveRefusal, ReserveRequest, Usage } from './reservation.ts';
import { costBy, type Settlement, settledRow } from './settlement.ts';

type Decided = Reservation | { readonly kind: 'busy'; readonly landed: Promise<void> } | { readonly kind: 'unloaded' };

export interface LedgerOptions {
  readonly transactor: Transactor;
  readonly reads: Reads;
  readonly keys: KeyRegistry;
  readonly now: () => number;
  readonly nextChargeRowId: number;
  /** Open charges of one key at once; over it calls get 429 rate_limited. */
  readonly inFlightMax: number;
}

interface KeyState {
  readonly totals: KeyTotals;
  /** Decisions whose commit is not known yet: the state must stay in memory until they are. */
  uncommitted: number;
}

const STATES_MAX = 10_000;
const LOAD_TRIES = 20;

export class Ledger {
  readonly flights = new Flights();
  readonly #options: LedgerOptions;
  #states = new Map<string, KeyState>();
  #loading = new Map<string, Promise<void>>();
  #nextRowId: number;

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#nextRowId = options.nextChargeRowId;
    options.transactor.onLost(() => {
      this.#states = new Map();
      this.#loading = new Map();
    });
  }

  /** One transaction that rechecks the key and the cap. Rejects with AppError('store_unavailable') when it cannot commit. */
  async reserve(request: ReserveRequest): Promise<Reservation> {
    const { keyId, fingerprint, bodyDigest } = request.draft;
    for (let tries = 0; tries < LOAD_TRIES; ) {
      const state = await this.#ready(keyId);
      const busy = this.flights.get(keyId, fingerprint);
      if (busy && state?.totals.replayOf(fingerprint)?.bodyDigest === bodyDigest) {
        await busy.landed;
        continue;
      }
      const decided = await this.#reserveOnce(request);
      if (decided.kind === 'busy') await decided.landed;
      else if (decided.kind !== 'unloaded') return decided;
      else tries += 1;
    }
    throw new AppError('store_unavailable', 'The ledger of the key could not be read; nothing was forwarded.');
  }

  /**
   * Closes an open charge, or leaves it counted as uncertain, and writes the audit row with what the call added to the
   * recorded spend. A charge that was closed meanwhile is left as it is; the row then records 0.
   */
  async settle(
    charge: Charge,
    settlement: Settlement,
    audit: (costMicros: number, usage: Usage, now: number) => AuditEntry | null,
  ): Promise<void> {
    for (let tries = 0; tries < LOAD_TRIES; tries += 1) {
      await this.#ready(charge.keyId);
      const state = this.#states.get(charge.keyId);
      if (!state) continue;
      const done = await this.#counted(state, () =>
        this.#options.transactor.transactSoon((batch, now) => this.#settleNow(charge, settlement, audit, batch, now)),
      );
      if (!done) continue;
      this.#evict(charge.keyId);
      return;
    }
    throw new AppError('store_unavailable', 'The ledger of the key could not be read; the charge stays reserved.');
  }

  /** What a key has spent and reserved in its window. For a key that cannot spend any more nothing is kept in memory. */
  async usage(key: VaultKey): Promise<Usage> {
    const now = this.#options.now();
    const loaded = this.#states.get(key.id);
    if (loaded) {
      loaded.totals.advance(now);
      return usageOf(key, loaded.totals);
    }
    const since = windowStart(key.capWindow, now);
    return usageOf(key, new KeyTotals(key.capWindow, await this.#options.reads.chargesOf(key.id, since)));
  }

  /** Whether the same request was made before; it may have been released by the time it is reserved. */
  async repeats(keyId: string, fingerprint: string): Promise<boolean> {
    return (await this.#ready(keyId))?.totals.replayOf(fingerprint) !== undefined;
  }

  /** What was counted for a vendor object under a key; loads the key's totals. */
  async countedFor(keyId: string, objectId: string): Promise<number | undefined> {
    return (await this.#ready(keyId))?.totals.countedFor(objectId);
  }

  #reserveOnce(request: ReserveRequest): Promise<Decided> {
    const state = this.#states.get(request.draft.keyId);
    const transact = async () => {
      let flight: Flight | null = null;
      try {
        return await this.#options.transactor.transact((batch, now) => {
          const decided = this.#reserveNow(request, batch, now);
          if (decided.kind === 'reserved' || decided.kind === 'replay') flight = decided.flight;
          return decided;
        });
      } catch (error) {
        landed(flight);
        throw error;
      }
    };
    return state ? this.#counted(state, transact) : transact();
  }

  #reserveNow(request: ReserveRequest, batch: WriteBatch, now: number): Decided {
    const { draft } = request;
    const key = this.#options.keys.get(draft.keyId)?.row;
    const refuse = (refusal: ReserveRefusal, usage: Usage | null): Decided => {
      batch.audit.push(request.refused(refusal, usage, now));
      return { kind: 'refused', refusal, usage };
    };
    const totals = this.#states.get(draft.keyId)?.totals;
    if (!key || !totals) return { kind: 'unloaded' };
    if (key.revokedMs > 0) return refuse({ code: 'key_revoked' }, null);
    if (key.expiresMs <= now) return refuse({ code: 'key_expired' }, null);
    totals.advance(now);
    const usage = usageOf(key, totals);
    const earlier = totals.replayOf(draft.fingerprint);
    if (earlier) {
      if (earlier.bodyDigest !== draft.bodyDigest) return refuse({ code: 'idempotency_error' }, usage);
      return this.#repeat(earlier, usage);
    }
    if (!request.price) return { kind: 'unpriced' };
    const micros = costBy(request.price.basis, request.price.micros, request.price.objectIds, totals);
    if (micros === 0) return { kind: 'counted', usage };
    if (totals.openCount >= this.#options.inFlightMax) return refuse({ code: 'rate_limited' }, usage);
    if (usage.spentMicros + usage.reservedMicros + micros > key.capMicros) {
      return refuse({ code: 'cap_exhausted', attemptedMicros: micros }, usage);
    }
    const charge: Charge = {
      ...draft,
      rowId: this.#nextRowId++,
      state: 'reserved',
      amountMicros: micros,
      reservedMs: totals.stamp(now),
      settledMs: 0,
      vendorObjectId: null,
    };
    totals.add(charge);
    batch.charges.push(charge);
    const flight = this.flights.start(draft.keyId, draft.fingerprint);
    return { kind: 'reserved', charge, usage: usageOf(key, totals), flight };
  }

  #repeat(earlier: Charge, usage: Usage): Decided {
    const busy = this.flights.get(earlier.keyId, earlier.fingerprint);
    if (busy) return { kind: 'busy', landed: busy.landed };
    // An open outcome may be closed by this repetition: nobody else may ask at the same time.
    const flight = earlier.state === 'settled' ? null : this.flights.start(earlier.keyId, earlier.fingerprint);
    return { kind: 'replay', charge: earlier, usage, flight };
  }

  #settleNow(
    charge: Charge,
    settlement: Settlement,
    audit: (costMicros: number, usage: Usage, now: number) => AuditEntry | null,
    batch: WriteBatch,
    now: number,
  ): boolean {
    const key = this.#options.keys.get(charge.keyId)?.row;
    const totals = this.#states.get(charge.keyId)?.totals;
    if (!key || !totals) return false;
    totals.advance(now);
    const present = totals.open(charge.rowId);
    let cost = 0;
    if (present) {
      const next = settledRow(present, settlement, totals, now);
      cost = recorded(next) - recorded(present);
      totals.change(next);
      write(batch, next);
    }
    const entry = audit(cost, usageOf(key, totals), now);
    if (entry) batch.audit.push(entry);
    return true;
  }

  /** Key and totals in memory. Undefined when there is no such key. */
  async #ready(keyId: string): Promise<KeyState | undefined> {
    const state = this.#states.get(keyId);
    if (state && this.#options.keys.get(keyId)) return state;
    const entry = await this.#options.keys.find(keyId);
    if (!entry) throw new AppError('not_found', `There is no vault key ${keyId}.`);
    if (!this.#states.has(keyId)) {
      let loading = this.#loading.get(keyId);
      if (!loading) {
        loading = this.#load(entry.row);
        this.#loading.set(keyId, loading);
      }
      await loading;
    }
    return this.#states.get(keyId);
  }

  async #load(key: VaultKey): Promise<void> {
    const states = this.#states;
    try {
      const now = this.#options.now();
      const since = Math.max(0, Math.min(windowStart(key.capWindow, now), now - REPLAY_CREDIT_MS));
      const charges = await this.#options.reads.chargesOf(key.id, since);
      // A commit failed meanwhile: what was read may be older than what is decided next, so it is read again.
      if (states !== this.#states) return;
      states.set(key.id, { totals: new KeyTotals(key.capWindow, charges), uncommitted: 0 });
      if (states.size > STATES_MAX)
        for (const id of [...states.keys()].slice(0, STATES_MAX / 10)) this.#evict(id, true);
    } finally {
      if (states === this.#states) this.#loading.delete(key.id);
    }
  }

  async #counted<T>(state: KeyState, work: () => Promise<T>): Promise<T> {
    state.uncommitted += 1;
    try {
      return await work();
    } finally {
      state.uncommitted -= 1;
    }
  }

  /** Drops totals that nobody needs now: a read of the store gives them back. */
  #evict(keyId: string, evenLive = false): void {
    const state = this.#states.get(keyId);
    if (!state || state.uncommitted > 0 || state.totals.openCount > 0) return;
    const key = this.#options.keys.get(keyId)?.row;
    const live = key !== undefined && key.revokedMs === 0 && key.expiresMs > this.#options.now();
    if (!live || evenLive) this.#states.delete(keyId);
  }
}

/** What the audit has recorded of a charge in this state. */
function recorded(charge: Charge): number {
  return charge.state === 'settled' || charge.state === 'uncertain' ? charge.amountMicros : 0;
}

/** A row appears once in a batch: the later version takes the place of the earlier. */
function write(batch: WriteBatch, charge: Charge): void {
  const at = batch.charges.findLastIndex((row) => row.rowId === charge.rowId);
  if (at < 0) batch.charges.push(charge);
  else batch.charges[at] = charge;
}

function landed(flight: Flight | null): void {
  flight?.land();
}

function usageOf(key: VaultKey, totals: KeyTotals): Usage {
  return { capMicros: key.capMicros, spentMicros: totals.spentMicros, reservedMicros: totals.reservedMicros };
}
