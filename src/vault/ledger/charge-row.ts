// A charge's row, made of what stays and what changes in its life. Spelled out: two are made for every call and kept for
// a day, and a row that is spread from another costs twenty times as much to make.
import type { Charge } from '../../model/vault.ts';

/** What a charge is from before it is reserved to its end. */
export type ChargeIdentity = Omit<
  Charge,
  'rowId' | 'state' | 'amountMicros' | 'reservedMs' | 'settledMs' | 'body' | 'vendorObjectId'
>;

export type ChargeProgress = Omit<Charge, keyof ChargeIdentity>;

export function chargeRow(identity: ChargeIdentity, progress: ChargeProgress): Charge {
  return {
    rowId: progress.rowId,
    keyId: identity.keyId,
    state: progress.state,
    amountMicros: progress.amountMicros,
    reservedMs: progress.reservedMs,
    settledMs: progress.settledMs,
    fingerprint: identity.fingerprint,
    bodyDigest: identity.bodyDigest,
    idempotencyKey: identity.idempotencyKey,
    runId: identity.runId,
    ref: identity.ref,
    attempt: identity.attempt,
    requestId: identity.requestId,
    method: identity.method,
    path: identity.path,
    body: progress.body,
    vendorObjectId: progress.vendorObjectId,
  };
}
