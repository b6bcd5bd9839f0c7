// The ledger: reserves before a call, settles after it, and answers what a key has spent. Charge rows are the authority;
// totals in memory only make the check cost the same at any size. Must never let spent plus reserved pass a cap, never
// forward anything itself, and never trust its totals after a failed commit.
import { AppError } from '../../model/error.ts';
import type { AuditEntry, Charge, VaultKey } from '../../model/vault.ts';
import type { Operation, Transactor } from '../../orchestrator/ports.ts';
import type { Reads } from '../../store/reads.ts';
import type { WriteBatch } from '../../store/write-batch.ts';
import { windowStart } from './cap-window.ts';
import { chargeRow } from './charge-row.ts';
import { type Flight, Flights } from './flights.ts';
import type { KeyState, KeyStates } from './key-states.ts';
import { KeyTotals } from './key-totals.ts';
import { notesOf } from './open-request.ts';
import { Recorded } from './recorded.ts';
import type { Reservation, ReserveRefusal, ReserveRequest, Usage } from './reservation.ts';
import { answeredRow, costBy, type Proof, type Settlement, settledRow } from './settlement.ts';
import { derivedBody, isUnderWay, placeOf, takenAgain } from './task-ordinal.ts';

type Decided =
  | Reservation
  | { readonly kind: 'busy'; readonly landed: Promise<void> }
  /** Another process has a caller under way with it. */
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'unloaded' };

export interface LedgerOptions {
  readonly transactor: Transactor;
  readonly reads: Reads;
  readonly states: KeyStates;
  /** Other processes write to the same database. */
  readonly shared: boolean;
  readonly now: () => number;
  readonly newChargeRowId: () => number;
  /** Open charges of one key at once; over it calls get 429 rate_limited. */
  readonly inFlightMax: number;
}

/** What comes of a charge, and who is told. */
export interface Settling {
  readonly charge: Charge;
  readonly proof: Proof;
  /** What the same answer proves when somebody else has sent the request as well; for a charge's first caller. */
  readonly ifAsked?: () => Proof;
  /** Somebody called and gets what the vendor answered, if it did; false for the vault's own questions. */
  readonly called: boolean;
  /** `cost`: what the call added to the recorded spend; `settlement`: as it was applied. */
  readonly audit: (cost: number, usage: Usage, now: number, settlement: Settlement) => AuditEntry | null;
  /** Lands when the charge is settled, or could not be. */
  readonly flight?: Flight | null;
}

/** A charge as it is, and its key, at the instant at which it was noted that it is asked again. */
export interface Claimed {
  readonly charge: Charge;
  readonly key: VaultKey;
}

const LOAD_TRIES = 20;
const ELSEWHERE_MS = 200;
/** Then a repetition goes to the vendor, which tells what becomes of the first. */
const REPEAT_WAITS = 10;
/** Nobody waits longer for a call that may or may not be another one. */
const PLACE_WAITS = 400;

