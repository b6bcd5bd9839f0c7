// Loads runs under lock, and of each only what has changed since the caller last held it. At most three statements,
// however many runs and tasks there are, and no wait for any other round.
import type { Task } from '../../model/run.ts';
import { type LoadedRun, type LoadedRuns, RoundConflict, type WantedRun } from '../port.ts';
import type { Profile } from './capabilities.ts';
import { sqlStateOf } from './failure.ts';
import type { Locks } from './locks.ts';
import type { Row } from './querier.ts';
import { RUN_READ, runOf } from './run-row.ts';
import { TASK_READ, taskOf } from './task-row.ts';
import { numberOf } from './text-column.ts';
import type { Transaction } from './transaction.ts';

const WANTED = 'unnest($1::bigint[], $2::bigint[]) as wanted(wanted_row_id, held)';
const LOCK_RUNS =
  'select row_id, revision, priority from run where row_id = any($1::bigint[]) order by row_id for update';

const READ_RUNS = `select ${RUN_READ} from run where row_id = any($1::bigint[]) order by row_id`;
const READ_TASKS = `select ${TASK_READ} from ${WANTED}
  cross join lateral (select * from task where run_row_id = wanted_row_id and revision > held) as changed
  order by run_row_id, seq, row_id`;

const EXISTING = 'select row_id from run where row_id = any($1::bigint[])';

/** LOCK_NOT_AVAILABLE */
const TAKEN = '55P03';

export async function loadRuns(
  transaction: Transaction,
  profile: Profile,
  locks: Locks,
  wanted: readonly WantedRun[],
): Promise<LoadedRuns> {
  if (wanted.length === 0) return { changed: [], busy: [], gone: [] };
  // Those that a round has found ready tasks of are locked already.
  const unlocked = wanted.filter(({ rowId }) => !locks.holdsRun(rowId)).map(({ rowId }) => rowId);
  const rows = unlocked.length > 0 ? await lockFree(transaction, profile, LOCK_RUNS, [unlocked], 'lock_runs') : [];
  for (const row of rows ?? []) {
    locks.run(numberOf(row, 'row_id'), { revision: numberOf(row, 'revision'), priority: numberOf(row, 'priority') });
  }
  const missing = unlocked.filter((rowId) => !locks.holdsRun(rowId));
  const locked = wanted.filter(({ rowId }) => locks.holdsRun(rowId));
  const [changed, existing] = await Promise.all([
    readChanged(transaction, locks, locked),
    readExisting(transaction, missing),
  ]);
  return {
    changed,
    busy: missing.filter((rowId) => existing.has(rowId)),
    gone: missing.filter((rowId) => !existing.has(rowId)),
  };
}

/**
 * The rows that no other round holds, locked. Null where the database cannot pass over the others and one of them is
 * held: then none is locked, and the transaction goes on.
 */
export async function lockFree(
  transaction: Transaction,
  profile: Profile,
  lock: string,
  values: readonly unknown[],
  name: string,
): Promise<readonly Row[] | null> {
  if (profile.skipLocked.value) return transaction.all(`${lock} skip locked`, values, name);
  return transaction.alone(async (session) => {
    await session.script('savepoint locking');
    try {
      return await session.all(`${lock} nowait`, values, name);
    } catch (error) {
      if (!(error instanceof RoundConflict) || sqlStateOf(error.cause) !== TAKEN) throw error;
      await session.script('rollback to savepoint locking');
      return null;
    }
  });
}

/** What is locked does not change from one statement to the next. */
async function readChanged(transaction: Transaction, locks: Locks, wanted: readonly WantedRun[]): Promise<LoadedRun[]> {
  const changed = new Map<number, ReturnType<typeof changeOf>>();
  for (const { rowId, revision: held } of wanted) {
    const { revision } = locks.lockedRun(rowId);
    if (revision !== held) changed.set(rowId, changeOf(revision, held));
  }
  if (changed.size === 0) return [];
  const rowIds = [...changed.keys()];
  const [runs, tasks] = await transaction.trip([
    { name: 'read_runs', sql: READ_RUNS, values: [rowIds] },
    { name: 'read_tasks', sql: READ_TASKS, values: [rowIds, [...changed.values()].map(({ since }) => since)] },
  ]);
  for (const row of tasks?.rows ?? []) changed.get(numberOf(row, 'run_row_id'))?.tasks.push(taskOf(row));
  return (runs?.rows ?? []).flatMap((row) => {
    const change = changed.get(numberOf(row, 'row_id'));
    return change ? [{ run: runOf(row), ...change }] : [];
  });
}

function changeOf(revision: number, held: number) {
  const tasks: Task[] = [];
  // Memory ahead of the database: it was set back, and nothing that memory holds is known to be true.
  return { revision, since: held < revision ? held : 0, tasks };
}

async function readExisting(transaction: Transaction, rowIds: readonly number[]): Promise<ReadonlySet<number>> {
  if (rowIds.length === 0) return new Set();
  const rows = await transaction.all(EXISTING, [rowIds], 'existing_runs');
  return new Set(rows.map((row) => numberOf(row, 'row_id')));
}
