// Every statement that the adapter sends while it works is caught on its way and explained on a filled database. None
// may read a large table from end to end: not by a sequential scan, not by running through a whole index.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { createTestDatabase } from '../../../tests/support/postgres-database.ts';
import { Json } from '../../model/json.ts';
import { RUN_STATUSES } from '../../model/run-status.ts';
import { TASK_STATUSES } from '../../model/task-status.ts';
import { sampleAudit, sampleCharge, sampleRun, sampleTask, sampleVaultKey } from '../conformance-samples.ts';
import type { Round, Store } from '../port.ts';
import type { RunFilter, ScheduleExecutionFilter, SearchOrder, TaskFilter } from '../reads.ts';
import type { SharedRound, SharedStore } from '../shared-port.ts';
import { emptyBatch } from '../write-batch.ts';
import { createPostgresStore } from './store.ts';
import { Trip } from './trip.ts';

const NOW_MS = 1_790_000_000_000;
const LARGE = [
  'run',
  'task',
  'charge',
  'audit',
  'vault_key',
  'task_log',
  'history_read',
  'snapshot',
  'key_value',
  'schedule_execution',
];

let store: Store;
let explainer: pg.Client;

beforeAll(async () => {
  const url = await createTestDatabase();
  store = await createPostgresStore({ url });
  explainer = new pg.Client(url);
  await explainer.connect();
  await fill();
}, 120_000);

afterAll(async () => {
  await explainer?.end();
  await store?.close();
});

// ---- what is asked of the store

type Work = () => Promise<unknown>;

const ROUNDS: Readonly<Record<string, Work>> = {
  'the lock and load of runs, and of their changed tasks': () =>
    inRound((round) => round.loadRuns([...wantedRuns(0, [4701, 4702, 999_999_999]), ...wantedRuns(3, [4703, 4704])])),
  'starts with an idempotency key': () =>
    inRound((round) => round.startedWith(['once-4800', 'nothing'].map((key) => ({ name: 'billing', key })))),
  'ready tasks': () =>
    inSharedRound((round) =>
      round.readyTasks(
        [...'abc'].map((letter) => ({ key: `queue-${letter}`, count: 9 })),
        NOW_MS,
      ),
    ),
  'the limits of task types': () => inSharedRound((round) => round.lockLimits(['type-1', 'none'])),
  'the lock of vault keys, and the charges of those that changed': () =>
    inSharedRound((round) =>
      round.lockVaultKeys([
        { id: 'vk_10', revision: 0, sinceMs: 0 },
        { id: 'vk_11', revision: 2, sinceMs: 0 },
        { id: 'vk_none', revision: 0, sinceMs: 0 },
      ]),
    ),
  'a commit of runs and tasks': () => commitRuns([4710, 4711, 4712]),
  'the lock of schedules': () => inRound((round) => round.loadSchedules(['schedule-7', 'none'])),
  'the removal of runs': () =>
    inRound(async (round) => {
      await round.loadRuns(wantedRuns(0, [4720, 4721]));
      await round.commit({ ...emptyBatch(), removedRuns: [4720, 4721] });
    }),
  'a commit of vault keys, charges and audit entries': () => commitCharges(['vk_20', 'vk_21', 'vk_22']),
};

const BESIDE_ROUNDS: Readonly<Record<string, Work>> = {
  stamps: () => shared().stamps(),
  'overdue timers': () => shared().overdue(NOW_MS - 100_000, 50),
  signals: () => shared().signals(NOW_MS, 50),
  'tasks of processes that have fallen silent': () => shared().orphans(60_000, 50),
  'sizes of queues': () => shared().readySizes(NOW_MS),
  'a sign of life': () => shared().heartbeat('process-alive'),
  'pairs by key': async () => {
    const { keyValues } = shared();
    const pair = { value: 'v', expiresMs: 0 };
    await keyValues.put('NOTES', 'k', pair);
    await keyValues.get('NOTES', 'k', NOW_MS);
    for (const expected of [null, 'v']) await keyValues.replace('NOTES', 'k', expected, pair, NOW_MS);
    await keyValues.list('NOTES', 'k', '', 10, NOW_MS);
    await keyValues.delete('NOTES', 'k');
  },
  'the removal of what has passed its age': () =>
    store.prune({ runsEndedBeforeMs: NOW_MS - 4_980_000, auditBeforeMs: NOW_MS - 19_980_000 }, 500),
};

