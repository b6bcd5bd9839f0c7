// The query of a search over runs, `workflowType = billing AND status IN (FAILED, TIMED_OUT)`, as a filter for the store.
// Owns the fields and what may be asked of each.
import { RUN_STATUSES } from '../../../model/run-status.ts';
import type { RunFilter } from '../../../store/port.ts';
import { common, EVER, type Fields, narrowed, numbersOf, textsOf, within } from './search-conditions.ts';

const ANY_RUN: RunFilter = {
  ids: null,
  names: null,
  correlationIds: null,
  versions: null,
  priorities: null,
  statuses: RUN_STATUSES,
  started: EVER,
  ended: null,
  updated: null,
  text: null,
};

const FIELDS: Fields<RunFilter> = {
  workflowId: (filter, condition, wrong) => {
    filter.ids = common(filter.ids, textsOf(condition, wrong));
  },
  workflowType: (filter, condition, wrong) => {
    filter.names = common(filter.names, textsOf(condition, wrong));
  },
  correlationId: (filter, condition, wrong) => {
    filter.correlationIds = common(filter.correlationIds, textsOf(condition, wrong));
  },
  version: (filter, condition, wrong) => {
    filter.versions = common(filter.versions, numbersOf(condition, wrong));
  },
  priority: (filter, condition, wrong) => {
    filter.priorities = common(filter.priorities, numbersOf(condition, wrong));
  },
  status: (filter, condition, wrong) => {
    const wanted = textsOf(condition, wrong);
    const unknown = condition.values.find(({ value }) => !RUN_STATUSES.some((status) => status === value));
    if (unknown) throw wrong(unknown, `must be one of ${RUN_STATUSES.join(', ')}`);
    filter.statuses = filter.statuses.filter((status) => wanted.includes(status));
  },
  startTime: (filter, condition, wrong) => {
    filter.started = within(filter.started, condition, wrong);
  },
  endTime: (filter, condition, wrong) => {
    filter.ended = within(filter.ended, condition, wrong);
  },
  updateTime: (filter, condition, wrong) => {
    filter.updated = within(filter.updated, condition, wrong);
  },
};

/** Null or `*` asks for every run. Throws AppError invalid_request. */
export function searchFilter(query: string | null, freeText: string | null): RunFilter {
  return narrowed(query, FIELDS, { ...ANY_RUN, text: freeText === '*' ? null : freeText });
}
