// A batch as statements: at most one per list, each over the whole list. Owns the order in which lists are applied, and
// the order of rows within a list that another round may also write: by key, so that no two rounds wait for each other.
import type { ApiKeyRecord } from '../../model/api-key.ts';
import type { EventHandler } from '../../model/event-handler.ts';
import type { Snapshot, Task, TaskLog } from '../../model/run.ts';
import type { TaskDefinition } from '../../model/task-definition.ts';
import type { AuditEntry, Charge, VendorSecret } from '../../model/vault.ts';
import type { WorkflowDefinition } from '../../model/workflow-definition.ts';
import type { TaskLimit } from '../shared-port.ts';
import type { EndedRun, HistoryRead, PollRecord, ReopenedRun, Signal, WriteBatch } from '../write-batch.ts';
import type { Locks } from './locks.ts';
import { RUN_CHANGING, RUN_FIXED, RUN_KEY } from './run-row.ts';
import { INSERT_SCHEDULE_EXECUTION, REMOVE_SCHEDULE, UPSERT_SCHEDULE } from './schedule-row.ts';
import { bigints, type Column, deleteFrom, insertInto, type Statement, texts, update, upsertInto } from './table.ts';
import { TASK_CHANGING, TASK_FIXED, TASK_KEY } from './task-row.ts';
import { indexable, stored } from './text-column.ts';
import type { TripStatement } from './trip.ts';
import { AUDIT_COLUMNS, CHARGE_CHANGING, CHARGE_FIXED, CHARGE_KEY, VAULT_KEY_COLUMNS } from './vault-row.ts';

const KEY_ID: Column<string> = { name: 'id', type: 'text', value: stored };
const ROW_ID: Column<number> = { name: 'row_id', type: 'bigint', value: (rowId) => rowId };
const ID_AND_DOCUMENT = texts<{ readonly id: string }>({ id: ({ id }) => stored(id), document: JSON.stringify });

const RAISE_STAMPS = `update stamp set definitions = definitions + $1::bigint, schedules = schedules + $2::bigint,
  api_keys = api_keys + $3::bigint, vendor_secrets = vendor_secrets + $4::bigint where id = 1`;

const INSERT_SNAPSHOT = insertInto<Snapshot>(
  'snapshot',
  texts({ id: ({ id }) => stored(id), document: ({ document }) => document.text }),
  { suffix: ' on conflict do nothing' },
);

const REVISED = { given: ['revision'] };
const INSERT_RUN = insertInto('run', [...RUN_FIXED, ...RUN_CHANGING], REVISED);
const UPDATE_RUN = update('run', RUN_KEY, RUN_CHANGING, REVISED);
/** Runs of which only tasks are written. */
const TOUCH_RUN = update('run', ROW_ID, [], { ...REVISED, called: '_revision' });
const INSERT_TASK = insertInto('task', [...TASK_FIXED, ...TASK_CHANGING], { given: ['revision', 'priority'] });
const UPDATE_TASK = update('task', TASK_KEY, TASK_CHANGING, REVISED);

const OF_RUNS = 'where run_row_id = any($1::bigint[])';
const REMOVE_RUNS = [
  `delete from task_log where task_id in (select id from task ${OF_RUNS})`,
  `delete from task ${OF_RUNS}`,
  `delete from signal ${OF_RUNS}`,
  'delete from run where row_id = any($1::bigint[])',
].map((sql, index): Statement<number> => ({ name: `remove_runs_${index}`, sql, values: (rowIds) => [rowIds] }));

const INSERT_LOG = insertInto<TaskLog>('task_log', [
  ...texts<TaskLog>({ task_id: (line) => stored(line.taskId), log: (line) => stored(line.log) }),
  ...bigints<TaskLog>({ created_ms: (line) => line.createdMs }),
]);

const UPSERT_POLL = upsertInto<PollRecord>(
  'poll',
  ['queue_name', 'domain', 'worker_id'],
  [
    ...texts<PollRecord>({
      queue_name: (poll) => indexable(poll.queueName),
      domain: (poll) => indexable(poll.domain),
      worker_id: (poll) => indexable(poll.workerId),
    }),
    ...bigints<PollRecord>({ last_poll_ms: (poll) => poll.lastPollMs }),
  ],
);

