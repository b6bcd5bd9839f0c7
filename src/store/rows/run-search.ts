// How a search over runs is bounded, for every database: which index it walks, and how far. What that index cannot tell
// is asked of the rows on the way. Must never let a search walk a whole table.
import { isRunTerminal, RUN_STATUSES, type RunStatus } from '../../model/run-status.ts';
import { FOUND_MAX, type Page, type RunFilter } from '../reads.ts';
import { runHeadOf } from './run-row.ts';
import { numberOf, type Row } from './text-column.ts';

/** The index to walk. */
export type SearchPath = 'id' | 'correlation' | 'text' | 'open' | 'openOfNames' | 'unsuccessful' | 'names' | 'all';

/** Rows that a search over several names reads in all, unless its page needs more. */
const LOOKS_MAX = 2 * FOUND_MAX;

const isUnsuccessful = (status: RunStatus) => isRunTerminal(status) && status !== 'COMPLETED';

/** In SQL: the condition of the index `run_unsuccessful`, to the letter. */
export const IS_UNSUCCESSFUL_RUN = RUN_STATUSES.filter(isUnsuccessful)
  .map((status) => `status = '${status}'`)
  .join(' or ');

export function searchPath({ ids, correlationIds, text, statuses, names }: RunFilter): SearchPath {
  if (ids) return 'id';
  if (correlationIds) return 'correlation';
  if (text !== null) return 'text';
  if (statuses.every((status) => !isRunTerminal(status))) return names ? 'openOfNames' : 'open';
  if (statuses.every(isUnsuccessful)) return 'unsuccessful';
  return names ? 'names' : 'all';
}

/** How many rows of each name, or of the whole index, are read: one more than the page at least, to tell that there are. */
export function rowsToLookAt({ names }: RunFilter, { start, count }: Page): number {
  const share = Math.floor(LOOKS_MAX / Math.max(1, names?.length ?? 1));
  return Math.min(FOUND_MAX, Math.max(share, start + count + 1));
}

/** Reads one page of a search: each row has the total, and a run unless the page is empty. */
export function runsFound(rows: readonly Row[]) {
  return { total: totalOf(rows), runs: rows.filter((row) => row.row_id !== null).map(runHeadOf) };
}

export function totalOf([row]: readonly Row[]): number {
  return row ? numberOf(row, 'total') : 0;
}