export class Ledger {
  readonly flights = new Flights();
  readonly #options: LedgerOptions;
  readonly #recorded: Recorded;
  /** Where the charges of the round under way lie in its batch. */
  #batch: WriteBatch | undefined;
  readonly #places = new Map<number, { readonly list: Charge[]; readonly at: number }>();

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#recorded = new Recorded(options);
    options.transactor.onLost(() => options.states.lost());
  }

  /** One transaction that rechecks the key and the cap. Rejects with AppError('store_unavailable') when it cannot commit. */
  async reserve(asked: ReserveRequest): Promise<Reservation> {
    const { keyId, fingerprint, bodyDigest } = asked.draft;
    const { states, transactor } = this.#options;
    const price = this.#recorded.inPrice(keyId, asked.price);
    const request = price instanceof Promise ? { ...asked, price: await price } : asked;
    let waits = 0;
    for (let tries = 0; tries < LOAD_TRIES; ) {
      const loading = states.ready(keyId);
      if (loading) await loading;
      const busy = request.derived ? undefined : this.flights.get(keyId, fingerprint);
      if (busy && states.peek(keyId)?.replayOf(fingerprint)?.bodyDigest === bodyDigest) {
        await busy.landed;
        continue;
      }
      const held = states.hold(keyId);
      const flown: { flight: Flight | null } = { flight: null };
      let decided: Decided;
      try {
        decided = await transactor.submit(this.#reserving(request, waits >= REPEAT_WAITS, flown));
      } catch (error) {
        flown.flight?.land();
        throw error;
      } finally {
        held?.letGo();
      }
      if (decided.kind === 'busy') await decided.landed;
      else if (decided.kind === 'elsewhere') {
        waits += 1;
        if (waits > PLACE_WAITS) break;
        await new Promise((resolve) => setTimeout(resolve, ELSEWHERE_MS));
      } else if (decided.kind !== 'unloaded') return decided;
      else tries += 1;
    }
    throw new AppError(
      'store_unavailable',
      waits > 0
        ? 'A call alike is under way at another server; nothing was forwarded.'
        : 'The ledger of the key could not be read; nothing was forwarded.',
    );
  }

  /**
   * Closes an open charge, or leaves it counted as uncertain, and writes the audit row with what the call added to the
   * recorded spend. A charge that was closed meanwhile is left as it is; the row then records 0.
   */
  async settle(settling: Settling): Promise<void> {
    const { states, transactor } = this.#options;
    const { keyId } = settling.charge;
    try {
      const proof = this.#recorded.inProof(keyId, settling.proof);
      const informed = proof instanceof Promise ? { ...settling, proof: await proof } : settling;
      const operation: Operation<boolean> = {
        pipelined: true,
        load: (round) => states.load(round, { ids: [keyId] }),
        decide: (batch, now) => this.#settleNow(informed, batch, now),
      };
      for (let tries = 0; tries < LOAD_TRIES; tries += 1) {
        const loading = states.ready(keyId);
        if (loading) await loading;
        const held = states.hold(keyId);
        let done: boolean;
        try {
          done = await transactor.submitSoon(operation);
        } finally {
          held?.letGo();
        }
        if (!done) continue;
        states.release(keyId);
        return;
      }
    } finally {
      settling.flight?.land();
    }
    throw new AppError('store_unavailable', 'The ledger of the key could not be read; the charge stays reserved.');
  }

  /**
   * Before the vault itself asks again for an open charge that may be another process's: notes it, so that the charge's
   * first caller, should it still be waiting, does not take a repeated answer for one that was counted elsewhere.
   * Undefined when the charge is closed.
   */
  claim({ keyId, rowId }: Charge): Promise<Claimed | undefined> {
    const { states, transactor } = this.#options;
    return transactor.submit({
      pipelined: true,
      load: (round) => states.load(round, { ids: [keyId] }),
      decide: (batch, now) => {
        const state = states.at(keyId);
        const present = state?.totals.open(rowId);
        if (!state || !present) return undefined;
        const charge = takenAgain(present, null, now);
        if (charge !== present) this.#change(state, charge, batch);
        return { charge, key: state.row };
      },
    });
  }

  /** What a key has spent and reserved in its window. For a key that cannot spend any more nothing is kept in memory. */
  async usage(key: VaultKey): Promise<Usage> {
    const { now, reads, shared, states } = this.#options;
    const at = now();
    const held = shared ? undefined : states.peek(key.id);
    if (held) {
      held.advance(at);
      return usageOf(key, held);
    }
    return usageOf(key, new KeyTotals(key, await reads.chargesOf(key.id, windowStart(key.capWindow, at))));
  }

  /**
   * Whether the same request was made before; it may have been released by the time it is reserved. Where only a round
   * can tell, a call whose price takes a look at the vendor is first taken for a repetition, and any other is not.
   */
  repeats(keyId: string, fingerprint: string, looksUp: boolean): boolean | Promise<boolean> {
    const { shared, states } = this.#options;
    if (shared) return looksUp;
    const known = () => states.peek(keyId)?.replayOf(fingerprint) !== undefined;
    const loading = states.ready(keyId);
    return loading ? loading.then(known) : known();
  }

  /** Whether one of the objects was ever counted under the key. What is counted stays so. */
  async counted(keyId: string, objectIds: readonly string[]): Promise<boolean> {
    const { states } = this.#options;
    await states.ready(keyId);
    if (objectIds.some((id) => states.peek(keyId)?.countedFor(id) !== undefined)) return true;
    return (await this.#recorded.of(keyId, objectIds)).recordedMicros !== undefined;
  }

  #reserving(request: ReserveRequest, patient: boolean, flown: { flight: Flight | null }): Operation<Decided> {
    const { states } = this.#options;
    const { keyId } = request.draft;
    return {
      pipelined: true,
      load: (round) => states.load(round, { ids: [keyId] }),
      decide: (batch, now) => {
        // Decided again after a lost round: the first time never was.
        flown.flight?.land();
        const decided = this.#reserveNow(request, patient, batch, now);
        flown.flight = decided.kind === 'reserved' || decided.kind === 'replay' ? decided.flight : null;
        return decided;
      },
    };
  }

  #reserveNow(request: ReserveRequest, patient: boolean, batch: WriteBatch, now: number): Decided {
    const { draft } = request;
    const { inFlightMax, states } = this.#options;
    const refuse = (refusal: ReserveRefusal, usage: Usage | null): Decided => {
      batch.audit.push(request.refused(refusal, usage, now));
      return { kind: 'refused', refusal, usage };
    };
    const state = states.at(draft.keyId);
    if (!state) return states.again ? { kind: 'unloaded' } : refuse({ code: 'key_unknown' }, null);
    const { row: key, totals } = state;
    if (key.revokedMs > 0) return refuse({ code: 'key_revoked' }, null);
    if (key.expiresMs <= now) return refuse({ code: 'key_expired' }, null);
    totals.advance(now);
    const usage = usageOf(key, totals);
    const placed = this.#place(request, totals, now);
    if (placed.kind === 'wait') return { kind: 'elsewhere' };
    if (placed.kind === 'repeat') {
      if (placed.charge.bodyDigest !== draft.bodyDigest) return refuse({ code: 'idempotency_error' }, usage);
      return this.#repeat(placed.charge, request, patient, state, batch, now);
    }
    if (!request.price) return { kind: 'unpriced' };
    const { basis, objectIds, recordedMicros } = request.price;
    const micros = costBy(basis, request.price.micros, objectIds, totals, recordedMicros);
    if (micros === 0 && !request.derived) return { kind: 'counted', usage };
    if (totals.openCount >= inFlightMax) return refuse({ code: 'rate_limited' }, usage);
    if (micros > 0 && usage.spentMicros + usage.reservedMicros + micros > key.capMicros) {
      return refuse({ code: 'cap_exhausted', attemptedMicros: micros }, usage);
    }
    const charge = chargeRow(placed.draft, {
      rowId: this.#options.newChargeRowId(),
      state: 'reserved',
      amountMicros: micros,
      reservedMs: Math.max(totals.stamp(now), placed.afterMs),
      settledMs: 0,
      body: placed.draft.body,
      vendorObjectId: null,
    });
    totals.add(charge);
    this.#write(charge, batch, batch.newCharges);
    states.charged(charge.keyId, batch);
    return { kind: 'reserved', charge, usage: usageOf(key, totals), flight: this.#fly(charge) };
  }

  /** Which charge the call repeats, or the draft of a new one. */
  #place({ draft, derived, price }: ReserveRequest, totals: KeyTotals, now: number) {
    if (!derived) {
      const charge = totals.replayOf(draft.fingerprint);
      return charge ? ({ kind: 'repeat', charge } as const) : ({ kind: 'new', draft, afterMs: 0 } as const);
    }
    const flying = (fingerprint: string) => this.flights.get(draft.keyId, fingerprint) !== undefined;
    const place = placeOf(derived, totals, flying, now);
    if (place.kind !== 'new') return place;
    const body = derivedBody(draft.body, derived, price?.free ?? false);
    // What it renews has the same fingerprint: the later one counts as the call's.
    const afterMs = place.renews ? place.renews.reservedMs + 1 : 0;
    return { kind: 'new', draft: { ...draft, ...place.identity, body }, afterMs } as const;
  }

  #repeat(
    earlier: Charge,
    { derived }: ReserveRequest,
    patient: boolean,
    state: KeyState,
    batch: WriteBatch,
    now: number,
  ): Decided {
    const busy = this.flights.get(earlier.keyId, earlier.fingerprint);
    if (busy) return { kind: 'busy', landed: busy.landed };
    let charge = earlier;
    if (this.#options.shared) {
      if (!patient && isUnderWay(earlier, now)) return { kind: 'elsewhere' };
      charge = takenAgain(earlier, derived ?? null, now);
      if (charge !== earlier) this.#change(state, charge, batch);
    }
    // An open outcome may be closed by this repetition: nobody else may ask at the same time.
    const alone = charge.state !== 'settled' || notesOf(charge.body).automatic !== undefined;
    const usage = usageOf(state.row, state.totals);
    return { kind: 'replay', charge, usage, flight: alone ? this.#fly(charge) : null };
  }

  #fly({ keyId, fingerprint }: Charge): Flight {
    return this.flights.start(keyId, fingerprint);
  }

  #settleNow(settling: Settling, batch: WriteBatch, now: number): boolean {
    const { states } = this.#options;
    const { charge, called } = settling;
    const state = states.at(charge.keyId);
    // Where other processes write, a key that is not there was removed with its charges.
    if (!state) return !states.again;
    const { row: key, totals } = state;
    totals.advance(now);
    const present = totals.open(charge.rowId);
    const asked = present !== undefined && notesOf(present.body).asked === true;
    const proof = (asked && settling.ifAsked?.()) || settling.proof;
    let cost = 0;
    if (present) {
      const next = settledRow(present, proof, totals, now, called);
      cost = recorded(next) - recorded(present);
      this.#change(state, next, batch);
    } else if (called) {
      const closed = totals.row(charge);
      const next = closed && answeredRow(closed, proof);
      if (next) this.#change(state, next, batch);
    }
    // Somebody else found out first: that is in the audit already.
    if (!present && !called) return true;
    const entry = settling.audit(cost, usageOf(key, totals), now, proof.settlement);
    if (entry) batch.audit.push(entry);
    return true;
  }

  /** A later version of a charge's row, in memory and in the batch. */
  #change({ row, totals }: KeyState, charge: Charge, batch: WriteBatch): void {
    totals.apply(charge);
    this.#write(charge, batch, batch.changedCharges);
    this.#options.states.charged(row.id, batch);
  }

  /** A row appears once in a batch: the later version takes the place of the earlier. */
  #write(charge: Charge, batch: WriteBatch, list: Charge[]): void {
    if (batch !== this.#batch) {
      this.#batch = batch;
      this.#places.clear();
    }
    const place = this.#places.get(charge.rowId);
    if (place) place.list[place.at] = charge;
    else this.#places.set(charge.rowId, { list, at: list.push(charge) - 1 });
  }
}

/** What the audit has recorded of a charge in this state. */
function recorded(charge: Charge): number {
  return charge.state === 'settled' || charge.state === 'uncertain' ? charge.amountMicros : 0;
}

function usageOf(key: VaultKey, totals: KeyTotals): Usage {
  return { capMicros: key.capMicros, spentMicros: totals.spentMicros, reservedMicros: totals.reservedMicros };
}
