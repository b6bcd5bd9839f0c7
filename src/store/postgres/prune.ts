// Retention: removes what has passed its age, in transactions small enough that the commits between them hardly wait.
// Must never remove an open run, an open charge, a live key, or a charge that a cap may still count. What it removes it
// has locked, and it passes over what a round holds.
import type { PruneAges } from '../port.ts';
import type { Profile } from './capabilities.ts';
import type { Pool, Session } from './pool.ts';
import { numberOf } from './text-column.ts';

/** Tasks that one transaction deletes at most; a run that has more goes alone. */
const TASKS_MAX = 2_000;
/** No cap looks further back than a day, nor does the credit for a repeated request. A lifetime cap ends with its key. */
const WINDOW_MS = 86_400_000;
const POLL_AGE = `(extract(epoch from now() - interval '7 days') * 1000)::bigint`;

const OPEN = `state in ('reserved', 'uncertain')`;
const CLOSED = `state in ('settled', 'released')`;
/** Found in the texts, not read as JSON: `\\u0000` and half a character are JSON to everybody but Postgres. */
const TASKS_OF = `substring(state from '"lastSeq":([0-9]{1,9})')::bigint`;
const IS_LIFETIME = `vault_key.document ~ '"capWindow":"lifetime"'`;
const OLD_RUNS = `select row_id, ${TASKS_OF} as tasks from run
  where ended_ms > 0 and ended_ms < $1 order by ended_ms limit $2 for update`;
const IN_RUNS = 'where row_id = any($1::bigint[])';
const OF_RUNS = 'where run_row_id = any($1::bigint[])';
const REMOVE_RUNS = [
  `delete from task_log where task_id in (select id from task ${OF_RUNS})`,
  `delete from task ${OF_RUNS}`,
  `delete from signal ${OF_RUNS}`,
  `delete from history_read where run_id in (select id from run ${IN_RUNS})`,
  `delete from run ${IN_RUNS}`,
];

const REMOVE_FIRINGS = `delete from schedule_execution where row_id = any(array(
    select row_id from schedule_execution where executed_ms < $1 order by executed_ms limit $2
  )) returning 1 as gone`;
const REMOVE_AUDIT = `delete from audit where id in
  (select id from audit where at_ms < $1 order by at_ms limit $2) returning 1 as gone`;

/** Revoked or expired unrevoked, and of whose charges none is open. */
const deadKeys = (died: string) => `select id from vault_key where ${died} < $1
  and not exists (select 1 from charge where key_id = vault_key.id and ${OPEN}) limit $2 for update`;
const REVOKED = deadKeys('revoked_ms > 0 and revoked_ms');
const EXPIRED = deadKeys('revoked_ms = 0 and expires_ms');
const REMOVE_CHARGES_OF = `delete from charge where row_id in
  (select row_id from charge where key_id = any($1::text[]) limit $2) returning 1 as gone`;
const REMOVE_KEYS = `delete from vault_key where id = any($1::text[])
  and not exists (select 1 from charge where key_id = vault_key.id)`;

/** Of live keys: charges that have left every window. */
const REMOVE_OLD_CHARGES = `delete from charge where row_id in (
    select charge.row_id from vault_key
    cross join lateral (select * from charge where key_id = vault_key.id and reserved_ms < $1 and ${CLOSED}) as charge
    where revoked_ms = 0 and created_ms < $1 and not (${IS_LIFETIME}) limit $2
  ) and ${CLOSED} returning 1 as gone`;

const LEFTOVERS = [
  `delete from signal where row_id in
    (select row_id from signal where not exists (select 1 from run where run.row_id = run_row_id) limit 1000)`,
  `delete from process where alive_at < now() - interval '1 day'`,
  `delete from poll where last_poll_ms < ${POLL_AGE}`,
];

/** Resolves with how many runs, firings of schedules, audit entries and charges went; less than `limit`: nothing is left. */
export async function prune(pool: Pool, profile: Profile, ages: PruneAges, limit: number): Promise<number> {
  const session = await pool.take();
  const { runsEndedBeforeMs, auditBeforeMs } = ages;
  const windowsEndMs = auditBeforeMs - WINDOW_MS;
  const steps = [
    ...(runsEndedBeforeMs > 0
      ? [
          (left: number) => pruneRuns(session, profile, runsEndedBeforeMs, left),
          (left: number) => countGone(session, REMOVE_FIRINGS, runsEndedBeforeMs, left),
        ]
      : []),
    ...(auditBeforeMs > 0
      ? [
          (left: number) => countGone(session, REMOVE_AUDIT, auditBeforeMs, left),
          (left: number) => pruneDeadKeys(session, profile, windowsEndMs, left),
          (left: number) => countGone(session, REMOVE_OLD_CHARGES, windowsEndMs, left),
        ]
      : []),
  ];
  try {
    let gone = 0;
    for (const step of steps) gone += await exhausted(limit - gone, (left) => within(session, () => step(left)));
    if (gone < limit) for (const sql of LEFTOVERS) await session.all(sql);
    return gone;
  } finally {
    session.release();
  }
}

/** Small transactions until there is nothing left, or as much has gone as may. */
async function exhausted(limit: number, step: (left: number) => Promise<number>): Promise<number> {
  let gone = 0;
  while (gone < limit) {
    const went = await step(limit - gone);
    if (went === 0) break;
    gone += went;
  }
  return gone;
}

async function within<T>(session: Session, work: () => Promise<T>): Promise<T> {
  await session.script('begin');
  try {
    const result = await work();
    await session.script('commit');
    return result;
  } catch (error) {
    await session.script('rollback').catch(() => undefined);
    throw error;
  }
}

/** The oldest runs with at most `TASKS_MAX` tasks among them, and all that hangs on them. */
async function pruneRuns(session: Session, profile: Profile, beforeMs: number, limit: number): Promise<number> {
  const rowIds: number[] = [];
  let tasks = 0;
  for (const row of await session.all(`${OLD_RUNS}${orWait(profile)}`, [beforeMs, limit])) {
    tasks += row.tasks === null ? 0 : numberOf(row, 'tasks');
    if (rowIds.length > 0 && tasks > TASKS_MAX) break;
    rowIds.push(numberOf(row, 'row_id'));
  }
  if (rowIds.length > 0) await Promise.all(REMOVE_RUNS.map((sql) => session.all(sql, [rowIds])));
  return rowIds.length;
}

/** The charges of dead keys, and the keys themselves once they have none. Keys count only as a whole batch. */
async function pruneDeadKeys(session: Session, profile: Profile, beforeMs: number, limit: number): Promise<number> {
  const dead = await Promise.all(
    [REVOKED, EXPIRED].map((sql) => session.all(`${sql}${orWait(profile)}`, [beforeMs, limit])),
  );
  const ids = dead
    .flat()
    .slice(0, limit)
    .map((row) => row.id);
  const charges = await countGone(session, REMOVE_CHARGES_OF, ids, limit);
  if (charges === limit) return limit;
  await session.all(REMOVE_KEYS, [ids]);
  return ids.length < limit ? charges : limit;
}

async function countGone(session: Session, sql: string, ...values: readonly unknown[]): Promise<number> {
  return (await session.all(sql, values)).length;
}

function orWait(profile: Profile): string {
  return profile.skipLocked.value ? ' skip locked' : '';
}
