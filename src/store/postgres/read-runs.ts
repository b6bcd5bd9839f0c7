// Reads of executions and their tasks. A read of several tables is one statement, so that it sees one moment: rows of
// runs and of their tasks come together, and those with a `run_row_id` are the tasks. Keys of two processes say nothing
// about which came first: time orders, keys break ties.
import { Json } from '../../model/json.ts';
import type { Run, Task } from '../../model/run.ts';
import type { OpenRun, OpenTask, Reads } from '../reads.ts';
import { OPEN_RUN_STATUSES } from '../rows/run-row.ts';
import type { HistoryRead } from '../write-batch.ts';
import type { Querier, Row } from './querier.ts';
import { RUN_READ, type RunDetails, type RunState, runOf, runStatusOf } from './run-row.ts';
import { runSearches } from './search-runs.ts';
import { taskSearches } from './search-tasks.ts';
import { OPEN_TASK_STATUSES, TASK_READ, type TaskDetails, type TaskState, taskOf, taskStatusOf } from './task-row.ts';
import { documentOf, numberOf, stored, textOf } from './text-column.ts';

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

const SELECT_RUN = `select ${RUN_READ} from run`;
const SELECT_TASK = `select ${TASK_READ} from task`;
const EITHER_READ = [...new Set([RUN_READ, TASK_READ].flatMap(names))];
const SELECT_RUN_OF_EITHER = `select ${padded(RUN_READ)} from run`;
const SELECT_TASK_OF_EITHER = `select ${padded(TASK_READ)} from task`;

/** Names and correlation ids may be longer than an index takes: it holds their beginnings, and a search asks for both. */
export const RUN_READS = {
  runRowId: 'select row_id from run where id = $1',

  run: `${SELECT_RUN} where id = $1`,

  runWithTasks: `${SELECT_RUN_OF_EITHER} where id = $1
    union all ${SELECT_TASK_OF_EITHER} where run_row_id = (select row_id from run where id = $1)
    order by seq nulls first, row_id`,

  taskById: `${SELECT_TASK_OF_EITHER} where id = $1
    union all ${SELECT_RUN_OF_EITHER} where row_id = (select run_row_id from task where id = $1)`,

  // One row at least, for the total: without a `row_id` when the page is empty.
  tasksOf: `with matching as materialized (
      select row_id, seq from task where run_row_id = $1 and (cardinality($2::text[]) = 0 or status = any($2::text[]))
    ), page as (
      select row_id from matching order by seq, row_id limit $3 offset $4
    )
    select counted.total, found.* from (select count(*) as total from matching) counted
    left join (${SELECT_TASK} where row_id in (select row_id from page)) found on true
    order by found.seq, found.row_id`,

  runningIds: `select id from run where ended_ms = 0 and left(name, 200) = left($1, 200) and name = $1
    and ($2::bigint is null or version = $2) and created_ms between $3 and $4 order by created_ms, row_id`,

  // By status: `ended_ms = 0` would tempt the planner to go through all open runs.
  correlated: `${SELECT_RUN} where left(correlation_id, 200) = any(array(select left(id, 200) from unnest($1::text[]) id))
    and correlation_id = any($1::text[]) and name = $2
    and ($3 or status in (${OPEN_RUN_STATUSES})) order by created_ms, row_id`,

  snapshot: 'select document from snapshot where id = $1',

  logs: 'select task_id, log, created_ms from task_log where task_id = any($1::text[]) order by row_id',

  polls: `select queue_name, domain, worker_id, last_poll_ms from poll where last_poll_ms >= $1
    order by queue_name collate "C", domain collate "C", worker_id collate "C"`,

  historyReads: 'select document from history_read where run_id = $1 order by row_id',

  openRuns: `with open as materialized (
      select row_id, id, name, status, details, state from run where ended_ms = 0 and row_id > $1 order by row_id limit $2
    )
    select row_id, id, null::bigint as run_row_id, null::bigint as seq, name, status, details, state from open
    union all
    select row_id, id, run_row_id, seq, null as name, status, details, state from task
    where run_row_id in (select row_id from open) and status in (${OPEN_TASK_STATUSES})
    order by run_row_id nulls first, row_id`,
} as const;

