// The search over tasks: one statement for each index that it may walk. Must never walk further than told. What a task is
// called stands in `details` as JSON text, which is compared as it is; before it no text can hold a key, for texts escape
// their quotes.
import { FOUND_MAX, type Page, type Reads, type SearchOrder, type TaskFilter } from '../reads.ts';
import { runsFound } from '../rows/run-search.ts';
import {
  IS_UNSUCCESSFUL_TASK,
  OPEN_LOOKS_MAX,
  quoted,
  rowsToWalk,
  runsOf,
  type TaskSearchPath,
  taskSearchPath,
  tasksFound,
} from '../rows/task-search.ts';
import type { Querier } from './querier.ts';
import { pageOfRuns, RUN_FITS, RUN_WALKS, runValues } from './search-runs.ts';
import { stored } from './text-column.ts';

const HEAD = `task.row_id, task.id, run_row_id, seq, task.status, task.details, task.state, run.id as run_id,
  run.name as run_name, run.correlation_id, run.priority` as const;
const LOOK = 'row_id, id, run_row_id, status, details, state' as const;
const SCHEDULED = timeIn('details', 'scheduledMs');
/** As in the index `task_unsuccessful`, to the letter: a pattern refuses no row. */
const INDEXED = `substring(details from '"scheduledMs":([0-9]{1,16})')::bigint`;
const STARTED = timeIn('state', 'startedMs');
/** Conditions on the runs from $1, rows to walk $14, the page from $15; on the tasks from $17. */
const FITS = `status = any($21::text[]) and ($17::text[] is null or id = any($17))
  and ($4::text is null or id = $4 or (select $4 in (run.id, name, correlation_id) from run where run.row_id = run_row_id))
  and ($18::text[] is null or exists (select 1 from unnest($18) value where ${says('type')}))
  and ($19::text[] is null or exists (
    select 1 from unnest($19) value where ${says('defName')} or strpos(details, '"defName":') = 0 and ${says('type')}
  ))
  and ($20::text[] is null or exists (select 1 from unnest($20) value where ${says('ref')}))
  and ($22::bigint is null or ${SCHEDULED} between $22 and $23::bigint)
  and ($24::bigint is null or ${STARTED} between $24 and $25::bigint)
  and ($26::bigint is null or ${timeIn('state', 'endedMs')} between $26 and $27::bigint)
  and ($28::bigint is null or ${timeIn('state', 'updatedMs')} between $28 and $29::bigint)`;

/** Split, not matched by a pattern, which takes six times as long. */
function timeIn(column: string, key: string): string {
  return `nullif(split_part(rtrim(split_part(${column}, '"${key}":', 2), '}'), ',', 1), '')::bigint`;
}

function says(key: string): string {
  return `strpos(details, '"${key}":' || value) > 0`;
}

function walks(order: SearchOrder): Record<TaskSearchPath, string> {
  const direction = directionOf(order);
  const runs = RUN_WALKS[order];
  // Run after run. The index knows which tasks of a run were written last, not which were made last: of very many, it
  // chooses which to look at.
  const ofRuns = (walk: string, looksMax = FOUND_MAX) => `select task.* from (
      select row_id from (${walk}) walked where ${RUN_FITS}
      order by created_ms ${direction}, row_id ${direction} limit ${FOUND_MAX}
    ) run cross join lateral (
      select ${LOOK} from task where run_row_id = run.row_id order by revision ${direction} limit ${looksMax}
    ) task limit ${looksMax}`;
  const ofTasks = (walk: string) => `select * from (select ${LOOK} from task where ${walk} limit $14) walked
    where (select ${RUN_FITS} from run where run.row_id = run_row_id)`;
  return {
    task: ofTasks('id = any($17::text[])'),
    id: ofRuns(runs.id),
    correlation: ofRuns(runs.correlation),
    text: `(${ofTasks('id = $4::text')}) union (${ofRuns(runs.text)})`,
    open: ofRuns(runs.open, OPEN_LOOKS_MAX),
    openOfNames: ofRuns(runs.openOfNames, OPEN_LOOKS_MAX),
    unsuccessful: ofTasks(`(${IS_UNSUCCESSFUL_TASK})
      and ${INDEXED} between coalesce($22::bigint, 0) and $9 order by ${INDEXED} ${direction}, row_id ${direction}`),
    names: ofRuns(runs.names),
    all: ofRuns(runs.all),
  };
}

const WALKS: Record<SearchOrder, Record<TaskSearchPath, string>> = { newest: walks('newest'), oldest: walks('oldest') };

/** One row at least, for the total: without a task when the page is empty. `offset 0`: by key, one after another. */
function pageOfTasks(walk: string, direction: string): string {
  const inOrder = `order by begun_ms ${direction}, row_id ${direction}`;
  return `with fitting as materialized (
      select row_id, coalesce(${STARTED}, ${SCHEDULED}) as begun_ms from (${walk}) looked where ${FITS}
    ), page as materialized (select * from fitting ${inOrder} limit $15 offset $16)
    select counted.total, found.* from (select least(count(*), ${FOUND_MAX}) as total from fitting) counted
    left join (
      select head.*, begun_ms from page
      cross join lateral (
        select ${HEAD} from task, run where task.row_id = page.row_id and run.row_id = task.run_row_id offset 0
      ) head
    ) found on true order by found.begun_ms ${direction}, found.row_id ${direction}`;
}

const runsOfFitting = (
  walk: string,
) => `select run.* from (select distinct run_row_id from (${walk}) looked where ${FITS}) sought
  cross join lateral (select row_id, created_ms from run where run.row_id = sought.run_row_id offset 0) run`;

export function taskSearches(querier: Querier): Pick<Reads, 'searchTasks' | 'searchRunsByTasks'> {
  return {
    searchTasks: async (filter, order, page) => {
      const path = taskSearchPath(filter);
      const sql = pageOfTasks(WALKS[order][path], directionOf(order));
      return tasksFound(await querier.all(sql, valuesOf(filter, page), `search_tasks_${path}_${order}`));
    },

    searchRunsByTasks: async (filter, order, page) => {
      const path = taskSearchPath(filter);
      const sql = pageOfRuns(runsOfFitting(WALKS[order][path]), directionOf(order));
      return runsFound(await querier.all(sql, valuesOf(filter, page), `search_runs_by_tasks_${path}_${order}`));
    },
  };
}

function directionOf(order: SearchOrder): string {
  return order === 'newest' ? 'desc' : 'asc';
}

function valuesOf(filter: TaskFilter, page: Page): unknown[] {
  const { ids, types, defNames, refs, statuses, scheduled, started, ended, updated } = filter;
  return [
    ...runValues(runsOf(filter)),
    ...[rowsToWalk(filter, page), page.count, page.start],
    ...[ids?.map(stored) ?? null, quoted(types), quoted(defNames), quoted(refs), statuses],
    ...[scheduled, started, ended, updated].flatMap((range) => [range?.fromMs ?? null, range?.toMs ?? null]),
  ];
}
