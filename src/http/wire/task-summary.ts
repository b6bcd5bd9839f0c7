// Conductor's TaskSummary: what a search tells of a task. Its times are texts. Must never hold data of the task: `input`
// and `output`, which the shape knows, are left out.
import { z } from 'zod';
import { TASK_STATUSES } from '../../model/task-status.ts';
import type { FoundTask } from '../../store/reads.ts';
import { timeText } from './run-summary.ts';
import { queueWaitMs } from './task-text.ts';

export const taskSummarySchema = z.object({
  workflowId: z.string(),
  workflowType: z.string(),
  correlationId: z.string().optional(),
  workflowPriority: z.int(),
  taskId: z.string(),
  taskType: z.string(),
  taskDefName: z.string(),
  taskReferenceName: z.string(),
  status: z.enum(TASK_STATUSES),
  scheduledTime: z.string(),
  startTime: z.string().optional(),
  updateTime: z.string(),
  endTime: z.string().optional(),
  /** Milliseconds; 0 until it is over, as for a task that never began. */
  executionTime: z.int(),
  queueWaitTime: z.int(),
  reasonForIncompletion: z.string().optional(),
  domain: z.string().optional(),
});

export function taskSummaryText({ task, run }: FoundTask): string {
  const { startedMs, endedMs } = task;
  const summary: z.infer<typeof taskSummarySchema> = {
    workflowId: run.id,
    workflowType: run.name,
    correlationId: run.correlationId ?? undefined,
    workflowPriority: run.priority,
    taskId: task.id,
    taskType: task.type,
    taskDefName: task.defName,
    taskReferenceName: task.ref,
    status: task.status,
    scheduledTime: timeText(task.scheduledMs),
    startTime: startedMs > 0 ? timeText(startedMs) : undefined,
    updateTime: timeText(task.updatedMs),
    endTime: endedMs > 0 ? timeText(endedMs) : undefined,
    executionTime: startedMs > 0 && endedMs > 0 ? endedMs - startedMs : 0,
    queueWaitTime: queueWaitMs(task),
    reasonForIncompletion: task.reason ?? undefined,
    domain: task.domain ?? undefined,
  };
  return JSON.stringify(summary);
}
