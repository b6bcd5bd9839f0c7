// Schedules and their firings as rows: what is asked for has columns, the documents are whole.
import { alarmOf, type ScheduleExecution, type ScheduleRecord } from '../../model/workflow-schedule.ts';
import { stored, storedOrNull } from '../rows/text-column.ts';
import { columnsOf, deleteFrom, insertInto, upsertInto } from './table.ts';

export const UPSERT_SCHEDULE = upsertInto<ScheduleRecord>(
  'schedule',
  ['name'],
  columnsOf({
    name: ({ schedule }) => stored(schedule.name),
    next_ms: ({ nextMs }) => nextMs,
    start_name: ({ schedule }) => stored(schedule.startWorkflowRequest.name),
    start_key: (record) => storedOrNull(alarmOf(record).startKey?.key ?? null),
    document: JSON.stringify,
  }),
);
export const REMOVE_SCHEDULE = deleteFrom<string>('schedule', 'name = ?', stored);

export const INSERT_SCHEDULE_EXECUTION = insertInto<ScheduleExecution>(
  'schedule_execution',
  columnsOf({
    id: ({ id }) => stored(id),
    schedule_name: ({ scheduleName }) => stored(scheduleName),
    workflow_name: ({ workflowName }) => stored(workflowName),
    workflow_id: ({ workflowId }) => storedOrNull(workflowId),
    state: ({ state }) => state,
    scheduled_ms: ({ scheduledMs }) => scheduledMs,
    executed_ms: ({ executedMs }) => executedMs,
    document: JSON.stringify,
  }),
);
