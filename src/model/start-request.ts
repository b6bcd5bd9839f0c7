// A request to start an execution. Conductor's StartWorkflowRequest.
import { z } from 'zod';
import { jsonObject, loose, name } from './schema.ts';
import { workflowDefinitionSchema } from './workflow-definition.ts';

export const startRequestSchema = z.object({
  name: name(),
  version: loose(z.number().int()),
  correlationId: loose(z.string()),
  input: jsonObject(),
  taskToDomain: z
    .record(z.string(), z.string())
    .nullish()
    .transform((v) => v ?? {}),
  workflowDef: loose(workflowDefinitionSchema),
  priority: z
    .number()
    .int()
    .min(0)
    .max(99)
    .nullish()
    .transform((v) => v ?? 0),
  createdBy: loose(z.string()),
  idempotencyKey: loose(z.string().max(255)),
  idempotencyStrategy: loose(z.enum(['FAIL', 'RETURN_EXISTING', 'FAIL_ON_RUNNING'])),
});

export type StartRequest = z.infer<typeof startRequestSchema> & {
  /** Name of the event whose handler asks; callers from outside cannot say so. */
  readonly event?: string;
};
