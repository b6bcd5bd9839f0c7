// A batch as statements: one per list, run once per row. Owns the order in which lists are applied; the columns are
// listed once per table, here or beside the noun's mapping.
import type { ApiKeyRecord } from '../../model/api-key.ts';
import type { EventHandler } from '../../model/event-handler.ts';
import type { Run, Snapshot, Task, TaskLog } from '../../model/run.ts';
import type { TaskDefinition } from '../../model/task-definition.ts';
import type { AuditEntry, Charge, VaultKey, VendorSecret } from '../../model/vault.ts';
import type { WorkflowDefinition } from '../../model/workflow-definition.ts';
import { fixedChargeText } from '../rows/charge-row.ts';
import { stored, storedOrNull } from '../rows/text-column.ts';
import type { HistoryRead, PollRecord, WriteBatch } from '../write-batch.ts';
import type { SqlValue } from './driver.ts';
import { hasLargeInput, insertLargeInput } from './large-input.ts';
import type { Write } from './messages.ts';
import { RUN_CHANGING, RUN_COLUMNS, RUN_KEY } from './run-row.ts';
import { INSERT_SCHEDULE_EXECUTION, REMOVE_SCHEDULE, UPSERT_SCHEDULE } from './schedule-row.ts';
import { columnsOf, deleteFrom, insertInto, type Statement, update, upsertInto } from './table.ts';
import { TASK_CHANGING, TASK_COLUMNS, TASK_KEY } from './task-row.ts';

const INSERT_SNAPSHOT = insertInto<Snapshot>(
  'snapshot',
  columnsOf({ id: ({ id }) => stored(id), document: ({ document }) => document.text }),
  ' on conflict do nothing',
);

const INSERT_RUN = insertInto('run', RUN_COLUMNS);
const INSERT_RUN_INPUT = insertLargeInput('run_input');
const UPDATE_RUN = update('run', RUN_CHANGING, RUN_KEY);
const INSERT_TASK = insertInto('task', TASK_COLUMNS);
const INSERT_TASK_INPUT = insertLargeInput('task_input');
const UPDATE_TASK = update('task', TASK_CHANGING, TASK_KEY);

const OF_RUN = '(select row_id from task where run_row_id = ?)';
const IDS_OF_RUN = '(select id from task where run_row_id = ?)';
const REMOVE_RUN = [
  deleteFrom<number>('task_log', `task_id in ${IDS_OF_RUN}`, (rowId) => rowId),
  deleteFrom<number>('task_input', `row_id in ${OF_RUN}`, (rowId) => rowId),
  deleteFrom<number>('task', 'run_row_id = ?', (rowId) => rowId),
  deleteFrom<number>('run_input', 'row_id = ?', (rowId) => rowId),
  deleteFrom<number>('run', 'row_id = ?', (rowId) => rowId),
];

const INSERT_LOG = insertInto<TaskLog>(
  'task_log',
  columnsOf({
    task_id: (line) => stored(line.taskId),
    created_ms: (line) => line.createdMs,
    log: (line) => stored(line.log),
  }),
);

const UPSERT_POLL = upsertInto<PollRecord>(
  'poll',
  ['queue_name', 'domain', 'worker_id'],
  columnsOf({
    queue_name: (poll) => stored(poll.queueName),
    domain: (poll) => stored(poll.domain),
    worker_id: (poll) => stored(poll.workerId),
    last_poll_ms: (poll) => poll.lastPollMs,
  }),
);

const INSERT_HISTORY_READ = insertInto<HistoryRead>(
  'history_read',
  columnsOf({ run_id: ({ runId }) => stored(runId), document: JSON.stringify }),
);

const UPSERT_DEFINITION = upsertInto<WorkflowDefinition>(
  'definition',
  ['name', 'version'],
  columnsOf({ name: ({ name }) => stored(name), version: ({ version }) => version, document: JSON.stringify }),
);
const REMOVE_DEFINITION = deleteFrom<{ name: string; version: number }>(
  'definition',
  'name = ? and version = ?',
  ({ name }) => stored(name),
  ({ version }) => version,
);

const UPSERT_TASK_DEFINITION = upsertInto<TaskDefinition>(
  'task_definition',
  ['name'],
  columnsOf({ name: ({ name }) => stored(name), document: JSON.stringify }),
);
const REMOVE_TASK_DEFINITION = deleteFrom<string>('task_definition', 'name = ?', stored);

const UPSERT_EVENT_HANDLER = upsertInto<EventHandler>(
  'event_handler',
  ['name'],
  columnsOf({ name: ({ name }) => stored(name), document: JSON.stringify }),
);
const REMOVE_EVENT_HANDLER = deleteFrom<string>('event_handler', 'name = ?', stored);

const ID_AND_DOCUMENT = columnsOf<{ readonly id: string }>({ id: ({ id }) => stored(id), document: JSON.stringify });
const UPSERT_API_KEY: Statement<ApiKeyRecord> = upsertInto('api_key', ['id'], ID_AND_DOCUMENT);
const UPSERT_VENDOR_SECRET: Statement<VendorSecret> = upsertInto('vendor_secret', ['id'], ID_AND_DOCUMENT);
const REMOVE_VENDOR_SECRET = deleteFrom<string>('vendor_secret', 'id = ?', stored);