export function runReads(querier: Querier): RunReads {
  return {
    runRowId: async (id) => {
      const [row] = await querier.all(RUN_READS.runRowId, [stored(id)], 'read_run_row_id');
      return row ? numberOf(row, 'row_id') : null;
    },

    run: async (id, includeTasks) => {
      if (includeTasks) {
        const { run, tasks } = apart(await querier.all(RUN_READS.runWithTasks, [stored(id)], 'read_run_with_tasks'));
        return run && { run, tasks };
      }
      const [row] = await querier.all(RUN_READS.run, [stored(id)], 'read_run');
      return row ? { run: runOf(row), tasks: [] } : null;
    },

    taskById: async (id) => {
      const { run, tasks } = apart(await querier.all(RUN_READS.taskById, [stored(id)], 'read_task_by_id'));
      const [task] = tasks;
      return task && run ? { task, run } : null;
    },

    tasksOf: async (runRowId, page, statuses) => {
      const values = [runRowId, statuses, page.count, page.start];
      const rows = await querier.all(RUN_READS.tasksOf, values, 'read_tasks_of');
      const total = rows[0] ? numberOf(rows[0], 'total') : 0;
      return { total, tasks: rows.filter((row) => row.row_id !== null).map(taskOf) };
    },

    ...searches(querier),
    ...runSearches(querier),
    ...taskSearches(querier),
    ...records(querier),
  };
}

function searches(querier: Querier): Pick<Reads, 'runningIds' | 'correlated' | 'openRuns'> {
  return {
    runningIds: async (name, version, fromMs, toMs) => {
      const rows = await querier.all(RUN_READS.runningIds, [stored(name), version, fromMs, toMs]);
      return rows.map((row) => textOf(row, 'id'));
    },

    correlated: async (name, correlationIds, includeClosed) => {
      const values = [correlationIds.map(stored), stored(name), includeClosed];
      return (await querier.all(RUN_READS.correlated, values)).map(runOf);
    },

    openRuns: async (afterRowId, limit) => {
      const open = new Map<number, OpenRun & { readonly tasks: OpenTask[] }>();
      for (const row of await querier.all(RUN_READS.openRuns, [afterRowId, limit])) {
        if (row.run_row_id === null) open.set(numberOf(row, 'row_id'), openRun(row));
        else open.get(numberOf(row, 'run_row_id'))?.tasks.push(openTask(row));
      }
      return [...open.values()];
    },
  };
}

function records(querier: Querier): Pick<Reads, 'snapshot' | 'logs' | 'polls' | 'historyReads'> {
  return {
    snapshot: async (id) => {
      const [row] = await querier.all(RUN_READS.snapshot, [stored(id)], 'read_snapshot');
      return row ? { id, document: Json.text(textOf(row, 'document')) } : null;
    },

    logs: async (taskIds) => {
      const rows = await querier.all(RUN_READS.logs, [taskIds.map(stored)], 'read_logs');
      return rows.map((row) => ({
        taskId: textOf(row, 'task_id'),
        log: textOf(row, 'log'),
        createdMs: numberOf(row, 'created_ms'),
      }));
    },

    polls: async (sinceMs) => {
      const rows = await querier.all(RUN_READS.polls, [sinceMs], 'polls');
      return rows.map((row) => ({
        queueName: textOf(row, 'queue_name'),
        domain: textOf(row, 'domain'),
        workerId: textOf(row, 'worker_id'),
        lastPollMs: numberOf(row, 'last_poll_ms'),
      }));
    },

    historyReads: async (runId) => {
      const rows = await querier.all(RUN_READS.historyReads, [stored(runId)], 'read_history_reads');
      return rows.map((row) => documentOf<HistoryRead>(row));
    },
  };
}

/** The run of a statement for a single one, and its tasks in the order of the rows. */
function apart(rows: readonly Row[]): { run: Run | null; tasks: Task[] } {
  const run = rows.find((row) => row.run_row_id === null);
  const tasks = rows.filter((row) => row.run_row_id !== null).map(taskOf);
  return { run: run ? runOf(run) : null, tasks };
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

function names(read: string): string[] {
  return read.split(', ');
}

/** The columns of runs and tasks, null where `read` has none of the name. */
function padded(read: string): string {
  const own = new Set(names(read));
  return EITHER_READ.map((name) => (own.has(name) ? name : `null as ${name}`)).join(', ');
}
