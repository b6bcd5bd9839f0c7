// Vault keys, charges and audit entries and their rows. `revision` is no part of a noun: the statements add it.
import type { AuditEntry, Charge, VaultKey } from '../../model/vault.ts';
import { fixedChargeText } from '../rows/charge-row.ts';
import { bigints, texts } from './table.ts';
import { documentOf, numberOf, type Row, stored, storedOrNull } from './text-column.ts';

export const VAULT_KEY_COLUMNS = [
  ...texts<VaultKey>({
    id: (key) => stored(key.id),
    vendor: (key) => stored(key.vendor),
    run_id: (key) => storedOrNull(key.runId),
    run_label: (key) => storedOrNull(key.runLabel),
    document: JSON.stringify,
  }),
  ...bigints<VaultKey>({
    created_ms: (key) => key.createdMs,
    expires_ms: (key) => key.expiresMs,
    revoked_ms: (key) => key.revokedMs,
  }),
];

/** What `vaultKeyOf` reads. */
export const VAULT_KEY_READ = 'document, expires_ms, revoked_ms';

/** Another process revokes a key without reading its document: the columns are the truth. */
export function vaultKeyOf(row: Row): VaultKey {
  const key: VaultKey = documentOf(row);
  return { ...key, expiresMs: numberOf(row, 'expires_ms'), revokedMs: numberOf(row, 'revoked_ms') };
}

export const CHARGE_KEY = { name: 'row_id', type: 'bigint' as const, value: (charge: Charge) => charge.rowId };

export const CHARGE_FIXED = [
  CHARGE_KEY,
  ...texts<Charge>({ key_id: (charge) => stored(charge.keyId), document: fixedChargeText }),
  ...bigints<Charge>({ reserved_ms: (charge) => charge.reservedMs }),
];

export const CHARGE_CHANGING = [
  ...texts<Charge>({
    state: (charge) => charge.state,
    body: (charge) => stored(charge.body),
    vendor_object_id: (charge) => storedOrNull(charge.vendorObjectId),
  }),
  ...bigints<Charge>({
    amount_micros: (charge) => charge.amountMicros,
    settled_ms: (charge) => charge.settledMs,
    attempt: (charge) => charge.attempt,
  }),
];

export const AUDIT_COLUMNS = [
  ...texts<AuditEntry>({
    run_id: (entry) => storedOrNull(entry.runId),
    key_id: (entry) => storedOrNull(entry.keyId),
    verdict: (entry) => stored(entry.verdict),
    ref: (entry) => storedOrNull(entry.ref),
    vendor: (entry) => stored(entry.vendor),
    currency: (entry) => storedOrNull(entry.currency),
    vendor_object_id: (entry) => storedOrNull(entry.vendorObjectId),
    document: JSON.stringify,
  }),
  ...bigints<AuditEntry>({ at_ms: (entry) => entry.atMs, cost_micros: (entry) => entry.costMicros }),
];