const inBothOrders = (work: (order: SearchOrder) => readonly Promise<unknown>[]) =>
  Promise.all((['newest', 'oldest'] as const).flatMap(work));

const search = (filter: Partial<RunFilter>, start = 0) => {
  const any = { ids: null, names: null, correlationIds: null, versions: null, priorities: null, text: null };
  const started = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
  const whole: RunFilter = { ...any, statuses: RUN_STATUSES, started, ended: null, updated: null, ...filter };
  return inBothOrders((order) => [store.reads.searchRuns(whole, order, { start, count: 100 })]);
};

const searchTasks = (filter: Partial<TaskFilter>, start = 0) => {
  const names = { ids: null, runIds: null, names: null, correlationIds: null, types: null, defNames: null, refs: null };
  const times = { scheduled: null, started: null, ended: null, updated: null };
  const whole: TaskFilter = { ...names, ...times, statuses: TASK_STATUSES, text: null, ...filter };
  const page = { start, count: 100 };
  return inBothOrders((order) => [
    store.reads.searchTasks(whole, order, page),
    store.reads.searchRunsByTasks(whole, order, page),
  ]);
};

const searchFirings = (filter: Partial<ScheduleExecutionFilter>) => {
  const ever = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
  const any = { scheduleNames: null, names: null, runIds: null, statuses: ['FAILED'], text: null };
  const whole = { ...any, scheduled: ever, executed: ever, ...filter };
  return store.reads.searchScheduleExecutions(whole, 'newest', { start: 0, count: 100 });
};

