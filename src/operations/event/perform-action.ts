// One action of an event handler: its parameters filled in from the event, and done. Throws AppError for what the
// orchestrator refuses.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { compileTemplate, type Scope, type Template } from '../../expressions/template.ts';
import { AppError } from '../../model/error.ts';
import { type EventAction, parametersOf } from '../../model/event-handler.ts';
import { isJsonObject, Json, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { Run } from '../../model/run.ts';
import { startRequestSchema } from '../../model/start-request.ts';
import { taskResultSchema } from '../../model/task-result.ts';
import type { Orchestrator } from '../../orchestrator/orchestrator-api.ts';
import { expandJson } from './expand-json.ts';

export type EventActions = Pick<
  Orchestrator,
  'eventHandlers' | 'start' | 'update' | 'updateByRef' | 'terminate' | 'setVariables'
>;

export interface Published {
  /** Of the event. */
  readonly name: string;
  readonly payload: JsonObject;
  /** Of the EVENT task. */
  readonly taskId: string;
  readonly run: Run;
}

/** `which`: tells the action apart from all others of the event. Answers what to note of it. */
export async function perform(
  orchestrator: EventActions,
  action: EventAction,
  which: string,
  published: Published,
): Promise<JsonObject> {
  const payload = action.expandInlineJSON ? expandJson(published.payload) : published.payload;
  const parameters = Json.of(templateOf(action).resolve(scopeOf(payload))).object;
  switch (action.action) {
    case 'start_workflow':
      return { workflowId: await start(orchestrator, parameters, which, published) };
    case 'complete_task':
      return update(orchestrator, parameters, 'COMPLETED', published);
    case 'fail_task':
      return update(orchestrator, parameters, 'FAILED', published);
    case 'terminate_workflow':
      await orchestrator.terminate(textOf(parameters, 'workflowId'), textOf(parameters, 'terminationReason') || null);
      return {};
    case 'update_workflow_variables':
      await orchestrator.setVariables(textOf(parameters, 'workflowId'), objectOf(parameters, 'variables'));
      return {};
  }
}

/** Compiled once for as long as its handler stays as it is. */
const templates = new WeakMap<EventAction, Template>();

function templateOf(action: EventAction): Template {
  const known = templates.get(action);
  if (known) return known;
  const template = compileTemplate(parametersOf(action));
  templates.set(action, template);
  return template;
}

/** `${order.id}` is `id` of `order` in the event. */
function scopeOf(payload: JsonObject): Scope {
  const own = (object: JsonValue | undefined, key: string) =>
    isJsonObject(object) && Object.hasOwn(object, key) ? object[key] : undefined;
  return {
    lookup: (root, field) => (field === '' ? own(payload, root) : own(own(payload, root), field)),
  };
}

async function start(
  orchestrator: EventActions,
  { version, ...parameters }: JsonObject,
  which: string,
  published: Published,
): Promise<string> {
  const idempotencyKey = `event:${bytesToHex(sha256(utf8ToBytes(`${published.taskId} ${which}`)))}`;
  const request = startRequestSchema.safeParse({
    ...parameters,
    input: withEvent(objectOf(parameters, 'input'), published),
    ...(version === undefined || version === null ? {} : { version: Number(version) }),
    createdBy: published.run.createdBy,
    ...{ idempotencyKey, idempotencyStrategy: 'RETURN_EXISTING' },
  });
  if (request.success) {
    return orchestrator.start({ ...request.data, event: published.name }, published.run.agentGrants);
  }
  const [first] = request.error.issues;
  throw new AppError('invalid_request', `start_workflow.${first?.path.join('.')}: ${first?.message}`);
}

async function update(
  orchestrator: EventActions,
  parameters: JsonObject,
  status: 'COMPLETED' | 'FAILED',
  published: Published,
): Promise<JsonObject> {
  const taskId = textOf(parameters, 'taskId');
  const output = withEvent({ ...meant(parameters), ...objectOf(parameters, 'output') }, published);
  if (taskId !== '') {
    await orchestrator.update(taskResultSchema.parse({ taskId, status, outputData: output }), false);
    return { taskId };
  }
  const [workflowId, ref] = [textOf(parameters, 'workflowId'), textOf(parameters, 'taskRefName')];
  const updated = await orchestrator.updateByRef(workflowId, ref, status, Json.of(output), null);
  if (updated !== null) return { taskId: updated };
  throw new AppError('not_found', `No open task found with reference name: ${ref}, workflowId: ${workflowId}`);
}

/** How the task was named, which Conductor makes a part of its output. */
function meant(parameters: JsonObject): JsonObject {
  const names = ['workflowId', 'taskId', 'taskRefName'];
  return Object.fromEntries(
    names.flatMap((name) => (textOf(parameters, name) ? [[name, textOf(parameters, name)]] : [])),
  );
}

function withEvent(document: JsonObject, { name, taskId }: Published): JsonObject {
  return { ...document, 'conductor.event.messageId': taskId, 'conductor.event.name': name };
}

function textOf(parameters: JsonObject, key: string): string {
  const value = parameters[key];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function objectOf(parameters: JsonObject, key: string): JsonObject {
  const value = parameters[key];
  return isJsonObject(value) ? value : {};
}
