// What becomes of a charge when the vendor has answered, or has not. Owns the rows' transitions and the three ways an
// amount counts; must never round, and never release what may have been charged.
import type { Charge, ChargeState } from '../../model/vault.ts';
import { chargeRow } from './charge-row.ts';
import type { KeyTotals } from './key-totals.ts';
import { type ChargeNotes, notesOf, withNotes } from './open-request.ts';

/**
 * whole: every call costs its amount. total: the amount is the object's new total, and only what was not counted for it
 * yet costs. once: costs its amount only when the object was never counted.
 */
export type Basis = 'whole' | 'total' | 'once';

export type Settlement =
  | {
      readonly kind: 'charged';
      readonly micros: number;
      readonly basis: Basis;
      readonly objectId: string | null;
      readonly recordedMicros?: number;
    }
  /** Accepted, but the answer does not say how much: the reserved amount stands. */
  | { readonly kind: 'charged-as-reserved'; readonly objectId: string | null }
  | { readonly kind: 'released' }
  | { readonly kind: 'uncertain' };

/** What an answer proves. */
export interface Proof {
  readonly settlement: Settlement;
  /** The vendor keeps its answer under the call's idempotency key. */
  readonly stored: boolean;
}

/**
 * `recordedMicros`: what the rows had of the object some time before. What is counted stays so: of this and of what memory
 * knows, which forgets objects after a day, neither is too much.
 */
export function costBy(
  basis: Basis,
  micros: number,
  objectIds: readonly string[],
  totals: KeyTotals,
  recordedMicros: number | undefined,
): number {
  if (basis === 'whole') return micros;
  const known = objectIds.map((id) => totals.countedFor(id)).find((sum) => sum !== undefined);
  if (known === undefined && recordedMicros === undefined) return micros;
  return basis === 'once' ? 0 : Math.max(0, micros - Math.max(known ?? 0, recordedMicros ?? 0));
}

/** `called`: a caller gets the vendor's answer; the vault's own questions have none. */
export function settledRow(
  present: Charge,
  { settlement, stored }: Proof,
  totals: KeyTotals,
  now: number,
  called: boolean,
): Charge {
  const notes = notesOf(present.body);
  if (settlement.kind === 'uncertain') return { ...present, state: 'uncertain', body: notTaken(present.body, notes) };
  // The row of a derived call stays: it tells which ordinals the task has used.
  const derived = notes.automatic !== undefined;
  const body = derived ? withNotes('', closedNotes(notes, settlement.kind === 'released' && !stored, called)) : '';
  const { rowId, reservedMs, amountMicros, vendorObjectId } = present;
  const settled = (state: ChargeState, micros: number, objectId: string | null): Charge =>
    chargeRow(present, {
      rowId,
      state,
      reservedMs,
      body,
      settledMs: now,
      amountMicros: micros,
      vendorObjectId: objectId,
    });
  if (settlement.kind === 'released') return settled(derived ? 'settled' : 'released', 0, vendorObjectId);
  if (notes.free) return settled('settled', 0, vendorObjectId);
  const { objectId } = settlement;
  if (settlement.kind === 'charged-as-reserved') return settled('settled', amountMicros, objectId);
  const { basis, recordedMicros } = settlement;
  const micros = costBy(basis, settlement.micros, objectId === null ? [] : [objectId], totals, recordedMicros);
  return settled('settled', micros, objectId);
}

/** A caller that had taken a closed charge of a derived call has its answer, or not: undefined when nothing changes. */
export function answeredRow(present: Charge, { settlement, stored }: Proof): Charge | undefined {
  const notes = notesOf(present.body);
  if (notes.automatic === undefined) return undefined;
  const had = settlement.kind !== 'uncertain' && stored;
  const kept = { automatic: notes.automatic, ...(had ? {} : { next: notes.next ?? ('repeat' as const) }) };
  return { ...present, body: withNotes('', kept) };
}

function closedNotes({ automatic = [] }: ChargeNotes, renewable: boolean, called: boolean): ChargeNotes {
  if (renewable) return { automatic, next: 'renew' };
  return called ? { automatic } : { automatic, next: 'repeat' };
}

function notTaken(body: string, { takenMs, ...notes }: ChargeNotes): string {
  return takenMs === undefined ? body : withNotes(body, notes);
}