const INSERT_HISTORY_READ = insertInto<HistoryRead>(
  'history_read',
  texts({ run_id: ({ runId }) => stored(runId), document: JSON.stringify }),
);

type DefinitionKey = Pick<WorkflowDefinition, 'name' | 'version'>;
const DEFINITION_KEY: Column<DefinitionKey>[] = [
  ...texts<DefinitionKey>({ name: ({ name }) => stored(name) }),
  ...bigints<DefinitionKey>({ version: ({ version }) => version }),
];
const UPSERT_DEFINITION = upsertInto<WorkflowDefinition>(
  'definition',
  ['name', 'version'],
  [...DEFINITION_KEY, ...texts<WorkflowDefinition>({ document: JSON.stringify })],
);
const REMOVE_DEFINITION = deleteFrom<DefinitionKey>('definition', DEFINITION_KEY);
const UPSERT_TASK_DEFINITION = upsertInto<TaskDefinition>(
  'task_definition',
  ['name'],
  texts({ name: ({ name }) => stored(name), document: JSON.stringify }),
);
const REMOVE_TASK_DEFINITION = deleteFrom<string>('task_definition', texts({ name: stored }));
const UPSERT_EVENT_HANDLER = upsertInto<EventHandler>(
  'event_handler',
  ['name'],
  texts({ name: ({ name }) => stored(name), document: JSON.stringify }),
);
const REMOVE_EVENT_HANDLER = deleteFrom<string>('event_handler', texts({ name: stored }));
const UPSERT_API_KEY: Statement<ApiKeyRecord> = upsertInto('api_key', ['id'], ID_AND_DOCUMENT);
const UPSERT_VENDOR_SECRET: Statement<VendorSecret> = upsertInto('vendor_secret', ['id'], ID_AND_DOCUMENT);
const REMOVE_VENDOR_SECRET = deleteFrom('vendor_secret', [KEY_ID]);

/** Arrays of an array must be of one length in Postgres, so each travels as its own text. */
const UPSERT_LIMIT: Statement<TaskLimit> = {
  name: 'upsert_task_limit',
  sql: `insert into task_limit (def_name, handed_out_ms)
    select def_name, handed_out_ms::bigint[] from unnest($1::text[], $2::text[]) as given(def_name, handed_out_ms)
    on conflict (def_name) do update set handed_out_ms = excluded.handed_out_ms`,
  values: (limits) => [
    limits.map(({ defName }) => indexable(defName)),
    limits.map(({ handedOutMs }) => `{${handedOutMs.join(',')}}`),
  ],
};

const INSERT_SIGNAL = insertInto<Signal>('signal', [
  ...bigints<Signal>({ row_id: (s) => s.rowId, run_row_id: (s) => s.runRowId, created_ms: (s) => s.createdMs }),
  ...texts<Signal>({ document: (s) => s.document.text }),
]);
const REMOVE_SIGNAL = deleteFrom('signal', [ROW_ID]);

const UPSERT_VAULT_KEY = upsertInto('vault_key', ['id'], VAULT_KEY_COLUMNS, ['revision'], {
  revision: 'greatest(excluded.revision, vault_key.revision + 1)',
});
/** Keys of which only charges are written. */
const TOUCH_VAULT_KEY = update('vault_key', KEY_ID, [], { ...REVISED, called: '_revision' });
const INSERT_CHARGE = insertInto('charge', [...CHARGE_FIXED, ...CHARGE_CHANGING], REVISED);
const UPDATE_CHARGE = update('charge', CHARGE_KEY, CHARGE_CHANGING, REVISED);
const INSERT_AUDIT = insertInto<AuditEntry>('audit', AUDIT_COLUMNS);

/** Locks in the order in which vault rounds lock: this is the only place where an orchestrator's round waits for them. */
const END_RUNS: Statement<EndedRun> = {
  name: 'end_runs',
  sql: `with ended as (
      select vault_key.id, given.at_ms from unnest($1::text[], $2::bigint[]) as given(run_id, at_ms)
      join vault_key on vault_key.run_id = given.run_id and vault_key.revoked_ms = 0
      order by vault_key.id for update of vault_key
    )
    update vault_key set revoked_ms = ended.at_ms, revision = vault_key.revision + 1 from ended
    where vault_key.id = ended.id and vault_key.revoked_ms = 0`,
  values: (runs) => [runs.map(({ id }) => stored(id)), runs.map(({ atMs }) => atMs)],
};

