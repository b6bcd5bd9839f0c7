// Conductor's WorkflowSummary: what a search tells of an execution. Its times are texts. Must never hold data of the
// execution: `input` and `output`, which the shape knows, are left out.
import { z } from 'zod';
import type { RunHead } from '../../model/run.ts';
import { RUN_STATUSES } from '../../model/run-status.ts';

export const runSummarySchema = z.object({
  workflowId: z.string(),
  workflowType: z.string(),
  version: z.int(),
  correlationId: z.string().optional(),
  status: z.enum(RUN_STATUSES),
  startTime: z.string(),
  updateTime: z.string(),
  endTime: z.string().optional(),
  /** Milliseconds; 0 until it is over. */
  executionTime: z.int(),
  reasonForIncompletion: z.string().optional(),
  failedReferenceTaskNames: z.string(),
  failedTaskNames: z.array(z.string()),
  priority: z.int(),
  createdBy: z.string().optional(),
  event: z.string().optional(),
  parentWorkflowId: z.string().optional(),
  idempotencyKey: z.string().optional(),
});

export function runSummaryText(run: RunHead): string {
  const summary: z.infer<typeof runSummarySchema> = {
    workflowId: run.id,
    workflowType: run.name,
    version: run.version,
    correlationId: run.correlationId ?? undefined,
    status: run.status,
    startTime: timeText(run.createdMs),
    updateTime: timeText(run.updatedMs),
    endTime: run.endedMs > 0 ? timeText(run.endedMs) : undefined,
    executionTime: run.endedMs > 0 ? run.endedMs - run.createdMs : 0,
    reasonForIncompletion: run.reason ?? undefined,
    failedReferenceTaskNames: run.failedRefs.join(','),
    failedTaskNames: [...run.failedNames],
    priority: run.priority,
    createdBy: run.createdBy ?? undefined,
    event: run.event,
    parentWorkflowId: run.parent?.runId,
    idempotencyKey: run.idempotencyKey ?? undefined,
  };
  return JSON.stringify(summary);
}

export function timeText(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
