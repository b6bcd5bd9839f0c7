// Reads of executions and their tasks. A read of several tables asks all of its queries at once, over one snapshot.
import { Json } from '../../model/json.ts';
import type { LoadedRuns, StartedRun, StartKey, WantedRun } from '../port.ts';
import type { OpenRun, OpenTask, Reads } from '../reads.ts';
import { documentOf, numberOf, stored, textOf } from '../rows/text-column.ts';
import type { HistoryRead } from '../write-batch.ts';
import type { Row, SqlValue } from './driver.ts';
import { selectInput } from './large-input.ts';
import type { Query } from './messages.ts';
import type { Querier } from './readers.ts';
import { OPEN_RUN_STATUSES, RUN_COLUMNS, type RunDetails, type RunState, runOf, runStatusOf } from './run-row.ts';
import { runSearches } from './search-runs.ts';
import { taskSearches } from './search-tasks.ts';
import type { Column } from './table.ts';
import {
  OPEN_TASK_STATUSES,
  TASK_COLUMNS,
  type TaskDetails,
  type TaskState,
  taskOf,
  taskStatusOf,
} from './task-row.ts';

type RunReads = Pick<
  Reads,
  | 'runRowId'
  | 'run'
  | 'taskById'
  | 'tasksOf'
  | 'runningIds'
  | 'correlated'
  | 'searchRuns'
  | 'searchTasks'
  | 'searchRunsByTasks'
  | 'runNames'
  | 'snapshot'
  | 'logs'
  | 'polls'
  | 'historyReads'
  | 'openRuns'
>;

const SELECT_RUN = selectFrom('run', RUN_COLUMNS);
const SELECT_TASK = selectFrom('task', TASK_COLUMNS);
const ROW_ID_OF = '(select row_id from run where id = ?)';

/** The runs with these keys and all their tasks, in the order of the keys. */
export async function loadRuns(querier: Querier, wanted: readonly WantedRun[]): Promise<LoadedRuns> {
  const keys = JSON.stringify(wanted.map(({ rowId }) => rowId));
  const [runs = [], tasks = []] = await querier.query(
    ask(`${SELECT_RUN} where row_id in (select value from json_each(?))`, keys),
    ask(`${SELECT_TASK} where run_row_id in (select value from json_each(?)) order by run_row_id, seq, row_id`, keys),
  );
  const loaded = new Map(runs.map((row) => [numberOf(row, 'row_id'), loadedRun(row, [])]));
  for (const row of tasks) loaded.get(numberOf(row, 'run_row_id'))?.tasks.push(taskOf(row));
  const found = wanted.flatMap(({ rowId }) => loaded.get(rowId) ?? []);
  const gone = wanted.flatMap(({ rowId }) => (loaded.has(rowId) ? [] : rowId));
  return { changed: found.map(({ run, tasks }) => ({ run, tasks, revision: 0, since: 0 })), busy: [], gone };
}

/** The newest run of each key, or null. */
export async function startedWith(querier: Querier, keys: readonly StartKey[]): Promise<(StartedRun | null)[]> {
  const newest = 'select id, status from run where idempotency_key = ? and name = ? order by row_id desc limit 1';
  const found = await querier.query(...keys.map(({ name, key }) => ask(newest, stored(key), stored(name))));
  return found.map(([row]) => (row ? { id: textOf(row, 'id'), status: runStatusOf(row) } : null));
}

export function runReads(querier: Querier): RunReads {
  return {
    runRowId: async (id) => {
      const [row] = await querier.all('select row_id from run where id = ?', stored(id));
      return row ? numberOf(row, 'row_id') : null;
    },

    run: async (id, includeTasks) => {
      const queries = [ask(`${SELECT_RUN} where id = ?`, stored(id))];
      if (includeTasks)
        queries.push(ask(`${SELECT_TASK} where run_row_id = ${ROW_ID_OF} order by seq, row_id`, stored(id)));
      const [[row] = [], tasks = []] = await querier.query(...queries);
      return row ? loadedRun(row, tasks) : null;
    },

    taskById: async (id) => {
      const [[task] = [], [run] = []] = await querier.query(
        ask(`${SELECT_TASK} where id = ?`, stored(id)),
        ask(`${SELECT_RUN} where row_id = (select run_row_id from task where id = ?)`, stored(id)),
      );
      return task && run ? { task: taskOf(task), run: runOf(run) } : null;
    },

    tasksOf: async (runRowId, page, statuses) => {
      const some = statuses.length > 0;
      const where = `where run_row_id = ?${some ? ' and status in (select value from json_each(?))' : ''}`;
      const values = some ? [runRowId, JSON.stringify(statuses)] : [runRowId];
      const [[count] = [], rows = []] = await querier.query(
        ask(`select count(*) as total from task ${where}`, ...values),
        ask(`${SELECT_TASK} ${where} order by seq, row_id limit ? offset ?`, ...values, page.count, page.start),
      );
      return { total: count ? numberOf(count, 'total') : 0, tasks: rows.map(taskOf) };
    },

    ...searches(querier),
    ...runSearches(querier),
    ...taskSearches(querier),
    ...records(querier),
    openRuns: (afterRowId, limit) => openRuns(querier, afterRowId, limit),
  };
}

