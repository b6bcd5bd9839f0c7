// The end of a run: what is still open is cancelled, the output is made, and a failure workflow may follow. The one
// place that walks all tasks of a run, once in its life.
import { ExpressionError } from '../../expressions/ensemble/expression.ts';
import { Json, type JsonObject } from '../../model/json.ts';
import type { Run, Task } from '../../model/run.ts';
import { isRunTerminal } from '../../model/run-status.ts';
import { isSuccessful, isTerminal } from '../../model/task-status.ts';
import { boundedReasons } from '../tasks/reasons.ts';
import { type Flow, ROOT_PLACE, type RunEnding } from '../tasks/task-type.ts';
import type { Draft } from './draft.ts';

const FAILURE_RUN = 'conductor.failure_workflow';
/** Tasks of a failed run that are handed on whole; far below what an input may hold. */
const SNAPSHOT_CHARS_MAX = 1024 * 1024;
/** What a task takes there beside its documents, about. */
const TASK_CHARS = 400;

/** The end of a run because a task failed for good. */
export function exhaustedEnding(task: Task): RunEnding {
  const status = task.status === 'CANCELED' ? 'TERMINATED' : task.status === 'TIMED_OUT' ? 'TIMED_OUT' : 'FAILED';
  return { status, reason: `Task ${task.id} ${failure(task)}`, task, withFailureWorkflow: status !== 'TERMINATED' };
}

/** All is done: COMPLETED, or FAILED where permissive tasks failed on the way. */
export function completeRun(flow: Flow, draft: Draft): void {
  const reasons: string[] = [];
  let first: Task | undefined;
  for (const task of draft.all()) {
    if (task.retried || isSuccessful(task.status)) continue;
    first ??= task;
    reasons.push(`Task ${task.id} ${failure(task)}`);
  }
  if (first === undefined) {
    flow.endRun({ status: 'COMPLETED', reason: null, withFailureWorkflow: false });
    return;
  }
  flow.endRun({ status: 'FAILED', reason: boundedReasons(reasons, ', '), task: first, withFailureWorkflow: true });
}

export function endRun(flow: Flow, draft: Draft, ending: RunEnding): void {
  if (isRunTerminal(flow.run.status)) return;
  const { now } = flow;
  const survey = closeTasks(flow, draft, ending);
  flow.patchRun({
    status: ending.status,
    reason: ending.reason,
    endedMs: now,
    dueMs: 0,
    failedRefs: [...new Set(survey.failed.map((task) => task.ref))],
    failedNames: [...new Set(survey.failed.map((task) => task.defName))],
  });
  const output = ending.output ?? outputOrFailure(flow, survey.last);
  const failureRunId = ending.withFailureWorkflow ? startFailureWorkflow(flow, draft, ending) : null;
  flow.patchRun({
    output: Json.of(failureRunId === null ? output : { ...output, [FAILURE_RUN]: failureRunId }),
  });
  draft.ended = true;
}

interface Survey {
  readonly failed: readonly Task[];
  readonly last: Task | undefined;
}

function closeTasks(flow: Flow, draft: Draft, ending: RunEnding): Survey {
  const failed: Task[] = [];
  let last: Task | undefined;
  const open: Task[] = [];
  for (const task of draft.all()) {
    if (last === undefined || task.seq > last.seq) last = task;
    if (!isTerminal(task.status)) open.push(task);
    else if (isFailed(task, ending.task)) failed.push(task);
  }
  const { now } = flow;
  for (const task of open) {
    flow.types.get(task.type)?.abandon?.(flow, task, abandonReason(ending));
    flow.put({ ...task, status: 'CANCELED', endedMs: now, updatedMs: now, dueMs: 0 });
  }
  return { failed, last };
}

function isFailed(task: Task, culprit: Task | undefined): boolean {
  if (task.retried || isSuccessful(task.status)) return false;
  return task.status !== 'CANCELED' || task.rowId === culprit?.rowId;
}