const READS: Readonly<Record<string, Work>> = {
  'a run by id': () => store.reads.runRowId('run-7'),
  'a run by id, whole': () => store.reads.run('run-7', false),
  'a run by id, with its tasks': () => store.reads.run('run-7', true),
  'a task by id': () => store.reads.taskById('task-77'),
  'a page of tasks': () => store.reads.tasksOf(7, { start: 2, count: 5 }, []),
  'a page of tasks by status': () => store.reads.tasksOf(7, { start: 0, count: 5 }, ['COMPLETED']),
  'open runs of a name': () => store.reads.runningIds('seldom', null, 0, NOW_MS),
  'runs by correlation id': () => store.reads.correlated('billing', ['order-5', 'order-6'], true),
  'open runs by correlation id': () => store.reads.correlated('billing', ['order-4999', 'order-6'], false),
  'a search for all runs': () => search({}),
  'a search far down': () => search({}, 4000),
  'a search for runs of a version that ended lately': () =>
    search({ versions: [1], ended: { fromMs: NOW_MS - 1000, toMs: NOW_MS } }),
  'a search by id': () => search({ ids: ['run-7', 'run-8'] }),
  'a search by correlation id': () => search({ correlationIds: ['order-5', 'order-6'] }),
  'a search by name': () => search({ names: ['billing', 'seldom'] }),
  'a search by name and status': () => search({ names: ['seldom'], statuses: ['COMPLETED'] }),
  'a search for open runs': () => search({ statuses: ['RUNNING', 'PAUSED'] }),
  'a search for open runs of a name': () => search({ names: ['seldom'], statuses: ['RUNNING'] }),
  'a search for unsuccessful runs': () => search({ statuses: ['FAILED', 'TERMINATED'] }),
  'a search for a text': () => search({ text: 'order-7' }),
  'a search for all tasks': () => searchTasks({}),
  'a search for tasks far down': () => searchTasks({}, 4000),
  'a search for tasks of a type that began lately': () =>
    searchTasks({ types: ['charge'], started: { fromMs: NOW_MS - 1000, toMs: NOW_MS } }),
  'a search for tasks by id': () => searchTasks({ ids: ['task-7', 'task-8'] }),
  'a search for tasks of a run': () => searchTasks({ runIds: ['run-7'] }),
  'a search for tasks by correlation id': () => searchTasks({ correlationIds: ['order-5', 'order-6'] }),
  'a search for tasks by name of workflow': () => searchTasks({ names: ['billing', 'seldom'], refs: ['a'] }),
  'a search for open tasks': () => searchTasks({ statuses: ['SCHEDULED', 'IN_PROGRESS'] }),
  'a search for open tasks by name of workflow': () => searchTasks({ names: ['seldom'], statuses: ['IN_PROGRESS'] }),
  'a search for unsuccessful tasks': () => searchTasks({ statuses: ['FAILED', 'CANCELED'], defNames: ['charge'] }),
  'a search for tasks by text': () => searchTasks({ text: 'order-7' }),
  'the names of runs': () => store.reads.runNames(1000),
  'a schedule': () => store.reads.schedule('schedule-7'),
  'a search for firings': () => searchFirings({}),
  'a search for firings of schedules': () => searchFirings({ scheduleNames: ['schedule-7', 'schedule-8'] }),
  'a search for firings of an hour': () => searchFirings({ executed: { fromMs: NOW_MS - 3_600_000, toMs: NOW_MS } }),
  'a snapshot': () => store.reads.snapshot('snapshot-9'),
  'the logs of a task': () => store.reads.logs(['task-9', 'task-11']),
  'who looked at a history': () => store.reads.historyReads('run-9'),
  'a page of open runs': () => store.reads.openRuns(4600, 20),
  'a vault key': () => store.reads.vaultKey('vk_9'),
  'live vault keys': () => store.reads.vaultKeys({ liveAtMs: NOW_MS, limit: 10_000 }),
  'vault keys by label': () => store.reads.vaultKeys({ runLabel: 'conductor/run-9', limit: 10 }),
  'the newest vault keys': () => store.reads.vaultKeys({ limit: 10 }),
  'charges of a key': () => store.reads.chargesOf('vk_9', NOW_MS - 20_000_000),
  'what was counted for a vendor object': () => store.reads.countedFor('vk_9', 'pi_9'),
  'open charges': () => store.reads.openCharges(),
  'the audit of a run': () => store.reads.audit({ runId: 'run-9', limit: 100 }),
  'the audit of a key, onwards': () => store.reads.audit({ keyId: 'vk_9', afterId: 3, limit: 100 }),
  refusals: () => store.reads.audit({ verdict: 'denied_cap_exceeded', limit: 100 }),
  'refusals, onwards': () => store.reads.audit({ verdict: 'denied_cap_exceeded', afterId: 19_000, limit: 100 }),
  'the audit, onwards': () => store.reads.audit({ afterId: 10_000, limit: 100 }),
  'the spend of a run': () => store.reads.spend('run-9'),
};

/** Partial indexes that are there to be read from end to end, by the work that does it. */
const ON_PURPOSE: Readonly<Record<string, string>> = {
  'tasks of processes that have fallen silent': 'task_at_server',
  'sizes of queues': 'task_ready',
  'open charges': 'charge_open',
  'the removal of what has passed its age': 'vault_key_live',
};

describe('an index serves', () => {
  it.each(Object.entries({ ...ROUNDS, ...BESIDE_ROUNDS, ...READS }))('%s', async (title, work) => {
    const statements = await sentBy(work);
    expect(statements.length).toBeGreaterThan(0);
    const indexes = await indexesBut(ON_PURPOSE[title]);
    const wholeReads = [];
    for (const statement of statements) wholeReads.push(...(await wholeReadsOf(statement, indexes)));
    expect(wholeReads).toEqual([]);
  });
});

describe('one round', () => {
  it('sends as many statements for a hundred runs as for two', async () => {
    const texts = async (work: Work) => (await sentBy(work)).map(({ text }) => text);
    const hundred = Array.from({ length: 100 }, (_, index) => 4802 + index);
    expect(await texts(() => commitRuns(hundred))).toEqual(await texts(() => commitRuns([4800, 4801])));
    const keys = hundred.map((number) => `vk_${number}`);
    expect(await texts(() => commitCharges(keys))).toEqual(await texts(() => commitCharges(['vk_4800', 'vk_4801'])));
  });
});

