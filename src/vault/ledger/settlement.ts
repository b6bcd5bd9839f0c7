// What becomes of a charge when the vendor has answered, or has not. Owns the rows' transitions and the three ways an
// amount counts; must never round, and never release what may have been charged.
import type { Charge } from '../../model/vault.ts';
import type { KeyTotals } from './key-totals.ts';

/**
 * whole: every call costs its amount. total: the amount is the object's new total, and only what was not counted for it
 * yet costs. once: costs its amount only when the object was never counted.
 */
export type Basis = 'whole' | 'total' | 'once';

export type Settlement =
  | { readonly kind: 'charged'; readonly micros: number; readonly basis: Basis; readonly objectId: string | null }
  /** Accepted, but the answer does not say how much: the reserved amount stands. */
  | { readonly kind: 'charged-as-reserved'; readonly objectId: string | null }
  | { readonly kind: 'released' }
  | { readonly kind: 'uncertain' };

export function costBy(basis: Basis, micros: number, objectIds: readonly string[], totals: KeyTotals): number {
  if (basis === 'whole') return micros;
  const counted = objectIds.map((id) => totals.countedFor(id)).find((sum) => sum !== undefined);
  if (counted === undefined) return micros;
  return basis === 'once' ? 0 : Math.max(0, micros - counted);
}

export function settledRow(present: Charge, settlement: Settlement, totals: KeyTotals, now: number): Charge {
  switch (settlement.kind) {
    case 'uncertain':
      return { ...present, state: 'uncertain' };
    case 'released':
      return { ...present, state: 'released', amountMicros: 0, settledMs: now, body: '' };
    case 'charged-as-reserved':
      return { ...present, state: 'settled', settledMs: now, body: '', vendorObjectId: settlement.objectId };
    case 'charged': {
      const ids = settlement.objectId === null ? [] : [settlement.objectId];
      const amountMicros = costBy(settlement.basis, settlement.micros, ids, totals);
      return {
        ...present,
        state: 'settled',
        amountMicros,
        settledMs: now,
        body: '',
        vendorObjectId: settlement.objectId,
      };
    }
  }
}
