// Reads of the vault's rows: secrets, keys, charges, audit and what follows from it.
import type { AuditEntry, VaultKey, VendorSecret } from '../../model/vault.ts';
import type { AuditFilter, Reads, SpendRow } from '../reads.ts';
import { CHARGE_READ, chargeOf } from '../rows/charge-row.ts';
import { documentOf, numberOf, stored, textOf, textOrNull } from '../rows/text-column.ts';
import type { Row, SqlValue } from './driver.ts';
import type { Querier } from './readers.ts';

type VaultReads = Pick<
  Reads,
  'vendorSecrets' | 'vaultKey' | 'vaultKeys' | 'chargesOf' | 'countedFor' | 'openCharges' | 'audit' | 'spend'
>;

export function vaultReads(querier: Querier): VaultReads {
  return {
    vendorSecrets: async () => {
      const rows = await querier.all('select document from vendor_secret order by id');
      return rows.map((row) => documentOf<VendorSecret>(row));
    },

    vaultKey: async (id) => {
      const [row] = await querier.all('select document from vault_key where id = ?', stored(id));
      return row ? documentOf<VaultKey>(row) : null;
    },

    /** Newest first. */
    vaultKeys: async ({ runLabel, vendor, liveAtMs, limit }) => {
      const { where, values } = conditions({ run_label: runLabel, vendor });
      const live = liveAtMs === undefined ? [] : [liveAtMs];
      const isLive = live.length === 0 ? '' : `${where === '' ? ' where' : ' and'} revoked_ms = 0 and expires_ms > ?`;
      const sql = `select document from vault_key${where}${isLive} order by created_ms desc, id desc limit ?`;
      const rows = await querier.all(sql, ...values, ...live, limit);
      return rows.map((row) => documentOf<VaultKey>(row));
    },

    ...chargeReads(querier),

    /** Ascending by id. */
    audit: async (filter) => {
      const { where, values } = auditConditions(filter);
      const rows = await querier.all(
        `select id, document from audit${where} order by id limit ?`,
        ...values,
        filter.limit,
      );
      return rows.map((row) => ({ ...documentOf<AuditEntry>(row), id: numberOf(row, 'id') }));
    },

    spend: (runId) => spend(querier, runId),
  };
}

function chargeReads(querier: Querier): Pick<Reads, 'chargesOf' | 'countedFor' | 'openCharges'> {
  return {
    chargesOf: async (keyId, sinceMs) => {
      const rows = await querier.all(
        `select ${CHARGE_READ} from charge where key_id = ? and reserved_ms >= ? and state <> 'released' order by row_id`,
        stored(keyId),
        sinceMs,
      );
      return rows.map(chargeOf);
    },

    countedFor: async (keyId, objectId) => {
      const [row] = await querier.all(
        `select sum(amount_micros) as micros from charge indexed by charge_object
         where key_id = ? and vendor_object_id = ? and state = 'settled' group by key_id`,
        stored(keyId),
        stored(objectId),
      );
      return row ? numberOf(row, 'micros') : null;
    },

    openCharges: async () => {
      const rows = await querier.all(
        `select ${CHARGE_READ} from charge indexed by charge_open where state in ('reserved', 'uncertain') order by row_id`,
      );
      return rows.map(chargeOf);
    },
  };
}

async function spend(querier: Querier, runId: string): Promise<SpendRow[]> {
  const values = [stored(runId)];
  const [totals = [], objects = []] = await querier.query(
    {
      sql: `select ref, vendor, currency, count(*) as calls, sum(verdict = 'allowed') as allowed,
            sum(verdict like 'denied\\_%' escape '\\') as refused, sum(cost_micros) as cost_micros
            from audit where run_id = ? group by ref, vendor, currency order by min(id)`,
      values,
    },
    {
      sql: `select ref, vendor, currency, vendor_object_id from audit
            where run_id = ? and vendor_object_id is not null
            group by ref, vendor, currency, vendor_object_id order by min(id)`,
      values,
    },
  );
  const idsByGroup = new Map<string, string[]>();
  for (const row of objects) {
    const ids = idsByGroup.get(groupOf(row)) ?? [];
    ids.push(textOf(row, 'vendor_object_id'));
    idsByGroup.set(groupOf(row), ids);
  }
  return totals.map((row) => ({
    ref: textOrNull(row, 'ref') ?? '',
    vendor: textOf(row, 'vendor'),
    currency: textOrNull(row, 'currency') ?? '',
    calls: numberOf(row, 'calls'),
    allowed: numberOf(row, 'allowed'),
    refused: numberOf(row, 'refused'),
    costMicros: numberOf(row, 'cost_micros'),
    vendorObjectIds: idsByGroup.get(groupOf(row)) ?? [],
  }));
}

function groupOf(row: Row): string {
  return JSON.stringify([row.ref, row.vendor, row.currency]);
}

function auditConditions({ runId, keyId, verdict, afterId }: AuditFilter): Conditions {
  const { where, values } = conditions({ run_id: runId, key_id: keyId, verdict });
  // Refusals are rare and have an index of their own, which SQLite takes only when the query repeats its condition.
  const refused = verdict !== undefined && verdict !== 'allowed' ? ` and verdict <> 'allowed'` : '';
  if (afterId === undefined) return { where: where + refused, values };
  return { where: `${where === '' ? ' where' : `${where}${refused} and`} id > ?`, values: [...values, afterId] };
}

interface Conditions {
  readonly where: string;
  readonly values: readonly SqlValue[];
}

/** Equality with each value that is given. */
function conditions(columns: Readonly<Record<string, string | undefined>>): Conditions {
  const terms: string[] = [];
  const values: string[] = [];
  for (const [name, value] of Object.entries(columns)) {
    if (value === undefined) continue;
    terms.push(`${name} = ?`);
    values.push(stored(value));
  }
  return { where: terms.length > 0 ? ` where ${terms.join(' and ')}` : '', values };
}
