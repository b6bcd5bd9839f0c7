// What is asked of the ledger before a call, and what it answers. Shapes only.
import type { AuditEntry, Charge } from '../../model/vault.ts';
import type { ChargeIdentity } from './charge-row.ts';
import type { Flight } from './flights.ts';
import type { Basis } from './settlement.ts';
import type { DerivedCall } from './task-ordinal.ts';

export interface Usage {
  readonly capMicros: number;
  readonly spentMicros: number;
  readonly reservedMicros: number;
}

export interface ReservePrice {
  readonly micros: number;
  readonly basis: Basis;
  /** Ids of the object that the call is about, for the bases that look at what was counted for it. */
  readonly objectIds: readonly string[];
  /** What the rows say was counted for them: see `costBy`. */
  readonly recordedMicros?: number;
  /** It costs nothing and is reserved for its place among the calls of its task alone. */
  readonly free?: true;
}

/** A charge before it is reserved. */
export type ChargeDraft = ChargeIdentity & Pick<Charge, 'body'>;

export type ReserveRefusal =
  | { readonly code: 'key_unknown' | 'key_revoked' | 'key_expired' | 'idempotency_error' | 'rate_limited' }
  | { readonly code: 'cap_exhausted'; readonly attemptedMicros: number };

export interface ReserveRequest {
  /** Null when the call is expected to repeat an earlier one: should it not, the answer is `unpriced`. */
  readonly price: ReservePrice | null;
  readonly draft: ChargeDraft;
  /** Set: which idempotency key the call gets is decided with the reservation. */
  readonly derived?: DerivedCall | null;
  /** The audit row of a refusal: written in the transaction that refuses. */
  refused(refusal: ReserveRefusal, usage: Usage | null, now: number): AuditEntry;
}

export type Reservation =
  | { readonly kind: 'reserved'; readonly charge: Charge; readonly usage: Usage; readonly flight: Flight }
  /** The same request was made before: nothing is reserved, the vendor repeats its answer. */
  | { readonly kind: 'replay'; readonly charge: Charge; readonly usage: Usage; readonly flight: Flight | null }
  /** Already counted: nothing to reserve. */
  | { readonly kind: 'counted'; readonly usage: Usage }
  | { readonly kind: 'unpriced' }
  | { readonly kind: 'refused'; readonly refusal: ReserveRefusal; readonly usage: Usage | null };
