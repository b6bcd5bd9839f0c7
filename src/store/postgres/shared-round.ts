// What a round asks of the database because other processes write to it too: stamps, ready tasks, limits, vault keys.
import type { SharedRound, Stamps, TaskLimit } from '../shared-port.ts';
import type { Profile } from './capabilities.ts';
import { lockFree } from './load-runs.ts';
import { lockVaultKeys } from './lock-vault-keys.ts';
import type { Locks } from './locks.ts';
import type { Row } from './querier.ts';
import { LOCK_STAMPS, stampsOf } from './stamps.ts';
import { indexable, numberOf, textOf } from './text-column.ts';
import type { Transaction } from './transaction.ts';

const READY = `(
    select place, ready.* from unnest($1::text[], $2::bigint[]) with ordinality as wanted(wanted_key, wanted_count, place)
    cross join lateral (
      select row_id, run_row_id, def_name, priority, ready_ms from task
      where queue_key = wanted_key and queue_key is not null and ready_ms <= $3
      order by priority desc, ready_ms, row_id limit wanted_count
    ) as ready
  ) as ready`;
const IN_ORDER = 'order by place, ready.priority desc, ready_ms, row_id';
const READY_TASKS = `select place, row_id, run_row_id, def_name from ${READY} ${IN_ORDER}`;
/** Locks those of their runs that are free as well: whoever hands a task out loads its run next. */
const READY_AND_LOCKED = `select place, row_id, run_row_id, def_name, locked.revision, locked.priority
  from ${READY} left join lateral (
    select revision, priority from run where run.row_id = run_row_id for update skip locked
  ) as locked on true ${IN_ORDER}`;

const MAKE_LIMITS = `insert into task_limit (def_name, handed_out_ms)
  select def_name, '{}' from unnest($1::text[]) as wanted(def_name) on conflict do nothing`;
const LOCK_LIMITS = `select def_name, handed_out_ms from task_limit where def_name = any($1::text[])
  order by def_name for update`;
const COUNT_IN_PROGRESS = `select wanted_name, (
    select count(*) from task where def_name = wanted_name and status = 'IN_PROGRESS'
  ) as in_progress from unnest($1::text[]) as wanted(wanted_name)`;

export function sharedRound(transaction: Transaction, profile: Profile, locks: Locks): SharedRound {
  let locking: Promise<Stamps> | undefined;
  return {
    stamps: () => transaction.stamps(),

    lockStamps: () => {
      locking ??= transaction.all(LOCK_STAMPS, [], 'lock_stamps').then(([row = {}]) => stampsOf(row));
      return locking;
    },

    readyTasks: async (wanted, now) => {
      if (wanted.length === 0) return [];
      const values = [wanted.map(({ key }) => indexable(key)), wanted.map(({ count }) => count), now];
      const [sql, name] = profile.locksInJoin.value
        ? [READY_AND_LOCKED, 'ready_and_locked']
        : [READY_TASKS, 'ready_tasks'];
      const rows = await transaction.all(sql, values, name);
      for (const row of rows) {
        if (typeof row.revision !== 'number') continue;
        locks.run(numberOf(row, 'run_row_id'), { revision: row.revision, priority: numberOf(row, 'priority') });
      }
      return rows.map((row) => ({
        key: wanted[numberOf(row, 'place') - 1]?.key ?? '',
        taskRowId: numberOf(row, 'row_id'),
        runRowId: numberOf(row, 'run_row_id'),
        defName: textOf(row, 'def_name'),
      }));
    },

    lockLimits: (defNames) => lockLimits(transaction, profile, defNames),
    lockVaultKeys: (wanted) => lockVaultKeys(transaction, locks, wanted),
  };
}

/** Counts after the lock, in a statement of its own: one that waited for nothing sees what the last holder committed. */
async function lockLimits(
  transaction: Transaction,
  profile: Profile,
  defNames: readonly string[],
): Promise<TaskLimit[]> {
  if (defNames.length === 0) return [];
  const byColumn = new Map(defNames.map((defName) => [indexable(defName), defName]));
  const columns = [...byColumn.keys()].sort();
  await transaction.all(MAKE_LIMITS, [columns], 'make_limits');
  const locked = (await lockFree(transaction, profile, LOCK_LIMITS, [columns], 'lock_limits')) ?? [];
  if (locked.length === 0) return [];
  const counts = await transaction.all(COUNT_IN_PROGRESS, [locked.map((row) => row.def_name)], 'count_in_progress');
  const inProgress = new Map(counts.map((row) => [row.wanted_name, numberOf(row, 'in_progress')]));
  return locked.map((row) => ({
    defName: byColumn.get(String(row.def_name)) ?? textOf(row, 'def_name'),
    inProgress: inProgress.get(row.def_name) ?? 0,
    handedOutMs: instantsOf(row),
  }));
}

function instantsOf({ handed_out_ms: instants }: Row): number[] {
  if (!Array.isArray(instants)) throw new TypeError('Column handed_out_ms holds no list.');
  return instants.map(Number);
}
