// What a worker reports about a task, and what a log line is. Conductor's TaskResult.
import { z } from 'zod';
import { flag, jsonObject, loose, name, seconds } from './schema.ts';
import { isServerProcess } from './worker-id.ts';

export const REPORTABLE_STATUSES = [
  'IN_PROGRESS',
  'COMPLETED',
  'FAILED',
  'FAILED_WITH_TERMINAL_ERROR',
  'CANCELED',
] as const;

export const taskResultSchema = z.object({
  taskId: name(),
  workflowInstanceId: z
    .string()
    .nullish()
    .transform((v) => v ?? ''),
  status: z
    .enum(REPORTABLE_STATUSES)
    .nullish()
    .transform((v) => v ?? 'IN_PROGRESS'),
  outputData: jsonObject(),
  reasonForIncompletion: loose(z.string()),
  callbackAfterSeconds: seconds(0),
  /** One of ours comes from a caller who sends back what he has read: it says nothing about who he is. */
  workerId: loose(z.string()).transform((id) => (id !== undefined && isServerProcess(id) ? undefined : id)),
  logs: z
    .array(
      z.object({
        log: z
          .string()
          .nullish()
          .transform((v) => v ?? ''),
        createdTime: loose(z.number()),
      }),
    )
    .nullish()
    .transform((v) => v ?? []),
  extendLease: flag(),
  subWorkflowId: loose(z.string()),
});

export type TaskResult = z.infer<typeof taskResultSchema>;