const wantedRuns = (revision: number, rowIds: readonly number[]) => rowIds.map((rowId) => ({ rowId, revision }));

async function inRound(work: (round: Round) => Promise<unknown>): Promise<void> {
  const round = await store.round();
  try {
    await work(round);
  } finally {
    await round.abandon();
  }
}

function inSharedRound(work: (round: SharedRound) => Promise<unknown>): Promise<void> {
  return inRound(async (round) => round.shared && work(round.shared));
}

function shared(): SharedStore {
  if (!store.shared) throw new Error('Many processes share this store.');
  return store.shared;
}

/** Writes to every list of a round of the orchestrator; one of the runs has only its tasks changed. */
function commitRuns(rowIds: readonly number[]): Promise<void> {
  return inRound(async (round) => {
    const { changed } = await round.loadRuns(wantedRuns(0, rowIds));
    const runs = changed.map(({ run }) => run);
    const tasks = changed.flatMap((loaded) => loaded.tasks);
    const started = sampleRun({ rowId: store.newRowId('run') });
    const signal = { runRowId: 1, createdMs: NOW_MS, document: Json.text('{}') };
    await round.commit({
      ...emptyBatch(),
      snapshots: [{ id: 'another', document: Json.text('{}') }],
      newRuns: [started],
      changedRuns: runs.slice(1),
      newTasks: [started, ...runs].map((run) => sampleTask(run, { rowId: store.newRowId('task'), seq: 99 })),
      changedTasks: tasks,
      logs: tasks.map(({ id }) => ({ taskId: id, log: 'line', createdMs: NOW_MS })),
      polls: [{ queueName: 'queue-a', domain: '', workerId: 'worker-1', lastPollMs: NOW_MS }],
      historyReads: runs.map(({ id }) => ({ atMs: NOW_MS, principal: 'key_1', runId: id, route: 'GET' })),
      endedRuns: runs.map(({ id }) => ({ id, atMs: NOW_MS })),
      reopenedRuns: runs.map(({ id }) => ({
        ...{ id, runLabel: `conductor/${id}`, endedMs: 1 },
        ...{ atMs: NOW_MS, lifeMsMax: 1 },
      })),
      signals: [{ ...signal, rowId: store.newRowId('signal') }],
      removedSignals: [1],
      taskLimits: [{ defName: 'type-1', inProgress: 0, handedOutMs: [NOW_MS] }],
    });
  });
}

function commitCharges(keyIds: readonly string[]): Promise<void> {
  return inRound(async (round) => {
    await round.shared?.lockVaultKeys(keyIds.map((id) => ({ id, revision: 0, sinceMs: 0 })));
    const ids = keyIds.slice(1);
    await round.commit({
      ...emptyBatch(),
      vaultKeys: ids.map((id) => sampleVaultKey({ id })),
      newCharges: keyIds.map((id) => sampleCharge(id, { rowId: store.newRowId('charge') })),
      changedCharges: keyIds.map((id, index) => sampleCharge(id, { rowId: 77 + 4 * index, state: 'settled' })),
      audit: keyIds.map((keyId) => sampleAudit({ keyId })),
    });
  });
}

// ---- what was sent, and how the database would carry it out

interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
  /** Its plan may be made once for all values. */
  readonly prepared: boolean;
}

async function sentBy(work: Work): Promise<Statement[]> {
  const spy = vi.spyOn(pg.Client.prototype, 'query');
  try {
    await work();
    return spy.mock.calls.flatMap(([query]) => statementsOf(query)).filter(({ text }) => EXPLAINABLE.test(text));
  } finally {
    spy.mockRestore();
  }
}

/** Not `select 1`, with which the listener asks at times of its own whether its connection lives. */
const EXPLAINABLE = /^\s*(select(?! 1$)|insert|update|delete|with)\b/i;
const sentSchema = z.object({ text: z.string() });

function statementsOf(query: unknown): Statement[] {
  if (query instanceof Trip)
    return query.statements.map(({ sql, values, name }) => ({ text: sql, values, prepared: name !== '' }));
  const { text } = sentSchema.parse(typeof query === 'string' ? { text: query } : query);
  return text.split(';').map((part) => ({ text: part, values: [], prepared: false }));
}