function abandonReason(ending: RunEnding): string {
  return `Parent workflow has been terminated with reason: ${ending.reason ?? ending.status}`;
}

/** An ensemble's output that cannot be made fails the run: nobody should take its absence for a result. */
function outputOrFailure(flow: Flow, last: Task | undefined): JsonObject {
  try {
    return outputOf(flow, last);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    flow.patchRun({ status: 'FAILED', reason: `The output cannot be made: ${error.message}` });
    return {};
  }
}

function outputOf(flow: Flow, last: Task | undefined): JsonObject {
  const { definition, output } = flow.plan;
  if (Object.keys(definition.outputParameters).length === 0) {
    const given = last?.output.object ?? {};
    // What a step gave is data: only a definition's output blocks may say how an answer is sent.
    const isData = definition.expressionLanguage === 'ensemble' && Object.hasOwn(given, '_response');
    return isData ? { _raw: given } : given;
  }
  return Json.of(flow.resolve(output, ROOT_PLACE, null)).object;
}

/** The failure workflow that an ended run asked for could not be started: nobody shall look for it. */
export function failureWorkflowRefused(flow: Flow, reason: string): void {
  const { output, reason: ownReason } = flow.run;
  const rest = Object.entries(output.object).filter(([key]) => key !== FAILURE_RUN);
  flow.patchRun({
    output: Json.of(Object.fromEntries(rest)),
    reason: `${ownReason ?? ''} (the failure workflow was not started: ${reason})`,
  });
}

function startFailureWorkflow(flow: Flow, draft: Draft, ending: RunEnding): string | null {
  const { failureWorkflow, definition } = flow.plan;
  if (!failureWorkflow) return null;
  const name = flow.resolve(failureWorkflow, ROOT_PLACE, null);
  if (typeof name !== 'string' || name === '') return null;
  const { run } = flow;
  const id = flow.context.newId();
  flow.emit({
    kind: 'start-run',
    start: {
      taskRowId: 0,
      id,
      name,
      version: definition.failureWorkflowVersion ?? null,
      definition: null,
      input: failureInput(run, draft, ending),
      correlationId: run.correlationId,
      priority: run.priority,
      taskToDomain: run.taskToDomain,
      parent: { runId: run.id, taskId: '', runRowId: run.rowId, taskRowId: 0, notify: false },
    },
  });
  return id;
}

function failureInput(run: Run, draft: Draft, ending: RunEnding): JsonObject {
  const input: JsonObject = {
    ...run.input.object,
    workflowId: run.id,
    reason: ending.reason,
    failureStatus: ending.status,
    failedWorkflow: {
      workflowId: run.id,
      workflowName: run.name,
      workflowVersion: run.version,
      correlationId: run.correlationId,
      input: run.input.value,
      variables: run.variables.value,
      status: ending.status,
      reasonForIncompletion: ending.reason,
      tasks: tasksOf(draft),
    },
  };
  if (ending.task) input.failureTaskId = ending.task.id;
  return input;
}

/** What was done, so that it can be undone; null where that is too much for an input, and must be read by id. */
function tasksOf(draft: Draft): JsonObject[] | null {
  const tasks: JsonObject[] = [];
  let chars = 0;
  for (const task of draft.all()) {
    chars += TASK_CHARS + task.input.text.length + task.output.text.length;
    if (chars > SNAPSHOT_CHARS_MAX) return null;
    tasks.push({
      taskId: task.id,
      taskType: task.type,
      taskDefName: task.defName,
      referenceTaskName: task.ref,
      status: task.status,
      retryCount: task.attempt,
      iteration: task.iteration,
      inputData: task.input.value,
      outputData: task.output.value,
      reasonForIncompletion: task.reason,
    });
  }
  return tasks;
}

function failure(task: Task): string {
  return `failed with status: ${task.status} and reason: '${task.reason ?? ''}'`;
}
