// The search over runs: one statement for each index that it may walk. Must never walk further than told.
import type { Reads, RunFilter, SearchOrder } from '../reads.ts';
import { FOUND_MAX } from '../reads.ts';
import { IS_UNSUCCESSFUL_RUN, rowsToLookAt, runsFound, type SearchPath, searchPath } from '../rows/run-search.ts';
import { stored, storedOrNull, textOf } from '../rows/text-column.ts';
import type { SqlValue } from './driver.ts';
import type { Querier } from './readers.ts';
import { OPEN_RUN_STATUSES } from './run-row.ts';

const HEAD = 'row_id, id, name, version, correlation_id, idempotency_key, created_ms, status, details, state' as const;
const IS_NAME = 'name in (select value from json_each(?2))';
const STARTED = 'created_ms between ?8 and ?9';
/** All but the text, which may also be the id of a task. */
export const RUN_FITS = `(?1 is null or id in (select value from json_each(?1))) and (?2 is null or ${IS_NAME})
  and (?3 is null or correlation_id in (select value from json_each(?3)))
  and (?5 is null or version in (select value from json_each(?5)))
  and (?6 is null or coalesce(json_extract(details, '$.priority'), 0) in (select value from json_each(?6)))
  and status in (select value from json_each(?7)) and ${STARTED}
  and (?10 is null or json_extract(state, '$.endedMs') between ?10 and ?11)
  and (?12 is null or json_extract(state, '$.updatedMs') between ?12 and ?13)`;

/** `order by` makes an end of the index the beginning. */
function walks(direction: string): Record<SearchPath, string> {
  const byStart = `order by created_ms ${direction}, row_id ${direction} limit ?14`;
  const select = `select ${HEAD} from run`;
  const open = `${select} indexed by run_open where status in (${OPEN_RUN_STATUSES})`;
  const byRow = `order by row_id ${direction} limit ?14`;
  const keys = (index: string, condition: string, end: string) =>
    `select * from (select row_id from run indexed by ${index} where ${condition} ${end})`;
  return {
    id: `${select} indexed by run_id where id in (select value from json_each(?1)) limit ?14`,
    correlation: `${select} indexed by run_correlation
      where correlation_id in (select value from json_each(?3)) limit ?14`,
    text: `${select} where row_id in (${keys('run_id', 'id = ?4', '')}
      union ${keys('run_correlation', 'correlation_id = ?4', 'limit ?14')}
      union ${keys('run_name', `name = ?4 and ${STARTED}`, byStart)})`,
    open: `${open} ${byRow}`,
    openOfNames: `${open} and ${IS_NAME} ${byRow}`,
    unsuccessful: `${select} indexed by run_unsuccessful
      where (${IS_UNSUCCESSFUL_RUN}) and ${STARTED} ${byStart}`,
    names: `select ${HEAD} from (select value as wanted from json_each(?2)) cross join run
      where row_id in (${keys('run_name', `name = wanted and ${STARTED}`, byStart)})`,
    all: `${select} indexed by run_created where ${STARTED} ${byStart}`,
  };
}

const fitting = (walk: string) =>
  `select row_id, created_ms from (${walk}) where ${RUN_FITS} and (?4 is null or ?4 in (id, name, correlation_id))`;

/** One row at least, for the total: without a run when the page is empty. `fitting`: keys of runs, and when they started. */
export function pageOfRuns(fitting: string, direction: string): string {
  return `with fitting as materialized (${fitting})
    select counted.total, found.* from (select min(count(*), ${FOUND_MAX}) as total from fitting) counted
    left join (
      select ${HEAD} from run where row_id in (
        select row_id from fitting order by created_ms ${direction}, row_id ${direction} limit ?15 offset ?16
      )
    ) found on true order by found.created_ms ${direction}, found.row_id ${direction}`;
}

export const RUN_WALKS: Record<SearchOrder, Record<SearchPath, string>> = {
  newest: walks('desc'),
  oldest: walks('asc'),
};

/** From name to name along the index, however many runs each has. */
const RUN_NAMES = `with recursive known(name) as (
    select min(name) from run
    union all select (select min(run.name) from run where run.name > known.name) from known where known.name is not null
  )
  select name from known where name is not null limit ?`;

export function runSearches(querier: Querier): Pick<Reads, 'searchRuns' | 'runNames'> {
  return {
    searchRuns: async (filter, order, page) => {
      const sql = pageOfRuns(fitting(RUN_WALKS[order][searchPath(filter)]), order === 'newest' ? 'desc' : 'asc');
      const values = [...runValues(filter), rowsToLookAt(filter, page), page.count, page.start];
      return runsFound(await querier.all(sql, ...values));
    },

    runNames: async (limit) => (await querier.all(RUN_NAMES, limit)).map((row) => textOf(row, 'name')),
  };
}

export function runValues(filter: RunFilter): SqlValue[] {
  const { ids, names, correlationIds, text, versions, priorities, statuses, started, ended, updated } = filter;
  const texts = (list: readonly string[] | null) => list && JSON.stringify(list.map(stored));
  const numbers = (list: readonly number[] | null) => list && JSON.stringify(list);
  return [
    texts(ids),
    texts(names),
    texts(correlationIds),
    storedOrNull(text),
    numbers(versions),
    numbers(priorities),
    JSON.stringify(statuses),
    started.fromMs,
    started.toMs,
    ended?.fromMs ?? null,
    ended?.toMs ?? null,
    updated?.fromMs ?? null,
    updated?.toMs ?? null,
  ];
}
