// The search over runs: one statement for each index that it may walk. Must never walk further than told.
import type { Reads, RunFilter, SearchOrder } from '../reads.ts';
import { FOUND_MAX } from '../reads.ts';
import { IS_UNSUCCESSFUL_RUN, rowsToLookAt, runsFound, type SearchPath, searchPath } from '../rows/run-search.ts';
import type { Querier } from './querier.ts';
import { stored, storedOrNull, textOf } from './text-column.ts';

const HEAD = 'row_id, id, name, version, correlation_id, idempotency_key, created_ms, status, details, state' as const;
/** What `FITS` asks of a row. */
const LOOK = 'row_id, id, name, version, correlation_id, created_ms, status, priority, ended_ms, state' as const;
const STARTED = 'created_ms between $8 and $9';
/**
 * All but the text, which may also be the id of a task. `updatedMs` is found in the text, where it stands first (see
 * ./prune.ts); at a cost, so only where it is asked for.
 */
export const RUN_FITS = `($1::text[] is null or id = any($1)) and ($2::text[] is null or name = any($2))
  and ($3::text[] is null or correlation_id = any($3))
  and ($5::bigint[] is null or version = any($5)) and ($6::bigint[] is null or priority = any($6))
  and status = any($7::text[]) and ${STARTED}
  and ($10::bigint is null or ended_ms between greatest($10, 1) and $11::bigint)
  and ($12::bigint is null or substring(state from '"updatedMs":([0-9]{1,16})')::bigint between $12 and $13::bigint)`;

/** Longer texts than an index holds: it is asked for their beginnings, and the row for the rest. */
function walks(direction: string): Record<SearchPath, string> {
  const byStart = `order by created_ms ${direction}, row_id ${direction} limit $14`;
  const select = `select ${LOOK} from run`;
  const ofName = `left(name, 200) = left(wanted.name, 200) and name = wanted.name and ${STARTED}`;
  const ofNames = (condition: string) =>
    `select walked.* from unnest($2::text[]) wanted(name) cross join lateral (${select} where ${condition} ${byStart}) walked`;
  return {
    id: `${select} where id = any($1::text[]) limit $14`,
    correlation: `${select} where left(correlation_id, 200) = any(array(select left(id, 200) from unnest($3::text[]) id))
      and correlation_id = any($3::text[]) limit $14`,
    text: `(${select} where id = $4::text)
      union (${select} where left(correlation_id, 200) = left($4::text, 200) and correlation_id = $4 limit $14)
      union (${select} where left(name, 200) = left($4::text, 200) and name = $4 and ${STARTED} ${byStart})`,
    // By key, which tells of processes' turns and not of each start: no more than a choice of which rows to look at.
    open: `${select} where ended_ms = 0 order by row_id ${direction} limit $14`,
    openOfNames: ofNames(`ended_ms = 0 and ${ofName}`),
    unsuccessful: `${select} where (${IS_UNSUCCESSFUL_RUN}) and ${STARTED} ${byStart}`,
    names: ofNames(ofName),
    all: `${select} where ${STARTED} ${byStart}`,
  };
}

const fitting = (walk: string) =>
  `select row_id, created_ms from (${walk}) walked
    where ${RUN_FITS} and ($4::text is null or $4 in (id, name, correlation_id))`;

/**
 * One row at least, for the total: without a run when the page is empty. `offset 0`: by key, one after another.
 * `fitting`: keys of runs, and when they started.
 */
export function pageOfRuns(fitting: string, direction: string): string {
  return `with fitting as materialized (${fitting}),
    page as materialized (
      select row_id from fitting order by created_ms ${direction}, row_id ${direction} limit $15 offset $16
    )
    select counted.total, found.* from (select least(count(*), ${FOUND_MAX}) as total from fitting) counted
    left join (
      select head.* from page
      cross join lateral (select ${HEAD} from run where run.row_id = page.row_id offset 0) head
    ) found on true order by found.created_ms ${direction}, found.row_id ${direction}`;
}

export const RUN_WALKS: Record<SearchOrder, Record<SearchPath, string>> = {
  newest: walks('desc'),
  oldest: walks('asc'),
};

/** From name to name along the index, however many runs each has. One of 200 characters may be a beginning. */
const RUN_NAMES = `with recursive known(name) as (
    select min(left(name, 200)) from run
    union all
    select (select min(left(run.name, 200)) from run where left(run.name, 200) > known.name) from known
    where known.name is not null
  )
  select name from known where length(name) < 200 limit $1`;

export function runSearches(querier: Querier): Pick<Reads, 'searchRuns' | 'runNames'> {
  return {
    searchRuns: async (filter, order, page) => {
      const path = searchPath(filter);
      const sql = pageOfRuns(fitting(RUN_WALKS[order][path]), order === 'newest' ? 'desc' : 'asc');
      const values = [...runValues(filter), rowsToLookAt(filter, page), page.count, page.start];
      return runsFound(await querier.all(sql, values, `search_runs_${path}_${order}`));
    },

    runNames: async (limit) => (await querier.all(RUN_NAMES, [limit], 'run_names')).map((row) => textOf(row, 'name')),
  };
}

export function runValues(filter: RunFilter): unknown[] {
  const { ids, names, correlationIds, text, versions, priorities, statuses, started, ended, updated } = filter;
  const texts = (list: readonly string[] | null) => list?.map(stored) ?? null;
  return [
    texts(ids),
    texts(names),
    texts(correlationIds),
    storedOrNull(text),
    versions,
    priorities,
    statuses,
    started.fromMs,
    started.toMs,
    ended?.fromMs ?? null,
    ended?.toMs ?? null,
    updated?.fromMs ?? null,
    updated?.toMs ?? null,
  ];
}
