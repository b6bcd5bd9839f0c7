// Properties of a definition document that come to nothing: those that no Conductor knows, most often a slip of the pen,
// which loading drops, and those that Conductor knows and nothing here acts on. Owns the tables; must never refuse a
// definition.
import { didYouMean } from '../../model/did-you-mean.ts';
import { isJsonObject } from '../../model/json.ts';

export interface UnknownProperty {
  /** `tasks[0].inputParamters` */
  readonly path: string;
  /** What was probably meant, or null. */
  readonly suggestion: string | null;
  readonly message: string;
}

const IDLE = new Set([
  ...['cacheConfig', 'inputSchema', 'maskedFields', 'onStateChange', 'outputSchema', 'rateLimitConfig'],
  'workflowStatusListenerSink',
]);
/** A child is started once for each attempt of its task, whatever its key. */
const IDLE_OF_SUB_WORKFLOW = new Set(['idempotencyKey', 'idempotencyStrategy']);

const AUDIT = ['ownerApp', 'createTime', 'updateTime', 'createdBy', 'updatedBy'];

const WORKFLOW = new Set([
  ...AUDIT,
  ...['name', 'description', 'version', 'tasks', 'inputParameters', 'outputParameters', 'inputTemplate', 'variables'],
  ...['failureWorkflow', 'failureWorkflowVersion', 'schemaVersion', 'restartable', 'workflowStatusListenerEnabled'],
  ...['workflowStatusListenerSink', 'ownerEmail', 'timeoutPolicy', 'timeoutSeconds', 'rateLimitConfig', 'inputSchema'],
  ...['outputSchema', 'enforceSchema', 'cacheConfig', 'metadata', 'maskedFields', 'budget', 'expressionLanguage'],
]);

const TASK = new Set([
  ...['name', 'taskReferenceName', 'description', 'type', 'inputParameters', 'startDelay', 'optional', 'permissive'],
  ...['asyncComplete', 'retryCount', 'rateLimited', 'taskDefinition', 'metadata', 'cacheConfig', 'onStateChange'],
  ...['dynamicTaskNameParam', 'caseValueParam', 'caseExpression', 'scriptExpression', 'evaluatorType', 'expression'],
  ...['decisionCases', 'defaultCase', 'dynamicForkTasksParam', 'dynamicForkTasksInputParamName', 'forkTasks', 'joinOn'],
  ...['dynamicForkJoinTasksParam', 'joinMode', 'joinStatus', 'defaultExclusiveJoinTask', 'loopCondition', 'loopOver'],
  ...['items', 'sink', 'subWorkflowParam', 'when'],
]);

const TASK_DEFINITION = new Set([
  ...AUDIT,
  ...['name', 'description', 'retryCount', 'retryLogic', 'retryDelaySeconds', 'backoffScaleFactor', 'backoffJitterMs'],
  ...['maxRetryDelaySeconds', 'totalTimeoutSeconds', 'timeoutSeconds', 'timeoutPolicy', 'responseTimeoutSeconds'],
  ...['pollTimeoutSeconds', 'concurrentExecLimit', 'rateLimitPerFrequency', 'rateLimitFrequencyInSeconds', 'inputKeys'],
  ...[
    'outputKeys',
    'inputTemplate',
    'isolationGroupId',
    'executionNameSpace',
    'ownerEmail',
    'enforceSchema',
    'baseType',
  ],
  ...['taskStatusListenerEnabled', 'inputSchema', 'outputSchema', 'runtimeMetadata', 'accessPolicy'],
]);

const SUB_WORKFLOW = new Set([
  ...['name', 'version', 'taskToDomain', 'workflowDefinition', 'idempotencyKey', 'idempotencyStrategy', 'priority'],
]);

/** Every unknown property of a workflow definition document, tasks at any depth included. Anything else than one gives none. */
export function unknownProperties(document: unknown): UnknownProperty[] {
  const found: UnknownProperty[] = [];
  if (!isJsonObject(document)) return found;
  compare(document, WORKFLOW, '', found);
  tasks(document.tasks, 'tasks', found);
  return found;
}

/** The same for a task definition document. */
export function unknownTaskProperties(document: unknown): UnknownProperty[] {
  const found: UnknownProperty[] = [];
  if (isJsonObject(document)) compare(document, TASK_DEFINITION, '', found);
  return found;
}

function tasks(value: unknown, path: string, found: UnknownProperty[]): void {
  if (!Array.isArray(value)) return;
  for (const [index, task] of value.entries()) one(task, `${path}[${index}]`, found);
}

function one(task: unknown, path: string, found: UnknownProperty[]): void {
  if (Array.isArray(task)) {
    tasks(task, path, found);
    return;
  }
  if (!isJsonObject(task)) return;
  compare(task, TASK, path, found);
  if (isJsonObject(task.taskDefinition)) compare(task.taskDefinition, TASK_DEFINITION, `${path}.taskDefinition`, found);
  if (isJsonObject(task.subWorkflowParam))
    compare(task.subWorkflowParam, SUB_WORKFLOW, `${path}.subWorkflowParam`, found, IDLE_OF_SUB_WORKFLOW);
  for (const nested of ['forkTasks', 'defaultCase', 'loopOver']) tasks(task[nested], `${path}.${nested}`, found);
  if (!isJsonObject(task.decisionCases)) return;
  for (const [name, list] of Object.entries(task.decisionCases)) tasks(list, `${path}.decisionCases.${name}`, found);
}

function compare(
  object: object,
  known: ReadonlySet<string>,
  path: string,
  found: UnknownProperty[],
  idle: ReadonlySet<string> = IDLE,
): void {
  for (const [key, value] of Object.entries(object)) {
    const at = path === '' ? key : `${path}.${key}`;
    if (idle.has(key) && asksForSomething(value)) {
      found.push({ path: at, suggestion: null, message: `${at} has no effect: nothing here acts on it` });
    }
    if (known.has(key)) continue;
    const suggestion = didYouMean(key, known) ?? null;
    const hint = suggestion === null ? '' : `; did you mean ${suggestion}?`;
    found.push({ path: at, suggestion, message: `${at} is not a property that is known here${hint}` });
  }
}

/** SDKs write every property that they know, most of them empty. Schemas are enforced by default, where there are any. */
function asksForSomething(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return typeof value === 'string' && value !== '';
}