function searches(querier: Querier): Pick<Reads, 'runningIds' | 'correlated'> {
  return {
    runningIds: async (name, version, fromMs, toMs) => {
      const rows = await querier.all(
        `select id from run indexed by run_open where status in (${OPEN_RUN_STATUSES}) and name = ?1
         and (?2 is null or version = ?2) and created_ms between ?3 and ?4 order by row_id`,
        stored(name),
        version,
        fromMs,
        toMs,
      );
      return rows.map((row) => textOf(row, 'id'));
    },

    correlated: async (name, correlationIds, includeClosed) => {
      const open = includeClosed ? '' : ` and status in (${OPEN_RUN_STATUSES})`;
      const rows = await querier.all(
        `${SELECT_RUN} where correlation_id in (select value from json_each(?)) and name = ?${open} order by row_id`,
        JSON.stringify(correlationIds.map(stored)),
        stored(name),
      );
      return rows.map(runOf);
    },
  };
}

function records(querier: Querier): Pick<Reads, 'snapshot' | 'logs' | 'polls' | 'historyReads'> {
  return {
    snapshot: async (id) => {
      const [row] = await querier.all('select document from snapshot where id = ?', stored(id));
      return row ? { id, document: Json.text(textOf(row, 'document')) } : null;
    },

    logs: async (taskIds) => {
      const rows = await querier.all(
        'select * from task_log where task_id in (select value from json_each(?)) order by row_id',
        JSON.stringify(taskIds.map(stored)),
      );
      return rows.map((row) => ({
        taskId: textOf(row, 'task_id'),
        log: textOf(row, 'log'),
        createdMs: numberOf(row, 'created_ms'),
      }));
    },

    polls: async (sinceMs) => {
      const rows = await querier.all(
        'select * from poll where last_poll_ms >= ? order by queue_name, domain, worker_id',
        sinceMs,
      );
      return rows.map((row) => ({
        queueName: textOf(row, 'queue_name'),
        domain: textOf(row, 'domain'),
        workerId: textOf(row, 'worker_id'),
        lastPollMs: numberOf(row, 'last_poll_ms'),
      }));
    },

    historyReads: async (runId) => {
      const rows = await querier.all(
        'select document from history_read where run_id = ? order by row_id',
        stored(runId),
      );
      return rows.map((row) => documentOf<HistoryRead>(row));
    },
  };
}

async function openRuns(querier: Querier, afterRowId: number, limit: number): Promise<OpenRun[]> {
  const from = `from run indexed by run_open where status in (${OPEN_RUN_STATUSES}) and row_id > ? order by row_id limit ?`;
  const [runs = [], tasks = []] = await querier.query(
    ask(`select row_id, id, name, status, details, state ${from}`, afterRowId, limit),
    ask(
      `select row_id, id, run_row_id, seq, status, details, state from task
       where run_row_id in (select row_id ${from}) and status in (${OPEN_TASK_STATUSES}) order by row_id`,
      afterRowId,
      limit,
    ),
  );
  const open = new Map(runs.map((row) => [numberOf(row, 'row_id'), openRun(row)]));
  for (const row of tasks) open.get(numberOf(row, 'run_row_id'))?.tasks.push(openTask(row));
  return [...open.values()];
}

function openRun(row: Row) {
  const tasks: OpenTask[] = [];
  return {
    rowId: numberOf(row, 'row_id'),
    id: textOf(row, 'id'),
    name: textOf(row, 'name'),
    priority: documentOf<RunDetails>(row, 'details').priority ?? 0,
    status: runStatusOf(row),
    dueMs: documentOf<RunState>(row, 'state').dueMs ?? 0,
    tasks,
  };
}

function openTask(row: Row): OpenTask {
  const details: TaskDetails = documentOf(row, 'details');
  const state: TaskState = documentOf(row, 'state');
  return {
    rowId: numberOf(row, 'row_id'),
    id: textOf(row, 'id'),
    queue: details.queue ?? null,
    domain: details.domain ?? null,
    defName: details.defName ?? details.type,
    status: taskStatusOf(row),
    visibleMs: state.visibleMs ?? 0,
    dueMs: state.dueMs ?? 0,
    startedMs: state.startedMs ?? 0,
    seq: numberOf(row, 'seq'),
  };
}

function loadedRun(row: Row, tasks: readonly Row[]) {
  return { run: runOf(row), tasks: tasks.map(taskOf) };
}

function selectFrom<Noun>(table: 'run' | 'task', columns: readonly Column<Noun>[]): string {
  const names = columns.map(({ name }) => (name === 'input' ? selectInput(table) : name));
  return `select ${names.join(', ')} from ${table}`;
}

function ask(sql: string, ...values: SqlValue[]): Query {
  return { sql, values };
}
