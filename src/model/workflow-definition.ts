// A workflow definition and its tasks, as Conductor's wire spells them, plus our `budget`.
// Owns shape and defaults only: what a definition means is engine/plan's business.
import { z } from 'zod';
import { budgetSchema } from './budget.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { flag, jsonObject, jsonValue, kept, loose, name, seconds, wholeNumber } from './schema.ts';
import { taskDefinitionSchema } from './task-definition.ts';

const subWorkflowSchema = z.object({
  name: loose(z.string()),
  version: loose(z.number().int()),
  taskToDomain: loose(z.record(z.string(), z.string())),
  workflowDefinition: loose(jsonValue()),
  priority: loose(jsonValue()),
  ...kept('idempotencyKey', 'idempotencyStrategy'),
});

const listOf = <T extends z.ZodType>(schema: T) =>
  z
    .array(schema)
    .nullish()
    .transform((v) => v ?? []);

const baseTask = z.object({
  name: name(),
  taskReferenceName: name(),
  type: z
    .string()
    .nullish()
    .transform((v) => v ?? 'SIMPLE'),
  description: loose(z.string()),
  inputParameters: jsonObject(),
  startDelay: seconds(0),
  optional: flag(),
  permissive: flag(),
  asyncComplete: flag(),
  retryCount: loose(z.number().int().min(0)),
  taskDefinition: loose(taskDefinitionSchema.partial({ name: true })),
  dynamicTaskNameParam: loose(z.string()),
  caseValueParam: loose(z.string()),
  caseExpression: loose(z.string()),
  scriptExpression: loose(z.string()),
  evaluatorType: loose(z.string()),
  expression: loose(z.string()),
  dynamicForkTasksParam: loose(z.string()),
  dynamicForkTasksInputParamName: loose(z.string()),
  dynamicForkJoinTasksParam: loose(z.string()),
  joinOn: z
    .array(z.string())
    .nullish()
    .transform((v) => v ?? []),
  joinMode: loose(z.string()),
  defaultExclusiveJoinTask: z
    .array(z.string())
    .nullish()
    .transform((v) => v ?? []),
  loopCondition: loose(z.string()),
  items: loose(jsonValue()),
  sink: loose(z.string()),
  subWorkflowParam: loose(subWorkflowSchema),
  ...kept('cacheConfig', 'joinStatus', 'onStateChange', 'rateLimited'),
  /** Ensemble language only: the task is SKIPPED when it is falsy at its turn. */
  when: loose(z.string()),
});

/** One step of a definition. `forkTasks` is always a list of branches: a flat list is read as one branch per task. */
export interface WorkflowTask extends z.infer<typeof baseTask> {
  forkTasks: WorkflowTask[][];
  decisionCases: Record<string, WorkflowTask[]>;
  defaultCase: WorkflowTask[];
  loopOver: WorkflowTask[];
}

export const workflowTaskSchema: z.ZodType<WorkflowTask, unknown> = z.preprocess(
  typeFromName,
  baseTask.extend({
    forkTasks: z.lazy(() => listOf(z.preprocess(asBranch, z.array(workflowTaskSchema)))),
    decisionCases: z.lazy(() =>
      z
        .record(z.string(), z.array(workflowTaskSchema))
        .nullish()
        .transform((v) => v ?? {}),
    ),
    defaultCase: z.lazy(() => listOf(workflowTaskSchema)),
    loopOver: z.lazy(() => listOf(workflowTaskSchema)),
  }),
);

export const workflowDefinitionSchema = z.object({
  name: name().refine((v) => !v.includes(':'), 'must not contain ":"'),
  version: z
    .number()
    .int()
    .min(1)
    .nullish()
    .transform((v) => v ?? 1),
  description: loose(z.string()),
  tasks: z.array(workflowTaskSchema).min(1, 'must hold at least one task'),
  inputParameters: listOf(z.string()),
  outputParameters: jsonObject(),
  inputTemplate: jsonObject(),
  variables: jsonObject(),
  failureWorkflow: loose(z.string()),
  failureWorkflowVersion: loose(z.number().int()),
  schemaVersion: z
    .number()
    .int()
    .nullish()
    .transform((v) => v ?? 2),
  restartable: flag(true),
  workflowStatusListenerEnabled: flag(),
  timeoutPolicy: z
    .enum(['TIME_OUT_WF', 'ALERT_ONLY'])
    .nullish()
    .transform((v) => v ?? 'ALERT_ONLY'),
  timeoutSeconds: wholeNumber(0),
  metadata: jsonObject(),
  ...kept('cacheConfig', 'enforceSchema', 'inputSchema', 'maskedFields', 'outputSchema', 'rateLimitConfig'),
  ...kept('workflowStatusListenerSink'),
  ownerApp: loose(z.string()),
  ownerEmail: loose(z.string()),
  createdBy: loose(z.string()),
  updatedBy: loose(z.string()),
  createTime: loose(z.number()),
  updateTime: loose(z.number()),
  budget: loose(budgetSchema),
  /** How `${…}` and `{{…}}` are read; absent: as Conductor reads them. */
  expressionLanguage: loose(z.enum(['ensemble'])),
});

export type WorkflowDefinition = z.infer<typeof workflowDefinitionSchema>;

const SHORTHAND_NAMES = new Set(['FORK_JOIN', 'JOIN', 'DYNAMIC_FORK_JOIN', 'FORK_JOIN_DYNAMIC', 'SWITCH', 'DO_WHILE']);

/** The seed writes `"name": "FORK_JOIN"` and leaves the type to be read from it. */
function typeFromName(task: unknown): unknown {
  if (typeof task !== 'object' || task === null) return task;
  const { name: taskName, type } = task as { name?: JsonValue; type?: JsonValue };
  const spelled = type ?? (typeof taskName === 'string' && SHORTHAND_NAMES.has(taskName) ? taskName : undefined);
  if (spelled === undefined) return task;
  return { ...(task as JsonObject), type: spelled === 'DYNAMIC_FORK_JOIN' ? 'FORK_JOIN_DYNAMIC' : spelled };
}

function asBranch(branch: unknown): unknown {
  return Array.isArray(branch) ? branch : [branch];
}
