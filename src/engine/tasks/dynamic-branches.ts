// Reads what a dynamic fork is to start from its resolved input, in Conductor's three shapes. Gives plain WorkflowTask
// documents with their inputs merged in; must not judge them, and must never evaluate an item of a list: data is data.
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { WorkflowTask } from '../../model/workflow-definition.ts';

export type Branches =
  | { readonly ok: true; readonly tasks: readonly JsonObject[] }
  | { readonly ok: false; readonly reason: string };

/** `prefixed`: generated references carry the fork's own, because another fork of the run may have made the short ones. */
export function readBranches(task: WorkflowTask, input: JsonObject, prefixed: boolean): Branches {
  const { forkTaskName, forkTaskType, forkTaskWorkflow } = input;
  if (isName(forkTaskName) || isName(forkTaskType) || isName(forkTaskWorkflow)) return perItem(task, input, prefixed);
  const { dynamicForkTasksParam, dynamicForkTasksInputParamName = '', dynamicForkJoinTasksParam = '' } = task;
  if (dynamicForkTasksParam) return listed(input, dynamicForkTasksParam, dynamicForkTasksInputParamName);
  // The Python SDK before 2.0 names its list of WorkflowTasks by the parameter of shape 2.
  if (isListed(input[dynamicForkJoinTasksParam])) {
    return listed(input, dynamicForkJoinTasksParam, dynamicForkTasksInputParamName);
  }
  return legacy(input, dynamicForkJoinTasksParam);
}

function isListed(list: JsonValue | undefined): boolean {
  return Array.isArray(list) && list.some((item) => isJsonObject(item) && isName(item.taskReferenceName));
}

/** Shape 1: a list of WorkflowTasks and a map of inputs by reference. */
function listed(input: JsonObject, param: string, inputParam: string): Branches {
  const list = input[param];
  if (!Array.isArray(list) || !list.every(isJsonObject)) {
    return refuse(
      `Input '${param}' is invalid. Cannot deserialize a list of Workflow Tasks from '${JSON.stringify(list ?? null)}'`,
    );
  }
  const inputs = input[inputParam] ?? {};
  if (!isJsonObject(inputs)) {
    return refuse(
      `Input to the dynamically forked tasks is not a map -> expecting a map of K,V  but found ${JSON.stringify(inputs)}`,
    );
  }
  return { ok: true, tasks: list.map((task) => withInput(task, ownInput(inputs, task.taskReferenceName))) };
}

function ownInput(inputs: JsonObject, ref: JsonValue | undefined): JsonValue | undefined {
  return typeof ref === 'string' && Object.hasOwn(inputs, ref) ? inputs[ref] : undefined;
}

function withInput(task: JsonObject, input: JsonValue | undefined): JsonObject {
  if (!isJsonObject(input)) return task;
  const own = isJsonObject(task.inputParameters) ? task.inputParameters : {};
  return { ...task, inputParameters: { ...own, ...input } };
}

/** Shape 2, from before WorkflowTasks could be given whole. */
function legacy(input: JsonObject, param: string): Branches {
  const holder = input[param];
  const list = isJsonObject(holder) ? holder.dynamicTasks : holder;
  if (!Array.isArray(list) || !list.every(isJsonObject)) {
    return refuse(`Input '${param}' is invalid. It must hold dynamicTasks, a list of tasks`);
  }
  const tasks = list.map(({ taskName, referenceName, input: given, type }) => ({
    name: taskName ?? null,
    taskReferenceName: referenceName ?? null,
    type: type ?? 'SIMPLE',
    inputParameters: given ?? {},
  }));
  return { ok: true, tasks };
}

/** Shape 3: one task type, a list of inputs. */
function perItem(task: WorkflowTask, input: JsonObject, prefixed: boolean): Branches {
  const items = input.forkTaskInputs;
  if (!Array.isArray(items)) return refuse("Input 'forkTaskInputs' must be a list");
  // The generated tasks have no place of their own for these, so the fork's hold for them.
  const { optional, permissive, retryCount } = task;
  const flags = { optional, permissive, ...(retryCount === undefined ? {} : { retryCount }) };
  const kind = { ...kindOf(input), ...flags };
  const prefix = prefixed ? `_${task.taskReferenceName}_${kind.name}_` : `_${kind.name}_`;
  const tasks = items.map((item, index) => ({
    ...kind,
    taskReferenceName: prefix + index,
    inputParameters: { ...(isJsonObject(item) ? quoted(item) : { input: quotedValue(item) }), __index: index },
  }));
  return { ok: true, tasks };
}

function kindOf(input: JsonObject): JsonObject & { name: string } {
  const { forkTaskName, forkTaskType, forkTaskWorkflow, forkTaskWorkflowVersion } = input;
  if (isName(forkTaskWorkflow)) {
    const version = Number(forkTaskWorkflowVersion ?? 0);
    return {
      name: forkTaskWorkflow,
      type: 'SUB_WORKFLOW',
      subWorkflowParam: { name: forkTaskWorkflow, ...(Number.isInteger(version) && version > 0 ? { version } : {}) },
    };
  }
  const type = isName(forkTaskType) ? forkTaskType : 'SIMPLE';
  return { name: isName(forkTaskName) ? forkTaskName : type, type };
}

/** Items are run data and may look like expressions; as inputParameters they would be evaluated. */
function quoted(item: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(item).map(([key, value]) => [key, quotedValue(value)]));
}

function quotedValue(value: JsonValue): JsonValue {
  if (typeof value === 'string') return value.includes('${') ? value.replaceAll('${', () => '$${') : value;
  if (Array.isArray(value)) return value.map(quotedValue);
  return isJsonObject(value) ? quoted(value) : value;
}

function isName(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value !== '';
}

function refuse(reason: string): Branches {
  return { ok: false, reason };
}
