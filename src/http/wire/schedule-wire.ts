// Schedules and their firings as Conductor's clients read them.
import { z } from 'zod';
import {
  SCHEDULE_STATES,
  type ScheduleExecution,
  type ScheduleRecord,
  workflowScheduleSchema,
} from '../../model/workflow-schedule.ts';

const auditShape = {
  createTime: z.int(),
  updatedTime: z.int(),
  /** Absent where it fires no more, or is paused. */
  nextRunTime: z.int().optional(),
};

export const scheduleReplySchema = z.intersection(workflowScheduleSchema, z.object(auditShape));

export function scheduleWire({ schedule, createdMs, updatedMs, nextMs }: ScheduleRecord) {
  const nextRunTime = nextMs > 0 ? nextMs : undefined;
  return { ...schedule, createTime: createdMs, updatedTime: updatedMs, nextRunTime };
}

export const scheduleExecutionSchema = z.object({
  executionId: z.string(),
  scheduleName: z.string(),
  workflowName: z.string(),
  workflowId: z.string().optional(),
  state: z.enum(SCHEDULE_STATES),
  reason: z.string().optional(),
  scheduledTime: z.int(),
  executionTime: z.int(),
  cronExpression: z.string(),
  zoneId: z.string(),
});

export function scheduleExecutionWire(one: ScheduleExecution): z.infer<typeof scheduleExecutionSchema> {
  return {
    executionId: one.id,
    scheduleName: one.scheduleName,
    workflowName: one.workflowName,
    workflowId: one.workflowId ?? undefined,
    state: one.state,
    reason: one.reason ?? undefined,
    scheduledTime: one.scheduledMs,
    executionTime: one.executedMs,
    ...one.cron,
  };
}