/** In the same order as above. */
const REOPEN_RUNS: Statement<ReopenedRun> = {
  name: 'reopen_runs',
  sql: `with reopened as (
      select vault_key.id, given.at_ms, given.life_ms_max
      from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
        as given(run_id, run_label, ended_ms, at_ms, life_ms_max)
      join vault_key on vault_key.run_label = given.run_label and vault_key.run_id = given.run_id
        and vault_key.revoked_ms = given.ended_ms
      order by vault_key.id for update of vault_key
    )
    update vault_key set revoked_ms = 0, revision = vault_key.revision + 1,
      expires_ms = greatest(vault_key.expires_ms,
        reopened.at_ms + least(vault_key.expires_ms - vault_key.created_ms, reopened.life_ms_max))
    from reopened where vault_key.id = reopened.id`,
  values: (runs) => [
    runs.map(({ id }) => stored(id)),
    runs.map(({ runLabel }) => stored(runLabel)),
    runs.map(({ endedMs }) => endedMs),
    runs.map(({ atMs }) => atMs),
    runs.map(({ lifeMsMax }) => lifeMsMax),
  ],
};

/**
 * The statements of a batch, in the order to run them. Definitions and secrets are removed before they are written,
 * so one removed and registered again in a batch stays; so are runs, because one that begins again keeps its public ids.
 */
export function writesOf(batch: WriteBatch, locks: Locks): TripStatement[] {
  const writes: TripStatement[] = [];
  const add: Add = ({ name, sql, values }, nouns, ...given) => {
    if (nouns.length > 0) writes.push({ name, sql, values: values(nouns, ...given) });
  };
  // First: whoever registers holds the counter until the commit, so that nobody reads a new count without its rows.
  const stamps = stampsOf(batch);
  if (stamps.includes(1)) writes.push({ name: 'raise_stamps', sql: RAISE_STAMPS, values: stamps });
  for (const statement of REMOVE_RUNS) add(statement, batch.removedRuns);
  addRuns(add, batch, locks);
  add(INSERT_LOG, batch.logs);
  add(INSERT_HISTORY_READ, batch.historyReads);
  addRecords(add, batch);
  addSchedules(add, batch, locks);
  add(
    UPSERT_LIMIT,
    byKey(batch.taskLimits, ({ defName }) => defName),
  );
  add(INSERT_SIGNAL, batch.signals);
  add(REMOVE_SIGNAL, batch.removedSignals);
  add(UPSERT_POLL, distinctPolls(batch.polls));
  addVault(add, batch, locks);
  return writes;
}

type Add = <Noun>(statement: Statement<Noun>, nouns: readonly Noun[], ...given: readonly (readonly number[])[]) => void;

function addRuns(add: Add, batch: WriteBatch, locks: Locks): void {
  const started = new Map(batch.newRuns.map((run) => [run.rowId, run]));
  const revision = (rowId: number) => (started.has(rowId) ? 1 : locks.lockedRun(rowId).revision + 1);
  const priority = (rowId: number) => (started.get(rowId) ?? locks.lockedRun(rowId)).priority;
  const ofTask = (task: Task) => revision(task.runRowId);
  const written = new Set([...started.keys(), ...batch.changedRuns.map(({ rowId }) => rowId)]);
  const touched = new Set([...batch.newTasks, ...batch.changedTasks].map(({ runRowId }) => runRowId));
  const onlyTouched = [...touched].filter((rowId) => !written.has(rowId));
  add(
    INSERT_SNAPSHOT,
    byKey(batch.snapshots, ({ id }) => id),
  );
  add(
    INSERT_RUN,
    batch.newRuns,
    batch.newRuns.map(() => 1),
  );
  add(
    UPDATE_RUN,
    batch.changedRuns,
    batch.changedRuns.map((run) => revision(run.rowId)),
  );
  add(TOUCH_RUN, onlyTouched, onlyTouched.map(revision));
  const priorities = batch.newTasks.map((task) => priority(task.runRowId));
  add(INSERT_TASK, batch.newTasks, batch.newTasks.map(ofTask), priorities);
  add(UPDATE_TASK, batch.changedTasks, batch.changedTasks.map(ofTask));
}

