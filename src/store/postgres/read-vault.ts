// Reads of the vault's rows: secrets, keys, charges, audit and what follows from it.
// Keys of two processes say nothing about which came first: time orders, keys break ties.
import type { AuditEntry, VendorSecret } from '../../model/vault.ts';
import type { AuditFilter, Reads, SpendRow, VaultKeyFilter } from '../reads.ts';
import { CHARGE_READ, chargeOf } from '../rows/charge-row.ts';
import type { Querier, Row } from './querier.ts';
import { documentOf, numberOf, stored, textOf, textOrNull } from './text-column.ts';
import { VAULT_KEY_READ, vaultKeyOf } from './vault-row.ts';

type VaultReads = Pick<
  Reads,
  'vendorSecrets' | 'vaultKey' | 'vaultKeys' | 'chargesOf' | 'countedFor' | 'openCharges' | 'audit' | 'spend'
>;

const SELECT_KEY = `select ${VAULT_KEY_READ} from vault_key`;

/** The statements whose text is always the same. */
export const VAULT_READS = {
  vaultKey: `${SELECT_KEY} where id = $1`,

  chargesOf: `select ${CHARGE_READ} from charge
    where key_id = $1 and reserved_ms >= $2 and state <> 'released' order by reserved_ms, row_id`,

  countedFor: `select sum(amount_micros)::bigint as micros from charge
    where key_id = $1 and left(vendor_object_id, 100) = left($2, 100) and vendor_object_id = $2 and state = 'settled'
    group by key_id`,

  openCharges: `select ${CHARGE_READ} from charge where state in ('reserved', 'uncertain') order by reserved_ms, row_id`,

  // A vendor object is counted once for each task and vendor, where it first appears.
  spend: `with object as (
      select ref, vendor, currency, vendor_object_id, min(id) as first_id, count(*) as calls,
        count(*) filter (where verdict = 'allowed') as allowed,
        count(*) filter (where verdict like 'denied\\_%' escape '\\') as refused,
        sum(cost_micros) as cost_micros
      from audit where run_id = $1 group by ref, vendor, currency, vendor_object_id
    )
    select ref, vendor, currency, sum(calls)::bigint as calls, sum(allowed)::bigint as allowed,
      sum(refused)::bigint as refused, sum(cost_micros)::bigint as cost_micros,
      array_agg(vendor_object_id order by first_id) filter (where vendor_object_id is not null) as object_ids
    from object group by ref, vendor, currency order by min(first_id)`,
} as const;

export function vaultReads(querier: Querier): VaultReads {
  return {
    vendorSecrets: async () => {
      const rows = await querier.all('select document from vendor_secret order by id collate "C"', []);
      return rows.map((row) => documentOf<VendorSecret>(row));
    },

    vaultKey: async (id) => {
      const [row] = await querier.all(VAULT_READS.vaultKey, [stored(id)], 'read_vault_key');
      return row ? vaultKeyOf(row) : null;
    },

    vaultKeys: async (filter) => {
      const { sql, values } = selectVaultKeys(filter);
      return (await querier.all(sql, values)).map(vaultKeyOf);
    },

    ...chargeReads(querier),

    audit: async (filter) => {
      const { sql, values } = selectAudit(filter);
      const rows = await querier.all(sql, values);
      return rows.map((row) => ({ ...documentOf<AuditEntry>(row), id: numberOf(row, 'id') }));
    },

    spend: async (runId) => (await querier.all(VAULT_READS.spend, [stored(runId)])).map(spendOf),
  };
}

function chargeReads(querier: Querier): Pick<Reads, 'chargesOf' | 'countedFor' | 'openCharges'> {
  return {
    chargesOf: async (keyId, sinceMs) => {
      const rows = await querier.all(VAULT_READS.chargesOf, [stored(keyId), sinceMs], 'read_charges_of');
      return rows.map(chargeOf);
    },

    countedFor: async (keyId, objectId) => {
      const values = [stored(keyId), stored(objectId)];
      const [row] = await querier.all(VAULT_READS.countedFor, values, 'read_counted_for');
      return row ? numberOf(row, 'micros') : null;
    },

    openCharges: async () => {
      const rows = await querier.all(VAULT_READS.openCharges, []);
      return rows.map(chargeOf);
    },
  };
}

function spendOf(row: Row): SpendRow {
  const objectIds: readonly unknown[] = Array.isArray(row.object_ids) ? row.object_ids : [];
  return {
    ref: textOrNull(row, 'ref') ?? '',
    vendor: textOf(row, 'vendor'),
    currency: textOrNull(row, 'currency') ?? '',
    calls: numberOf(row, 'calls'),
    allowed: numberOf(row, 'allowed'),
    refused: numberOf(row, 'refused'),
    costMicros: numberOf(row, 'cost_micros'),
    vendorObjectIds: objectIds.map((id) => textOf({ id }, 'id')),
  };
}

interface Selection {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** Newest first. */
export function selectVaultKeys({ runLabel, vendor, liveAtMs, limit }: VaultKeyFilter): Selection {
  const terms = { 'run_label = ?': runLabel, 'vendor = ?': vendor, 'revoked_ms = 0 and expires_ms > ?': liveAtMs };
  return selection(SELECT_KEY, terms, 'created_ms desc, id collate "C" desc', limit);
}

/** Ascending by id. */
export function selectAudit({ runId, keyId, verdict, afterId, limit }: AuditFilter): Selection {
  // Refusals are rare and have an index of their own, which is taken only when the query repeats its condition.
  const verdictIs = verdict === 'allowed' ? 'verdict = ?' : "verdict <> 'allowed' and verdict = ?";
  const terms = { 'run_id = ?': runId, 'key_id = ?': keyId, [verdictIs]: verdict, 'id > ?': afterId };
  return selection('select id, document from audit', terms, 'id', limit);
}

/** Each term whose value is given holds; its `?` becomes the value's number. */
function selection(
  select: string,
  terms: Readonly<Record<string, string | number | undefined>>,
  order: string,
  limit: number,
): Selection {
  const values: unknown[] = [];
  const conditions: string[] = [];
  for (const [term, value] of Object.entries(terms)) {
    if (value === undefined) continue;
    values.push(typeof value === 'string' ? stored(value) : value);
    conditions.push(term.replace('?', `$${values.length}`));
  }
  const where = conditions.length > 0 ? ` where ${conditions.join(' and ')}` : '';
  values.push(limit);
  return { sql: `${select}${where} order by ${order} limit $${values.length}`, values };
}
