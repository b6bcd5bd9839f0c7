// A charge as a row, for every database: what never changes is a document, what a settlement changes has columns, so that
// to settle writes no text that is there already.
import type { Charge, ChargeState } from '../../model/vault.ts';
import { documentOf, numberOf, type Row, textOf, textOrNull } from './text-column.ts';

/** What `chargeOf` reads. */
export const CHARGE_READ = 'document, state, amount_micros, settled_ms, attempt, body, vendor_object_id';

type Changing = 'state' | 'amountMicros' | 'settledMs' | 'attempt' | 'body' | 'vendorObjectId';

/** Spelled out: a copy without some of its parts costs more than the text that is made of it. */
export function fixedChargeText(charge: Charge): string {
  const { rowId, keyId, reservedMs, fingerprint, bodyDigest, idempotencyKey, runId, ref, requestId, method, path } =
    charge;
  const fixed: Omit<Charge, Changing> = {
    rowId,
    keyId,
    reservedMs,
    fingerprint,
    bodyDigest,
    idempotencyKey,
    runId,
    ref,
    requestId,
    method,
    path,
  };
  return JSON.stringify(fixed);
}

/** A row from before these columns, and not changed since, is whole in its document. */
export function chargeOf(row: Row): Charge {
  const charge: Charge = documentOf(row);
  if (row.amount_micros === null) return charge;
  return {
    ...charge,
    state: textOf(row, 'state') as ChargeState,
    amountMicros: numberOf(row, 'amount_micros'),
    settledMs: numberOf(row, 'settled_ms'),
    attempt: numberOf(row, 'attempt'),
    body: textOf(row, 'body'),
    vendorObjectId: textOrNull(row, 'vendor_object_id'),
  };
}
