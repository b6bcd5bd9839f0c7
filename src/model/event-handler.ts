// What is to be done about an event: Conductor's EventHandler. An event is what an EVENT task of a workflow publishes, and
// its name says which: `conductor:<workflow>:<reference name, or the name in its sink>`.
import { z } from 'zod';
import { Json, type JsonObject } from './json.ts';
import { flag, jsonObject, loose, name } from './schema.ts';

const startSchema = z.object({
  name: name(),
  version: loose(z.union([z.int(), z.string()])),
  correlationId: loose(z.string()),
  input: jsonObject(),
  taskToDomain: loose(z.record(z.string(), z.string())),
});

/** By the task's id, or by the execution and a reference name in it. */
const taskSchema = z
  .object({
    workflowId: loose(z.string()),
    taskRefName: loose(z.string()),
    taskId: loose(z.string()),
    output: jsonObject(),
  })
  .refine(({ workflowId, taskRefName, taskId }) => taskId || (workflowId && taskRefName), {
    message: 'needs taskId, or workflowId and taskRefName',
  });

const appendArray = loose(z.literal(false, 'is not supported: variables are laid over those of the execution'));

const actionSchema = z
  .object({
    action: z.enum(['start_workflow', 'complete_task', 'fail_task', 'terminate_workflow', 'update_workflow_variables']),
    start_workflow: loose(startSchema),
    complete_task: loose(taskSchema),
    fail_task: loose(taskSchema),
    terminate_workflow: loose(z.object({ workflowId: name(), terminationReason: loose(z.string()) })),
    update_workflow_variables: loose(z.object({ workflowId: name(), variables: jsonObject(), appendArray })),
    /** Texts of the event that are JSON objects or lists are read as such first. */
    expandInlineJSON: flag(),
  })
  .refine((action) => action[action.action], { message: 'needs its parameters, under the name of its action' });

export const eventHandlerSchema = z.object({
  name: name().max(255),
  event: z
    .string()
    .max(600)
    .regex(/^conductor:[^:]+:./, 'must be conductor:<workflow>:<reference name or sink>: no other queue is known here'),
  /** JavaScript over the event, as `$`. Absent: always. */
  condition: loose(z.string()),
  evaluatorType: loose(z.enum(['javascript', 'graaljs'])),
  actions: z.array(actionSchema).min(1, 'needs at least one action').max(100),
  /** As Conductor has it: a handler that does not say so does nothing. */
  active: flag(),
  description: loose(z.string()),
  createTime: loose(z.number()),
  updateTime: loose(z.number()),
});

export type EventHandler = z.infer<typeof eventHandlerSchema>;
export type EventAction = EventHandler['actions'][number];

/** The name of the event that an EVENT task publishes; null for a sink that this server does not know. */
export function eventName(sink: string, workflowName: string, ref: string): string | null {
  if (sink === 'conductor') return `conductor:${workflowName}:${ref}`;
  const [queue, ...named] = sink.split(':');
  return queue === 'conductor' && named.join(':') !== '' ? `conductor:${workflowName}:${named.join(':')}` : null;
}

/** What an action is done with, its expressions not resolved. */
export function parametersOf(action: EventAction): JsonObject {
  return Json.text(JSON.stringify(action[action.action] ?? {})).object;
}