const planSchema = z.object({
  'Node Type': z.string(),
  'Relation Name': z.string().optional(),
  'Index Name': z.string().optional(),
  'Index Cond': z.string().optional(),
  Filter: z.string().optional(),
  get Plans() {
    return z.array(planSchema).optional();
  },
});
type Plan = z.infer<typeof planSchema>;
const explainedSchema = z.object({
  rows: z.tuple([z.object({ 'QUERY PLAN': z.tuple([z.object({ Plan: planSchema })]) })]),
});

/** Under the plan for these values, and under the one for any values. */
async function wholeReadsOf(statement: Statement, indexes: ReadonlySet<string>): Promise<string[]> {
  const { text, values, prepared } = statement;
  const answers = [await explainer.query(`explain (format json) ${text}`, [...values])];
  if (prepared) answers.push(await explainer.query(`explain (format json, generic_plan) ${text}`));
  return answers.flatMap((answer) => {
    const [row] = explainedSchema.parse(answer).rows;
    return wholeReadsIn(row['QUERY PLAN'][0].Plan, indexes, false).map((read) => `${read} in ${text}`);
  });
}

/** `limited`: something above stops when it has enough. */
function wholeReadsIn(plan: Plan, indexes: ReadonlySet<string>, limited: boolean): string[] {
  const { 'Node Type': type, 'Relation Name': table = '', 'Index Name': index = '', Plans: inner = [] } = plan;
  const enough = limited || type === 'Limit';
  const found = inner.flatMap((part) => wholeReadsIn(part, indexes, enough));
  if (type === 'Seq Scan' && LARGE.includes(table)) found.push(`${type} on ${table}`);
  const unbounded = indexes.has(index) && plan['Index Cond'] === undefined;
  if (unbounded && !(limited && plan.Filter === undefined)) found.push(`${type} of all of ${index}`);
  return found;
}

/** Of large tables. */
async function indexesBut(allowed = ''): Promise<ReadonlySet<string>> {
  const { rows } = await explainer.query<{ name: string }>(
    'select indexrelid::regclass::text as name from pg_index where indrelid = any($1::text[]::regclass[])',
    [LARGE],
  );
  return new Set(rows.map(({ name }) => name).filter((name) => name !== allowed));
}

// ---- the database: 5,000 runs of ten tasks, of which the last 500 are not over, and 45,000 that began before them

