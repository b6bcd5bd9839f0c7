// Locks vault keys, and reads of each what has changed since the caller last held it. At most three statements. It does
// wait for other rounds, but always in the order of the keys' ids, so no two of them can wait for each other.
import type { Charge, VaultKey } from '../../model/vault.ts';
import { CHARGE_READ, chargeOf } from '../rows/charge-row.ts';
import type { LoadedVaultKey, LoadedVaultKeys, WantedVaultKey } from '../shared-port.ts';
import type { Locks } from './locks.ts';
import { numberOf, type Row, stored, textOf } from './text-column.ts';
import type { Transaction } from './transaction.ts';
import { VAULT_KEY_READ, vaultKeyOf } from './vault-row.ts';

const LOCK_KEYS = `select id, revision, ${VAULT_KEY_READ} from vault_key where id = any($1::text[]) order by id for update`;

/** Released ones no longer count; of a key that is held their release is news. */
const READ_CHARGES = `select key_id, ${CHARGE_READ} from unnest($1::text[], $2::bigint[]) as wanted(wanted_id, since_ms)
  cross join lateral (
    select row_id, key_id, ${CHARGE_READ} from charge
    where key_id = wanted_id and reserved_ms >= since_ms and state <> 'released'
  ) as counting order by row_id`;
const READ_NEWS = `select key_id, ${CHARGE_READ} from unnest($1::text[], $2::bigint[]) as wanted(wanted_id, held)
  cross join lateral (
    select row_id, key_id, ${CHARGE_READ} from charge where key_id = wanted_id and revision > held
  ) as news order by row_id`;

interface Loading {
  readonly key: VaultKey;
  readonly revision: number;
  readonly since: number;
  readonly sinceMs: number;
  readonly charges: Charge[];
}

export async function lockVaultKeys(
  transaction: Transaction,
  locks: Locks,
  wanted: readonly WantedVaultKey[],
): Promise<LoadedVaultKeys> {
  if (wanted.length === 0) return { changed: [], gone: [] };
  const rows = await transaction.all(LOCK_KEYS, [wanted.map(({ id }) => stored(id))], 'lock_vault_keys');
  const found = new Map(rows.map((row) => [textOf(row, 'id'), row]));
  const changed: Loading[] = [];
  const gone: string[] = [];
  for (const want of wanted) {
    const row = found.get(want.id);
    locks.key(want.id, row ? numberOf(row, 'revision') : 0);
    if (!row) gone.push(want.id);
    else if (numberOf(row, 'revision') !== want.revision) changed.push(loadingOf(row, want));
  }
  await readCharges(transaction, changed);
  return { changed: changed.map(({ sinceMs: _, ...loaded }): LoadedVaultKey => loaded), gone };
}

function loadingOf(row: Row, { revision: held, sinceMs }: WantedVaultKey): Loading {
  const key = vaultKeyOf(row);
  const revision = numberOf(row, 'revision');
  // Memory ahead of the database: it was set back, and nothing that memory holds is known to be true.
  const since = held < revision ? held : 0;
  return { key, revision, since, sinceMs: key.capWindow === 'lifetime' ? 0 : sinceMs, charges: [] };
}

async function readCharges(transaction: Transaction, changed: readonly Loading[]): Promise<void> {
  const whole = changed.filter(({ since }) => since === 0);
  const held = changed.filter(({ since }) => since > 0);
  const ids = (list: readonly Loading[]) => list.map(({ key }) => stored(key.id));
  const answers = await Promise.all([
    whole.length > 0
      ? transaction.all(READ_CHARGES, [ids(whole), whole.map(({ sinceMs }) => sinceMs)], 'read_charges')
      : [],
    held.length > 0 ? transaction.all(READ_NEWS, [ids(held), held.map(({ since }) => since)], 'read_charge_news') : [],
  ]);
  const byId = new Map(changed.map((loading) => [loading.key.id, loading]));
  for (const row of answers.flat()) byId.get(textOf(row, 'key_id'))?.charges.push(chargeOf(row));
}
