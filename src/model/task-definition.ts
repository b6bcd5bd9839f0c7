// A task definition: retry, timeout and rate rules of a task type. Field names, defaults: Conductor's TaskDef.
import { z } from 'zod';
import type { JsonObject } from './json.ts';
import { jsonObject, kept, loose, name, seconds, wholeNumber } from './schema.ts';

export const taskDefinitionSchema = z.object({
  name: name(),
  description: loose(z.string()),
  retryCount: wholeNumber(3),
  retryLogic: z
    .enum(['FIXED', 'EXPONENTIAL_BACKOFF', 'LINEAR_BACKOFF'])
    .nullish()
    .transform((v) => v ?? 'FIXED'),
  retryDelaySeconds: seconds(60),
  backoffScaleFactor: wholeNumber(1),
  maxRetryDelaySeconds: seconds(0),
  backoffJitterMs: wholeNumber(0),
  timeoutSeconds: seconds(0),
  timeoutPolicy: z
    .enum(['TIME_OUT_WF', 'RETRY', 'ALERT_ONLY'])
    .nullish()
    .transform((v) => v ?? 'TIME_OUT_WF'),
  responseTimeoutSeconds: seconds(3600),
  pollTimeoutSeconds: seconds(0),
  totalTimeoutSeconds: seconds(0),
  concurrentExecLimit: wholeNumber(0),
  rateLimitPerFrequency: wholeNumber(0),
  rateLimitFrequencyInSeconds: seconds(1),
  inputKeys: z
    .array(z.string())
    .nullish()
    .transform((v) => v ?? []),
  outputKeys: z
    .array(z.string())
    .nullish()
    .transform((v) => v ?? []),
  inputTemplate: jsonObject(),
  isolationGroupId: loose(z.string()),
  executionNameSpace: loose(z.string()),
  ...kept('accessPolicy', 'baseType', 'enforceSchema', 'inputSchema', 'outputSchema', 'runtimeMetadata'),
  ...kept('taskStatusListenerEnabled'),
  ownerEmail: loose(z.string()),
  ownerApp: loose(z.string()),
  createdBy: loose(z.string()),
  updatedBy: loose(z.string()),
  createTime: loose(z.number()),
  updateTime: loose(z.number()),
});

export type TaskDefinition = z.infer<typeof taskDefinitionSchema>;

/** What a SIMPLE task gets when nobody registered its type: Conductor's defaults. */
export function adHocTaskDefinition(taskName: string): TaskDefinition {
  return taskDefinitionSchema.parse({ name: taskName } satisfies JsonObject);
}