async function fill(): Promise<void> {
  const key = JSON.stringify(sampleVaultKey({ id: 'ID' }));
  const charge = JSON.stringify(sampleCharge('KEY', { rowId: 0 }));
  await explainer.query(
    `insert into run (row_id, id, name, version, correlation_id, idempotency_key, created_ms, status, revision,
       priority, due_ms, ended_ms, details, state, input, variables, output)
     select i, 'run-' || i, case when i % 100 = 0 then 'seldom' else 'billing' end, 1, 'order-' || i,
       case when i % 3 = 0 then 'once-' || i end, $1::bigint - (5000 - i) * 1000,
       case when i > 4500 then 'RUNNING' else 'COMPLETED' end, 5, 0, case when i > 4900 then $1 - i else 0 end,
       case when i > 4500 then 0 else $1 - (5000 - i) * 1000 end, '{"snapshotId":"s"}', '{"updatedMs":1}', '{}', '{}', '{}'
     from generate_series(1, 5000) i`,
    [NOW_MS],
  );
  await explainer.query(
    `insert into run (row_id, id, name, version, created_ms, status, revision, priority, due_ms, ended_ms, details, state,
       input, variables, output)
     select -i, 'run--' || i, 'name-' || i % 50, 1, $1::bigint - (5000 + i) * 1000,
       case when i % 50 = 0 then 'FAILED' else 'COMPLETED' end, 5, 0, 0, $1, '{"snapshotId":"s"}', '{"updatedMs":1}',
       '{}', '{}', '{}'
     from generate_series(1, 45000) i`,
    [NOW_MS],
  );
  await explainer.query(
    `insert into task (row_id, id, run_row_id, seq, revision, status, def_name, queue_key, priority, ready_ms, due_ms,
       worker_id, details, state, input, output)
     select i, 'task-' || i, run, i % 10 + 1, i % 5 + 1, status, 'type-' || i % 7,
       case when status = 'SCHEDULED' then 'queue-' || chr(97 + run % 5) end, 0, $1::bigint - i,
       case when status = 'IN_PROGRESS' then $1 - 100 * i else 0 end,
       case when i % 10 = 1 then 'server:process-' || run % 3 else 'worker-1' end,
       '{"ref":"a","type":"charge","scheduledMs":' || $1::bigint - i || '}', '{"updatedMs":1}', '{}', '{"paid":true}'
     from (
       select i, (i - 1) / 10 + 1 as run, case when i % 100 = 7 then 'FAILED'
         when i <= 45000 or i % 10 > 2 then 'COMPLETED' when i % 10 = 0 then 'SCHEDULED' else 'IN_PROGRESS' end as status from generate_series(1, 50000) i
     ) made`,
    [NOW_MS],
  );
  await explainer.query(
    `insert into vault_key (id, vendor, run_id, run_label, created_ms, expires_ms, revoked_ms, revision, document)
     select 'vk_' || i, 'stripe', 'run-' || i, 'conductor/run-' || i, $1::bigint - (5000 - i) * 4000, $1 + i * 1000,
       case when i > 4500 then 0 when i <= 20 then $1 - 200000000 else $1 - (5000 - i) * 1000 end, 5, replace($2, 'ID', 'vk_' || i)
     from generate_series(1, 5000) i`,
    [NOW_MS, key],
  );
  await explainer.query(
    `insert into key_value (binding, key, value, expires_ms)
     select 'NOTES', convert_to('k' || i, 'UTF8'), 'v', case when i % 2 = 0 then 0 else $1::bigint + i end
     from generate_series(1, 5000) i`,
    [NOW_MS],
  );
  await explainer.query(
    `insert into charge (row_id, key_id, revision, state, reserved_ms, document)
     select i, 'vk_' || (i - 1) / 4 + 1, i % 5 + 1, case when i > 19900 then 'reserved' else 'settled' end,
       $1::bigint - (20000 - i) * 1000, replace($2, 'KEY', 'vk_' || (i - 1) / 4 + 1)
     from generate_series(1, 20000) i`,
    [NOW_MS, charge],
  );
  await explainer.query(
    `insert into audit (at_ms, run_id, key_id, verdict, ref, vendor, currency, cost_micros, vendor_object_id, document)
     select $1::bigint - (20000 - i) * 1000, 'run-' || (i - 1) / 4 + 1, 'vk_' || (i - 1) / 4 + 1,
       case when i % 100 = 0 then 'denied_cap_exceeded' else 'allowed' end, 'pay', 'stripe', 'usd', 5, 'ch_' || i, '{}'
     from generate_series(1, 20000) i`,
    [NOW_MS],
  );
  await explainer.query(
    `insert into schedule_execution
       (id, schedule_name, workflow_name, workflow_id, state, scheduled_ms, executed_ms, document)
     select 'firing-' || i, 'schedule-' || i % 100, 'billing', 'run-' || i, 'EXECUTED', at, at, '{}'
     from (select i, $1::bigint - (50000 - i) * 1000 as at from generate_series(1, 50000) i) made`,
    [NOW_MS],
  );
  await explainer.query(`
    insert into task_log (task_id, created_ms, log) select 'task-' || i / 4, i, 'line' from generate_series(1, 200000) i;
    insert into history_read (run_id, document) select 'run-' || i / 10, '{}' from generate_series(1, 50000) i;
    insert into snapshot (id, document) select 'snapshot-' || i, '{}' from generate_series(1, 5000) i;
    insert into poll select 'queue-' || i % 50, '', 'worker-' || i, i from generate_series(1, 5000) i;
    insert into signal (row_id, run_row_id, created_ms, document) select i, i, i, '{}' from generate_series(1, 20) i;
    insert into task_limit (def_name, handed_out_ms) select 'type-' || i, '{}' from generate_series(0, 6) i;
    insert into process (id, alive_at) select 'process-' || i, now() - interval '1 hour' from generate_series(1, 2) i;
    analyze`);
}
