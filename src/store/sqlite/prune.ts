// Retention: removes what has passed its age, in transactions small enough that the commits between them hardly wait.
// Must never remove an open run, an open charge, a live key, or a charge that a cap may still count. What is found is
// looked at again by the statement that deletes it: another commit may have come between.
import type { PruneAges } from '../port.ts';
import { numberOf, stored, textOf } from '../rows/text-column.ts';
import type { Row, SqlValue } from './driver.ts';
import { OPEN_RUN_STATUSES } from './run-row.ts';
import type { DatabaseThread } from './thread.ts';

/** Tasks that one transaction deletes at most; a run that has more goes alone. */
const TASKS_MAX = 2_000;
/** No cap looks further back than a day, nor does the credit for a repeated request. A lifetime cap ends with its key. */
const WINDOW_MS = 86_400_000;

const ENDED = `status not in (${OPEN_RUN_STATUSES}) and json_extract(state, '$.endedMs') < ?2`;
const AUDIT_OLD = `json_extract(document, '$.atMs') < ?2`;
const CLOSED = `state in ('settled', 'released')`;
const AMONG = 'in (select value from json_each(?1))';

/** Resolves with how many runs, firings of schedules, audit entries and charges went; less than `limit`: nothing is left. */
export async function prune(thread: DatabaseThread, ages: PruneAges, limit: number): Promise<number> {
  const { runsEndedBeforeMs, auditBeforeMs } = ages;
  let gone = 0;
  if (runsEndedBeforeMs > 0) gone += await until(limit, (left) => pruneRuns(thread, runsEndedBeforeMs, left));
  if (runsEndedBeforeMs > 0 && gone < limit) gone += await pruneFirings(thread, runsEndedBeforeMs, limit - gone);
  if (auditBeforeMs === 0) return gone;
  const steps = [
    (left: number) => pruneAudit(thread, auditBeforeMs, left),
    (left: number) => pruneDeadKeys(thread, auditBeforeMs - WINDOW_MS, left),
    (left: number) => pruneCharges(thread, auditBeforeMs - WINDOW_MS, left),
  ];
  for (const step of steps) if (gone < limit) gone += await step(limit - gone);
  return gone;
}

async function until(limit: number, step: (left: number) => Promise<number>): Promise<number> {
  let gone = 0;
  while (gone < limit) {
    const went = await step(limit - gone);
    if (went === 0) break;
    gone += went;
  }
  return gone;
}

/** The oldest runs with at most `TASKS_MAX` tasks among them, and all that hangs on them. */
async function pruneRuns(thread: DatabaseThread, beforeMs: number, limit: number): Promise<number> {
  const found = await thread.all(
    `select row_id, coalesce(json_extract(state, '$.lastSeq'), 0) as tasks from run indexed by run_ended
     where ${ENDED} order by json_extract(state, '$.endedMs') limit ?1`,
    limit,
    beforeMs,
  );
  const rowIds: number[] = [];
  let tasks = 0;
  for (const row of found) {
    tasks += numberOf(row, 'tasks');
    if (rowIds.length > 0 && tasks > TASKS_MAX) break;
    rowIds.push(numberOf(row, 'row_id'));
  }
  const run = (select: string) => `(select ${select} from run where row_id ${AMONG} and ${ENDED})`;
  const ofTask = (select: string) => `(select ${select} from task where run_row_id in ${run('row_id')})`;
  await remove(
    thread,
    [
      `delete from task_log where task_id in ${ofTask('id')}`,
      `delete from task_input where row_id in ${ofTask('row_id')}`,
      `delete from task where run_row_id in ${run('row_id')}`,
      `delete from history_read where run_id in ${run('id')}`,
      `delete from run_input where row_id in ${run('row_id')}`,
      `delete from run where row_id ${AMONG} and ${ENDED}`,
    ],
    JSON.stringify(rowIds),
    beforeMs,
  );
  return rowIds.length;
}

async function pruneFirings(thread: DatabaseThread, beforeMs: number, limit: number): Promise<number> {
  const rows = await thread.all(
    'select row_id from schedule_execution where executed_ms < ?2 order by executed_ms limit ?1',
    limit,
    beforeMs,
  );
  const rowIds = JSON.stringify(rows.map((row) => numberOf(row, 'row_id')));
  await remove(thread, [`delete from schedule_execution where row_id ${AMONG}`], rowIds);
  return rows.length;
}

/**
 * Entries are numbered as they come, so the oldest are the first, and no index on their time is needed. The newest stays
 * whatever its age: the next one's id follows from it, and ids must never go back.
 */
async function pruneAudit(thread: DatabaseThread, beforeMs: number, limit: number): Promise<number> {
  const rows = await thread.all(
    `select id from (select id, document from audit order by id limit ?1)
     where ${AUDIT_OLD} and id < (select max(id) from audit)`,
    limit,
    beforeMs,
  );
  const ids = rows.map((row) => numberOf(row, 'id'));
  await remove(thread, [`delete from audit where id ${AMONG}`], JSON.stringify(ids));
  return ids.length;
}

// Keys that died before an instant, revoked or expired unrevoked, and of whose charges none is open.
const DEAD = [
  'vault_key_revoked where revoked_ms > 0 and revoked_ms',
  'vault_key_live where revoked_ms = 0 and expires_ms',
];
const NONE_OPEN = `not exists (select 1 from charge where key_id = vault_key.id and state in ('reserved', 'uncertain'))`;

/** The charges of dead keys, and the keys themselves once they have none. Keys count only as a whole batch. */
async function pruneDeadKeys(thread: DatabaseThread, beforeMs: number, limit: number): Promise<number> {
  const dead = DEAD.map((term) => ({
    sql: `select id from vault_key indexed by ${term} < ? and ${NONE_OPEN} limit ?`,
    values: [beforeMs, limit],
  }));
  const ids = (await thread.query(...dead)).flat().map((row) => stored(textOf(row, 'id')));
  const batch = JSON.stringify(ids.slice(0, limit));
  const charges = await thread.all(`select row_id from charge where key_id ${AMONG} limit ?2`, batch, limit);
  await removeCharges(thread, charges);
  if (charges.length === limit) return limit;
  const uncharged = 'not exists (select 1 from charge where key_id = vault_key.id)';
  await remove(thread, [`delete from vault_key where id ${AMONG} and ${uncharged}`], batch);
  return ids.length < limit ? charges.length : limit;
}

/** Of live keys: charges that have left every window. */
async function pruneCharges(thread: DatabaseThread, beforeMs: number, limit: number): Promise<number> {
  const rows = await thread.all(
    `select charge.row_id from vault_key indexed by vault_key_created cross join charge on charge.key_id = vault_key.id
     where revoked_ms = 0 and vault_key.created_ms < ?1
     and json_extract(vault_key.document, '$.capWindow') <> 'lifetime'
     and charge.reserved_ms < ?1 and ${CLOSED} limit ?2`,
    beforeMs,
    limit,
  );
  await removeCharges(thread, rows);
  return rows.length;
}

function removeCharges(thread: DatabaseThread, rows: readonly Row[]): Promise<void> {
  const rowIds = JSON.stringify(rows.map((row) => numberOf(row, 'row_id')));
  return remove(thread, [`delete from charge where row_id ${AMONG} and ${CLOSED}`], rowIds);
}

/** Every statement with the same values, in one transaction. */
async function remove(thread: DatabaseThread, statements: readonly string[], ...values: SqlValue[]): Promise<void> {
  if (values[0] === '[]') return;
  const writes = statements.map((sql) => ({ sql, width: values.length, values }));
  await thread.request({ kind: 'commit', writes, behind: 0 });
}
