// Schedules and their firings as rows: what is asked for has columns, the documents are whole.
import { alarmOf, type ScheduleExecution, type ScheduleRecord } from '../../model/workflow-schedule.ts';
import { bigints, deleteFrom, insertInto, texts, upsertInto } from './table.ts';
import { stored, storedOrNull } from './text-column.ts';

export const UPSERT_SCHEDULE = upsertInto<ScheduleRecord>(
  'schedule',
  ['name'],
  [
    ...texts<ScheduleRecord>({
      name: ({ schedule }) => stored(schedule.name),
      start_name: ({ schedule }) => stored(schedule.startWorkflowRequest.name),
      start_key: (record) => storedOrNull(alarmOf(record).startKey?.key ?? null),
      document: JSON.stringify,
    }),
    ...bigints<ScheduleRecord>({ next_ms: ({ nextMs }) => nextMs }),
  ],
);
export const REMOVE_SCHEDULE = deleteFrom<string>('schedule', texts({ name: stored }));

export const INSERT_SCHEDULE_EXECUTION = insertInto<ScheduleExecution>('schedule_execution', [
  ...texts<ScheduleExecution>({
    id: ({ id }) => stored(id),
    schedule_name: ({ scheduleName }) => stored(scheduleName),
    workflow_name: ({ workflowName }) => stored(workflowName),
    workflow_id: ({ workflowId }) => storedOrNull(workflowId),
    state: ({ state }) => state,
    document: JSON.stringify,
  }),
  ...bigints<ScheduleExecution>({
    scheduled_ms: ({ scheduledMs }) => scheduledMs,
    executed_ms: ({ executedMs }) => executedMs,
  }),
]);
