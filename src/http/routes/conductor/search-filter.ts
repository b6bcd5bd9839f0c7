// The fields of the searches, over executions and over tasks, as filters for the store. Whoever adds a field also adds it
// to docs/reference/search.md.
import { RUN_STATUSES } from '../../../model/run-status.ts';
import { TASK_STATUSES } from '../../../model/task-status.ts';
import { SCHEDULE_STATES } from '../../../model/workflow-schedule.ts';
import type { RunFilter, ScheduleExecutionFilter, TaskFilter } from '../../../store/reads.ts';
import { EVER, numbers, statusOf, texts, times } from './search-fields.ts';
import { narrow } from './search-query.ts';

type Draft<Filter> = { -readonly [Field in keyof Filter]: Filter[Field] };

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

const RUN_FIELDS = {
  workflowId: texts('ids'),
  workflowType: texts('names'),
  correlationId: texts('correlationIds'),
  version: numbers('versions'),
  priority: numbers('priorities'),
  status: statusOf(RUN_STATUSES),
  startTime: times('started'),
  endTime: times('ended'),
  updateTime: times('updated'),
};

const ANY_TASK: TaskFilter = {
  ids: null,
  runIds: null,
  names: null,
  correlationIds: null,
  types: null,
  defNames: null,
  refs: null,
  statuses: TASK_STATUSES,
  scheduled: null,
  started: null,
  ended: null,
  updated: null,
  text: null,
};

const TASK_FIELDS = {
  workflowId: texts('runIds'),
  workflowType: texts('names'),
  correlationId: texts('correlationIds'),
  taskId: texts('ids'),
  taskType: texts('types'),
  taskDefName: texts('defNames'),
  taskReferenceName: texts('refs'),
  // As whole tasks spell it.
  referenceTaskName: texts('refs'),
  status: statusOf(TASK_STATUSES),
  scheduledTime: times('scheduled'),
  startTime: times('started'),
  endTime: times('ended'),
  updateTime: times('updated'),
};

const ANY_FIRING: ScheduleExecutionFilter = {
  scheduleNames: null,
  names: null,
  runIds: null,
  statuses: SCHEDULE_STATES,
  scheduled: EVER,
  executed: EVER,
  text: null,
};

const FIRING_FIELDS = {
  scheduleName: texts('scheduleNames'),
  workflowName: texts('names'),
  workflowType: texts('names'),
  workflowId: texts('runIds'),
  state: statusOf<string>(SCHEDULE_STATES),
  scheduledTime: times('scheduled'),
  executionTime: times('executed'),
};

/** Null or `*` asks for every run. Throws AppError invalid_request, which names the place and how to mend it. */
export function runFilter(query: string | null, freeText: string | null): RunFilter {
  return narrow<Draft<RunFilter>>({ ...ANY_RUN, text: textOf(freeText) }, RUN_FIELDS, query);
}

/** The same for every task. */
export function taskFilter(query: string | null, freeText: string | null): TaskFilter {
  return narrow<Draft<TaskFilter>>({ ...ANY_TASK, text: textOf(freeText) }, TASK_FIELDS, query);
}

/** The same for every firing of a schedule. */
export function firingFilter(query: string | null, freeText: string | null): ScheduleExecutionFilter {
  return narrow<Draft<ScheduleExecutionFilter>>({ ...ANY_FIRING, text: textOf(freeText) }, FIRING_FIELDS, query);
}

function textOf(freeText: string | null): string | null {
  return freeText === '*' ? null : freeText;
}
