// Properties of a definition document that no Conductor knows: most often a slip of the pen, which loading a definition
// silently drops. Owns the table of known names; must never refuse a definition.
import { isJsonObject } from '../../model/json.ts';

export interface UnknownProperty {
  /** `tasks[0].inputParamters` */
  readonly path: string;
  /** What was probably meant, or null. */
  readonly suggestion: string | null;
  readonly message: string;
}

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
    compare(task.subWorkflowParam, SUB_WORKFLOW, `${path}.subWorkflowParam`, found);
  for (const nested of ['forkTasks', 'defaultCase', 'loopOver']) tasks(task[nested], `${path}.${nested}`, found);
  if (!isJsonObject(task.decisionCases)) return;
  for (const [name, list] of Object.entries(task.decisionCases)) tasks(list, `${path}.decisionCases.${name}`, found);
}

function compare(object: object, known: ReadonlySet<string>, path: string, found: UnknownProperty[]): void {
  for (const key of Object.keys(object)) {
    if (known.has(key)) continue;
    const at = path === '' ? key : `${path}.${key}`;
    const suggestion = closest(key, known);
    const hint = suggestion === null ? '' : `; did you mean ${suggestion}?`;
    found.push({ path: at, suggestion, message: `${at} is not a property that is known here${hint}` });
  }
}

/** A slip changes few letters: up to one in three, and no more than three. */
function closest(key: string, known: ReadonlySet<string>): string | null {
  let best: string | null = null;
  let least = Math.min(3, Math.floor(key.length / 3)) + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - key.length) >= least) continue;
    const distance = editDistance(key.toLowerCase(), candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
