// What processes on one database tell each other outside rounds: notes, stamps, signs of life, and what a process that
// died has left behind.
import { Json } from '../../model/json.ts';
import type { SharedStore } from '../shared-port.ts';
import { counting } from './count-up.ts';
import { keyValues } from './key-values.ts';
import type { Announcer, Listener } from './listener.ts';
import type { Querier } from './querier.ts';
import { SELECT_STAMPS, stampsOf } from './stamps.ts';
import { numberOf, stored, textOf } from './text-column.ts';

const OVERDUE = `select run_row_id, task_row_id from (
    (select row_id as run_row_id, 0::bigint as task_row_id, due_ms from run
     where due_ms > 0 and due_ms <= $1 order by due_ms limit $2)
    union all
    (select run_row_id, row_id, due_ms from task where due_ms > 0 and due_ms <= $1 order by due_ms limit $2)
  ) as due order by due_ms limit $2`;

const SIGNALS = `select row_id, run_row_id, created_ms, document from signal
  where created_ms < $1 order by created_ms, row_id limit $2`;

const KEEP_FIRST = 'insert into agreement (name, value) values ($1, $2) on conflict (name) do nothing';

const HEARTBEAT = 'insert into process values ($1, now()) on conflict (id) do update set alive_at = excluded.alive_at';

const AT_SERVERS = `status = 'IN_PROGRESS' and worker_id like 'server:%'`;
const ORPHANS = `select row_id, run_row_id, worker_id from task where ${AT_SERVERS} and not exists (
    select 1 from process where 'server:' || process.id = worker_id
    and alive_at >= now() - $1::bigint * interval '1 millisecond'
  ) order by row_id limit $2`;

const READY_SIZES = `select queue_key, count(*) as ready from task
  where queue_key is not null and ready_ms <= $1 group by queue_key`;

export function sharedStore(querier: Querier, listener: Listener | null, announcer: Announcer | null): SharedStore {
  return {
    onReady: (callback) => listener?.onReady(callback),
    announce: (keys) => announcer?.announce(keys),

    stamps: async () => {
      const [row = {}] = await querier.all(SELECT_STAMPS, [], 'stamps');
      return stampsOf(row);
    },

    overdue: async (beforeMs, limit) => {
      const rows = await querier.all(OVERDUE, [beforeMs, limit], 'overdue');
      return rows.map((row) => ({
        runRowId: numberOf(row, 'run_row_id'),
        taskRowId: numberOf(row, 'task_row_id'),
      }));
    },

    signals: async (createdBeforeMs, limit) => {
      const rows = await querier.all(SIGNALS, [createdBeforeMs, limit], 'signals');
      return rows.map((row) => ({
        rowId: numberOf(row, 'row_id'),
        runRowId: numberOf(row, 'run_row_id'),
        createdMs: numberOf(row, 'created_ms'),
        document: Json.text(textOf(row, 'document')),
      }));
    },

    heartbeat: async (processId) => {
      await querier.all(HEARTBEAT, [stored(processId)], 'heartbeat');
    },

    agree: async (name, value) => {
      await querier.all(KEEP_FIRST, [stored(name), stored(value)]);
      const [row = {}] = await querier.all('select value from agreement where name = $1', [stored(name)]);
      return textOf(row, 'value');
    },

    leave: async (processId) => {
      await querier.all('delete from process where id = $1', [stored(processId)]);
    },

    orphans: async (silentMs, limit) => {
      const rows = await querier.all(ORPHANS, [silentMs, limit], 'orphans');
      return rows.map((row) => ({
        taskRowId: numberOf(row, 'row_id'),
        runRowId: numberOf(row, 'run_row_id'),
        workerId: textOf(row, 'worker_id'),
      }));
    },

    readySizes: async (now) => {
      const rows = await querier.all(READY_SIZES, [now], 'ready_sizes');
      return Object.fromEntries(rows.map((row) => [textOf(row, 'queue_key'), numberOf(row, 'ready')]));
    },

    countUp: counting(querier),
    keyValues: keyValues(querier),
  };
}