function addRecords(add: Add, batch: WriteBatch): void {
  add(REMOVE_DEFINITION, batch.removedDefinitions);
  add(UPSERT_DEFINITION, batch.definitions);
  add(REMOVE_TASK_DEFINITION, batch.removedTaskDefinitions);
  add(UPSERT_TASK_DEFINITION, batch.taskDefinitions);
  add(REMOVE_EVENT_HANDLER, batch.removedEventHandlers);
  add(UPSERT_EVENT_HANDLER, batch.eventHandlers);
  add(UPSERT_API_KEY, batch.apiKeys);
  add(REMOVE_VENDOR_SECRET, batch.removedVendorSecrets);
  add(UPSERT_VENDOR_SECRET, batch.vendorSecrets);
}

function addSchedules(add: Add, batch: WriteBatch, locks: Locks): void {
  const written = [...batch.schedules, ...batch.firedSchedules];
  for (const name of [...written.map(({ schedule }) => schedule.name), ...batch.removedSchedules]) {
    if (!locks.holdsSchedule(name)) throw new TypeError(`The round writes schedule ${name}, which it has not locked.`);
  }
  add(REMOVE_SCHEDULE, batch.removedSchedules);
  add(
    UPSERT_SCHEDULE,
    byKey(written, ({ schedule }) => schedule.name),
  );
  add(INSERT_SCHEDULE_EXECUTION, batch.scheduleExecutions);
}

/** Last, because vault rounds wait for these locks: they are held for no longer than it takes to write them. */
function addVault(add: Add, batch: WriteBatch, locks: Locks): void {
  const written = new Set(batch.vaultKeys.map(({ id }) => id));
  // A key that nobody asked for is a new one.
  const revision = (id: string) => (locks.keyRevision(id) ?? 0) + 1;
  const touched = new Set([...batch.newCharges, ...batch.changedCharges].map(({ keyId }) => keyId));
  for (const id of touched) {
    if (!written.has(id) && locks.keyRevision(id) === undefined) {
      throw new TypeError(`The round charges the vault key ${id}, which it has not locked.`);
    }
  }
  const keys = byKey(batch.vaultKeys, ({ id }) => id);
  const onlyTouched = [...touched].filter((id) => !written.has(id)).sort();
  add(
    UPSERT_VAULT_KEY,
    keys,
    keys.map(({ id }) => revision(id)),
  );
  add(TOUCH_VAULT_KEY, onlyTouched, onlyTouched.map(revision));
  add(REOPEN_RUNS, batch.reopenedRuns);
  add(END_RUNS, batch.endedRuns);
  const ofCharge = ({ keyId }: Charge) => revision(keyId);
  add(INSERT_CHARGE, batch.newCharges, batch.newCharges.map(ofCharge));
  add(UPDATE_CHARGE, batch.changedCharges, batch.changedCharges.map(ofCharge));
  add(INSERT_AUDIT, batch.audit);
}

/** 1 for each counter to be raised. */
function stampsOf(batch: WriteBatch): number[] {
  const { definitions, removedDefinitions, taskDefinitions, removedTaskDefinitions } = batch;
  const { eventHandlers, removedEventHandlers } = batch;
  const counted = [
    [definitions, removedDefinitions, taskDefinitions, removedTaskDefinitions, eventHandlers, removedEventHandlers],
    [batch.schedules, batch.removedSchedules],
    [batch.apiKeys],
    [batch.vendorSecrets, batch.removedVendorSecrets],
  ];
  return counted.map((lists) => (lists.some((list) => list.length > 0) ? 1 : 0));
}

function byKey<Noun>(nouns: readonly Noun[], key: (noun: Noun) => string): Noun[] {
  return [...nouns].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** Shortened names may meet: one row cannot be written twice by one statement. */
function distinctPolls(polls: readonly PollRecord[]): PollRecord[] {
  const key = ({ queueName, domain, workerId }: PollRecord) =>
    JSON.stringify([indexable(queueName), indexable(domain), indexable(workerId)]);
  const distinct = new Map(polls.map((poll) => [key(poll), poll]));
  return byKey([...distinct.values()], key);
}