const UPSERT_VAULT_KEY = upsertInto<VaultKey>(
  'vault_key',
  ['id'],
  columnsOf({
    id: (key) => stored(key.id),
    vendor: (key) => stored(key.vendor),
    run_label: (key) => storedOrNull(key.runLabel),
    created_ms: (key) => key.createdMs,
    expires_ms: (key) => key.expiresMs,
    revoked_ms: (key) => key.revokedMs,
    document: JSON.stringify,
  }),
);

const CHARGE_KEY = { name: 'row_id', value: (charge: Charge) => charge.rowId };
const CHARGE_CHANGING = columnsOf<Charge>({
  state: (charge) => charge.state,
  amount_micros: (charge) => charge.amountMicros,
  settled_ms: (charge) => charge.settledMs,
  attempt: (charge) => charge.attempt,
  body: (charge) => stored(charge.body),
  vendor_object_id: (charge) => storedOrNull(charge.vendorObjectId),
});
const INSERT_CHARGE = insertInto<Charge>('charge', [
  CHARGE_KEY,
  ...columnsOf<Charge>({
    key_id: (charge) => stored(charge.keyId),
    reserved_ms: (charge) => charge.reservedMs,
    document: fixedChargeText,
  }),
  ...CHARGE_CHANGING,
]);
const UPDATE_CHARGE = update('charge', CHARGE_CHANGING, CHARGE_KEY);

const INSERT_AUDIT = insertInto<AuditEntry>(
  'audit',
  columnsOf({
    run_id: (entry) => storedOrNull(entry.runId),
    key_id: (entry) => storedOrNull(entry.keyId),
    verdict: (entry) => stored(entry.verdict),
    ref: (entry) => storedOrNull(entry.ref),
    vendor: (entry) => stored(entry.vendor),
    currency: (entry) => storedOrNull(entry.currency),
    cost_micros: (entry) => entry.costMicros,
    vendor_object_id: (entry) => storedOrNull(entry.vendorObjectId),
    document: JSON.stringify,
  }),
);

/**
 * The statements of a batch, in the order to run them. Definitions and secrets are removed before they are written,
 * so one removed and registered again in a batch stays; so are runs, because one that begins again keeps its public ids.
 */
export function writesOf(batch: WriteBatch): Write[] {
  const writes: Write[] = [];
  const add = <Noun>(statement: Statement<Noun>, nouns: readonly Noun[]): void => {
    if (nouns.length === 0) return;
    const values: SqlValue[] = [];
    for (const noun of nouns) for (const value of statement.values) values.push(value(noun));
    writes.push({ sql: statement.sql, width: statement.values.length, values });
  };
  for (const removal of REMOVE_RUN) add(removal, batch.removedRuns);
  addRuns(add, batch);
  add(INSERT_LOG, batch.logs);
  add(UPSERT_POLL, batch.polls);
  add(INSERT_HISTORY_READ, batch.historyReads);
  add(REMOVE_DEFINITION, batch.removedDefinitions);
  add(UPSERT_DEFINITION, batch.definitions);
  add(REMOVE_TASK_DEFINITION, batch.removedTaskDefinitions);
  add(UPSERT_TASK_DEFINITION, batch.taskDefinitions);
  add(REMOVE_EVENT_HANDLER, batch.removedEventHandlers);
  add(UPSERT_EVENT_HANDLER, batch.eventHandlers);
  add(REMOVE_SCHEDULE, batch.removedSchedules);
  add(UPSERT_SCHEDULE, batch.schedules);
  add(UPSERT_SCHEDULE, batch.firedSchedules);
  add(INSERT_SCHEDULE_EXECUTION, batch.scheduleExecutions);
  add(UPSERT_API_KEY, batch.apiKeys);
  add(REMOVE_VENDOR_SECRET, batch.removedVendorSecrets);
  add(UPSERT_VENDOR_SECRET, batch.vendorSecrets);
  add(UPSERT_VAULT_KEY, batch.vaultKeys);
  add(INSERT_CHARGE, batch.newCharges);
  add(UPDATE_CHARGE, batch.changedCharges);
  add(INSERT_AUDIT, batch.audit);
  return writes;
}

type Add = <Noun>(statement: Statement<Noun>, nouns: readonly Noun[]) => void;

function addRuns(add: Add, batch: WriteBatch): void {
  add(INSERT_SNAPSHOT, batch.snapshots);
  add<Run>(INSERT_RUN, batch.newRuns);
  add(INSERT_RUN_INPUT, batch.newRuns.filter(hasLargeInput));
  add<Run>(UPDATE_RUN, batch.changedRuns);
  add<Task>(INSERT_TASK, batch.newTasks);
  add(INSERT_TASK_INPUT, batch.newTasks.filter(hasLargeInput));
  add<Task>(UPDATE_TASK, batch.changedTasks);
}
