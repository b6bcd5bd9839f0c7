// Loads schedules under lock, and waits for no other round. A name that nobody has cannot be locked: who takes one holds
// the stamps, so that two do not take it at once.
import type { ScheduleRecord } from '../../model/workflow-schedule.ts';
import type { LoadedSchedules } from '../port.ts';
import type { Profile } from './capabilities.ts';
import { lockFree } from './load-runs.ts';
import type { Locks } from './locks.ts';
import { documentOf, stored, textOf } from './text-column.ts';
import type { Transaction } from './transaction.ts';

const NAMED = 'from schedule where name = any($1::text[])';
const LOCK = `select document ${NAMED} order by name for update`;
const EXISTING = `select name ${NAMED}`;

export async function loadSchedules(
  transaction: Transaction,
  profile: Profile,
  locks: Locks,
  names: readonly string[],
): Promise<LoadedSchedules> {
  const unlocked = [names.map(stored)];
  const rows = (await lockFree(transaction, profile, LOCK, unlocked, 'lock_schedules')) ?? [];
  const found = rows.map((row) => documentOf<ScheduleRecord>(row));
  const free = new Set(found.map(({ schedule }) => schedule.name));
  const missing = names.filter((name) => !free.has(name));
  for (const name of free) locks.schedule(name);
  if (missing.length === 0) return { found, busy: [] };
  const existing = await transaction.all(EXISTING, [missing.map(stored)], 'existing_schedules');
  const busy = existing.map((row) => textOf(row, 'name'));
  for (const name of missing) if (!busy.includes(name)) locks.schedule(name);
  return { found, busy };
}
