// Starts with an idempotency key: one at a time for each slot that the key's hash falls into, so that of two processes
// that start the same thing one sees what the other has done.
import type { StartedRun, StartKey } from '../port.ts';
import { runStatusOf } from './run-row.ts';
import { stored, textOf } from './text-column.ts';
import type { Transaction } from './transaction.ts';

/** As many as the table `start_lock` holds. Two keys in one slot merely wait for each other. */
const SLOTS = 1024;

const LOCK_SLOTS = 'select slot from start_lock where slot = any($1::bigint[]) order by slot for update';
const NEWEST = `select id, status from unnest($1::text[], $2::text[]) with ordinality as wanted(wanted_name, wanted_key, place)
  left join lateral (
    select id, status from run where left(idempotency_key, 200) = left(wanted_key, 200)
    and idempotency_key = wanted_key and name = wanted_name order by created_ms desc, row_id desc limit 1
  ) as newest on true order by place`;

export async function startedWith(transaction: Transaction, keys: readonly StartKey[]): Promise<(StartedRun | null)[]> {
  if (keys.length === 0) return [];
  const slots = [...new Set(keys.map(slotOf))].sort((a, b) => a - b);
  const wanted = [keys.map(({ name }) => stored(name)), keys.map(({ key }) => stored(key))];
  // The second sees what was committed while the first waited: each statement has its own view.
  const [, rows] = await Promise.all([
    transaction.all(LOCK_SLOTS, [slots], 'lock_slots'),
    transaction.all(NEWEST, wanted, 'newest_started'),
  ]);
  return rows.map((row) => (row.id === null ? null : { id: textOf(row, 'id'), status: runStatusOf(row) }));
}

/** FNV-1a: every process must come to the same slot. */
function slotOf({ name, key }: StartKey): number {
  let hash = 0x811c9dc5;
  for (const char of `${name}\0${key}`) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash % SLOTS;
}
