// How a search over tasks is bounded, for every database: it walks an index of tasks, or runs as the search over runs does
// and from each to its tasks, for no index holds every task by its time. What the walk cannot tell is asked of the rows on
// the way. Must never let a search walk a whole table.
import { isRunTerminal, RUN_STATUSES } from '../../model/run-status.ts';
import { isSuccessful, isTerminal, TASK_STATUSES, type TaskStatus } from '../../model/task-status.ts';
import { FOUND_MAX, type FoundTask, type Page, type RunFilter, type TaskFilter } from '../reads.ts';
import { rowsToLookAt, type SearchPath, searchPath, totalOf } from './run-search.ts';
import { taskHeadOf } from './task-row.ts';
import { numberOf, type Row, textOf, textOrNull } from './text-column.ts';

/** What to walk: runs, but for `task`, `text` and `unsuccessful`. */
export type TaskSearchPath = 'task' | SearchPath;

/** Among the tasks of an open run, those that are open may be few. */
export const OPEN_LOOKS_MAX = 10 * FOUND_MAX;
/** Clocks of processes differ: a task may seem older than its run. */
const SKEW_MS = 60_000;

const isOpen = (status: TaskStatus) => !isTerminal(status);
const isUnsuccessful = (status: TaskStatus) => isTerminal(status) && !isSuccessful(status);

/** In SQL: the condition of the index `task_unsuccessful`, to the letter. */
export const IS_UNSUCCESSFUL_TASK = TASK_STATUSES.filter(isUnsuccessful)
  .map((status) => `status = '${status}'`)
  .join(' or ');

export function taskSearchPath(filter: TaskFilter): TaskSearchPath {
  if (filter.ids) return 'task';
  const path = searchPath(runsOf(filter));
  return (path === 'names' || path === 'all') && filter.statuses.every(isUnsuccessful) ? 'unsuccessful' : path;
}

/** What the runs of tasks that fit must be. Open tasks are of open runs, and no task is older than its run. */
export function runsOf({ runIds, names, correlationIds, statuses, text, ...times }: TaskFilter): RunFilter {
  const { scheduled, started, ended, updated } = times;
  const ends = [scheduled, started, ended, updated].flatMap((range) => (range ? range.toMs + SKEW_MS : []));
  return {
    ids: runIds,
    names,
    correlationIds,
    versions: null,
    priorities: null,
    statuses: statuses.every(isOpen) ? RUN_STATUSES.filter((status) => !isRunTerminal(status)) : RUN_STATUSES,
    started: { fromMs: 0, toMs: Math.min(Number.MAX_SAFE_INTEGER, ...ends) },
    ended: null,
    updated: null,
    text,
  };
}

/** How many rows the walk begins with: of tasks, or of runs. */
export function rowsToWalk(filter: TaskFilter, page: Page): number {
  const path = taskSearchPath(filter);
  return path === 'task' || path === 'unsuccessful' ? FOUND_MAX : rowsToLookAt(runsOf(filter), page);
}

/** As a row's `details` hold them. */
export function quoted(texts: readonly string[] | null) {
  return texts?.map((text) => JSON.stringify(text)) ?? null;
}

/** Reads one page of a search: each row has the total, and a task with its run unless the page is empty. */
export function tasksFound(rows: readonly Row[]) {
  return { total: totalOf(rows), tasks: rows.filter((row) => row.row_id !== null).map(foundTaskOf) };
}

function foundTaskOf(row: Row): FoundTask {
  return {
    task: taskHeadOf(row),
    run: {
      id: textOf(row, 'run_id'),
      name: textOf(row, 'run_name'),
      correlationId: textOrNull(row, 'correlation_id'),
      priority: numberOf(row, 'priority'),
    },
  };
}
