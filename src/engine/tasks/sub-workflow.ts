// SUB_WORKFLOW: starts a run and waits for it. The child's id is kept in the task before it is asked for, so a repeated
// start makes no twin; whoever ends the task early ends the child.
import { isJsonObject, Json, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { Task } from '../../model/run.ts';
import type { RunStatus } from '../../model/run-status.ts';
import type { TaskStatus } from '../../model/task-status.ts';
import { type WorkflowDefinition, workflowDefinitionSchema } from '../../model/workflow-definition.ts';
import type { ChildStart } from '../decide/decision.ts';
import { unaskedBudget } from '../plan/budget-vendors.ts';
import type { Step } from '../plan/plan.ts';
import type { Flow, Place, TaskType } from './task-type.ts';

const OUTCOMES: Readonly<Record<RunStatus, TaskStatus>> = {
  RUNNING: 'IN_PROGRESS',
  PAUSED: 'IN_PROGRESS',
  COMPLETED: 'COMPLETED',
  FAILED: 'FAILED',
  TIMED_OUT: 'TIMED_OUT',
  TERMINATED: 'CANCELED',
};

export const subWorkflow: TaskType = {
  type: 'SUB_WORKFLOW',
  check(task, report) {
    const param = task.subWorkflowParam;
    if (!param) report('subWorkflowParam', 'SUB_WORKFLOW needs subWorkflowParam');
    else if (param.workflowDefinition === undefined && !param.name) {
      report('subWorkflowParam.name', 'SUB_WORKFLOW needs a name or a workflowDefinition');
    } else if (isJsonObject(param.workflowDefinition)) {
      const parsed = workflowDefinitionSchema.safeParse(param.workflowDefinition);
      if (!parsed.success)
        report('subWorkflowParam.workflowDefinition', parsed.error.issues[0]?.message ?? 'not valid');
    }
  },
  birth: (flow, step, place, input) => ({ input: Json.of(shownInput(flow, step, place, input)) }),
  start(flow, task, step) {
    const start = childStart(flow, task, step);
    if (typeof start === 'string') {
      flow.finish(task, { status: 'FAILED_WITH_TERMINAL_ERROR', reason: start });
      return;
    }
    const output = Json.of({ subWorkflowId: start.id });
    flow.watch(flow.put({ ...task, status: 'IN_PROGRESS', subRunId: start.id, output }));
    flow.emit({ kind: 'start-run', start });
  },
  childEnded(flow, task, child) {
    const status = OUTCOMES[child.status];
    if (status === 'IN_PROGRESS') return;
    const output = Json.of({ subWorkflowId: child.id, ...child.output });
    const reason = status === 'COMPLETED' ? null : `Sub workflow ${child.id} failure reason: ${child.reason ?? ''}`;
    flow.finish(task, { status, output, reason });
  },
  abandon(flow, task, reason) {
    if (task.subRunId !== null) flow.emit({ kind: 'terminate-run', runId: task.subRunId, reason });
  },
};

function shownInput(flow: Flow, step: Step, place: Place, input: Json): JsonObject {
  const param = parameter(flow, step, place);
  const definition = step.task.subWorkflowParam?.workflowDefinition;
  return {
    subWorkflowName: param.name ?? step.inlineDefinition?.name ?? null,
    subWorkflowVersion: param.version ?? null,
    subWorkflowTaskToDomain: param.taskToDomain ?? null,
    subWorkflowDefinition: param.workflowDefinition ?? definition ?? null,
    priority: param.priority ?? null,
    workflowInput: input.value,
  };
}

function parameter(flow: Flow, step: Step, place: Place): JsonObject {
  if (!step.parameter) return {};
  return Json.of(flow.resolve(step.parameter, place, step)).object;
}

/** What to start, or why it cannot be. Read from the task's input alone: a later start means the same. */
function childStart(flow: Flow, task: Task, step: Step): ChildStart | string {
  const shown = task.input.object;
  const definition = definitionOf(shown.subWorkflowDefinition, step, task.fragment !== null);
  if (typeof definition === 'string') return definition;
  const name = definition?.name ?? shown.subWorkflowName;
  if (typeof name !== 'string' || name === '') return 'subWorkflowParam names no workflow';
  const { run } = flow;
  const version = Number(shown.subWorkflowVersion ?? 0);
  return {
    taskRowId: task.rowId,
    id: task.subRunId ?? flow.context.newId(),
    name,
    version: Number.isInteger(version) && version > 0 ? version : null,
    definition,
    input: isJsonObject(shown.workflowInput) ? shown.workflowInput : {},
    correlationId: run.correlationId,
    priority: priorityOf(shown.priority) ?? run.priority,
    taskToDomain: domainsOf(shown.subWorkflowTaskToDomain) ?? run.taskToDomain,
    parent: { runId: run.id, taskId: task.id, runRowId: run.rowId, taskRowId: task.rowId, notify: true },
  };
}

/** `isData`: the whole step was made at run time, by a dynamic fork. */
function definitionOf(
  given: JsonValue | undefined,
  { inlineDefinition }: Step,
  isData: boolean,
): WorkflowDefinition | null | string {
  if (inlineDefinition) return (isData && unaskedBudget(inlineDefinition)) || inlineDefinition;
  if (given === undefined || given === null) return null;
  const parsed = workflowDefinitionSchema.safeParse(given);
  if (parsed.success) return unaskedBudget(parsed.data) ?? parsed.data;
  const first = parsed.error.issues[0];
  return `workflowDefinition is not valid: ${first?.path.join('.') ?? ''} ${first?.message ?? ''}`;
}

function priorityOf(value: JsonValue | undefined): number | undefined {
  const priority = Number(value ?? Number.NaN);
  return Number.isInteger(priority) && priority >= 0 && priority <= 99 ? priority : undefined;
}

function domainsOf(value: JsonValue | undefined): Record<string, string> | undefined {
  if (!isJsonObject(value)) return undefined;
  const domains: Record<string, string> = {};
  for (const [key, domain] of Object.entries(value)) if (typeof domain === 'string') domains[key] = domain;
  return domains;
}
