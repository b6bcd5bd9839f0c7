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
import { stored } from '../rows/text-column.ts';
import type { SqlValue } from './driver.ts';
import type { Querier } from './readers.ts';
import { pageOfRuns, RUN_FITS, RUN_WALKS, runValues } from './search-runs.ts';

const HEAD = `task.row_id, task.id, run_row_id, seq, task.status, task.details, task.state, run.id as run_id,
  run.name as run_name, run.correlation_id, coalesce(json_extract(run.details, '$.priority'), 0) as priority` as const;
const LOOK = 'task.row_id, task.id, task.run_row_id, task.status, task.details, task.state' as const;
const SCHEDULED = `json_extract(details, '$.scheduledMs')`;
const STARTED = `json_extract(state, '$.startedMs')`;
/** Conditions on the runs from ?1, rows to walk ?14, the page from ?15; on the tasks from ?17. */
const FITS = `status in (select value from json_each(?21)) and (?17 is null or id in (select value from json_each(?17)))
  and (?4 is null or id = ?4 or (select ?4 in (run.id, name, correlation_id) from run where run.row_id = run_row_id))
  and (?18 is null or exists (select 1 from json_each(?18) where ${says('type')}))
  and (?19 is null or exists (
    select 1 from json_each(?19) where ${says('defName')} or instr(details, '"defName":') = 0 and ${says('type')}
  ))
  and (?20 is null or exists (select 1 from json_each(?20) where ${says('ref')}))
  and (?22 is null or ${SCHEDULED} between ?22 and ?23) and (?24 is null or ${STARTED} between ?24 and ?25)
  and (?26 is null or json_extract(state, '$.endedMs') between ?26 and ?27)
  and (?28 is null or json_extract(state, '$.updatedMs') between ?28 and ?29)`;

function says(key: string): string {
  return `instr(details, '"${key}":' || value) > 0`;
}

function walks(order: SearchOrder): Record<TaskSearchPath, string> {
  const direction = directionOf(order);
  const runs = RUN_WALKS[order];
  // The index begins with the oldest tasks of a run; of very many the newest may be wanted.
  const lastOf = (max: number) =>
    order === 'newest' ? `and seq > coalesce(json_extract(run.state, '$.lastSeq'), 0) - ${max}` : '';
  // `cross join`: run after run.
  const ofRuns = (walk: string, looksMax = FOUND_MAX) => `select ${LOOK} from (
      select row_id, state from (${walk}) where ${RUN_FITS}
      order by created_ms ${direction}, row_id ${direction} limit ${FOUND_MAX}
    ) run cross join task indexed by task_run on run_row_id = run.row_id ${lastOf(looksMax)} limit ${looksMax}`;
  const ofTasks = (walk: string) => `select * from (select ${LOOK} from task ${walk} limit ?14)
    where (select ${RUN_FITS} from run where run.row_id = run_row_id)`;
  return {
    task: ofTasks('indexed by task_id where id in (select value from json_each(?17))'),
    id: ofRuns(runs.id),
    correlation: ofRuns(runs.correlation),
    text: `${ofTasks('indexed by task_id where id = ?4')} union select * from (${ofRuns(runs.text)})`,
    open: ofRuns(runs.open, OPEN_LOOKS_MAX),
    openOfNames: ofRuns(runs.openOfNames, OPEN_LOOKS_MAX),
    unsuccessful: ofTasks(`indexed by task_unsuccessful where (${IS_UNSUCCESSFUL_TASK})
      and ${SCHEDULED} between coalesce(?22, 0) and ?9 order by ${SCHEDULED} ${direction}, row_id ${direction}`),
    names: ofRuns(runs.names),
    all: ofRuns(runs.all),
  };
}

const WALKS: Record<SearchOrder, Record<TaskSearchPath, string>> = { newest: walks('newest'), oldest: walks('oldest') };

/** One row at least, for the total: without a task when the page is empty. */
function pageOfTasks(walk: string, direction: string): string {
  const inOrder = `order by begun_ms ${direction}, row_id ${direction}`;
  return `with fitting as materialized (
      select row_id, coalesce(${STARTED}, ${SCHEDULED}) as begun_ms from (${walk}) where ${FITS}
    )
    select counted.total, found.* from (select min(count(*), ${FOUND_MAX}) as total from fitting) counted
    left join (
      select ${HEAD}, begun_ms from (select * from fitting ${inOrder} limit ?15 offset ?16) page
      join task on task.row_id = page.row_id join run on run.row_id = run_row_id
    ) found on true ${inOrder}`;
}

const runsOfFitting = (walk: string) =>
  `select row_id, created_ms from run where row_id in (select run_row_id from (${walk}) where ${FITS})`;

export function taskSearches(querier: Querier): Pick<Reads, 'searchTasks' | 'searchRunsByTasks'> {
  return {
    searchTasks: async (filter, order, page) => {
      const sql = pageOfTasks(WALKS[order][taskSearchPath(filter)], directionOf(order));
      return tasksFound(await querier.all(sql, ...valuesOf(filter, page)));
    },

    searchRunsByTasks: async (filter, order, page) => {
      const sql = pageOfRuns(runsOfFitting(WALKS[order][taskSearchPath(filter)]), directionOf(order));
      return runsFound(await querier.all(sql, ...valuesOf(filter, page)));
    },
  };
}

function directionOf(order: SearchOrder): string {
  return order === 'newest' ? 'desc' : 'asc';
}

function valuesOf(filter: TaskFilter, page: Page): SqlValue[] {
  const { ids, types, defNames, refs, statuses, scheduled, started, ended, updated } = filter;
  const list = (texts: readonly string[] | null) => texts && JSON.stringify(texts);
  return [
    ...runValues(runsOf(filter)),
    ...[rowsToWalk(filter, page), page.count, page.start],
    ...[ids?.map(stored) ?? null, quoted(types), quoted(defNames), quoted(refs), statuses].map(list),
    ...[scheduled, started, ended, updated].flatMap((range) => [range?.fromMs ?? null, range?.toMs ?? null]),
  ];
}
