// Conductor's Task as JSON text. Payloads and the embedded definition are spliced in as the texts they already are:
// this is the hot path, nothing here may parse or serialise a payload. Null properties are omitted; 0, false and {} stay.
import type { Step } from '../../engine/plan/plan.ts';
import { iterationOf } from '../../engine/tasks/loop-output.ts';
import type { Json } from '../../model/json.ts';
import type { Run, Task } from '../../model/run.ts';
import type { HandedTask } from '../../orchestrator/orchestrator-api.ts';

/** What a task's text takes from its run. */
export type RunOfTask = Pick<Run, 'id' | 'name' | 'priority' | 'correlationId'>;

/** A task as a worker gets it: its input with vault placeholders filled. */
export function handedTaskText(handed: HandedTask): string {
  return taskText(handed.task, handed.run, handed.step, handed.input);
}

/** A task as histories show it; `step` is null when its definition cannot be found. */
export function taskText(task: Task, run: RunOfTask, step: Step | null, input: Json = task.input): string {
  return (
    `{"taskId":${quote(task.id)},"taskType":${quote(task.type)},"taskDefName":${quote(task.defName)}` +
    `,"referenceTaskName":${quote(task.ref)},"status":"${task.status}","inputData":${input.text}` +
    `,"outputData":${task.output.text},"retryCount":${task.attempt},"seq":${task.seq},"pollCount":${task.pollCount}` +
    iteration(task) +
    `,"workflowInstanceId":${quote(run.id)},"workflowType":${quote(run.name)},"workflowPriority":${run.priority}` +
    times(task) +
    `,"startDelayInSeconds":${task.startDelaySeconds},"callbackAfterSeconds":${task.callbackAfterSeconds}` +
    `,"callbackFromWorker":true,"responseTimeoutSeconds":${task.responseTimeoutSeconds}` +
    `,"retried":${task.retried},"executed":${task.executed},"subworkflowChanged":false` +
    optional('correlationId', run.correlationId) +
    optional('domain', task.domain) +
    optional('workerId', task.workerId) +
    optional('retriedTaskId', task.retriedTaskId) +
    optional('reasonForIncompletion', task.reason) +
    optional('subWorkflowId', task.subRunId) +
    `${step ? definitionText(step) : ''}}`
  );
}

/** `,"name":"value"`, or nothing for null: Conductor omits null properties. */
export function optional(name: string, value: string | null | undefined): string {
  return value === null || value === undefined ? '' : `,"${name}":${quote(value)}`;
}

export function quote(text: string): string {
  return JSON.stringify(text);
}

/** A loop has the number of the round that it is in, and what is inside of one the number of its round. */
function iteration(task: Task): string {
  const round = task.type === 'DO_WHILE' ? iterationOf(task) : task.iteration;
  return `,"iteration":${round},"loopOverTask":${round > 0}`;
}

function times(task: Task): string {
  const { scheduledMs, startedMs, endedMs, updatedMs } = task;
  return (
    `,"scheduledTime":${scheduledMs},"startTime":${startedMs},"endTime":${endedMs},"updateTime":${updatedMs}` +
    `,"queueWaitTime":${queueWaitMs(task)}`
  );
}

/** 0 until it began. */
export function queueWaitMs({ scheduledMs, startedMs }: Pick<Task, 'scheduledMs' | 'startedMs'>): number {
  return startedMs > 0 ? Math.max(0, startedMs - scheduledMs) : 0;
}

/** Steps live as long as their plan and are handed out over and over: their part of the text is made once. */
const definitionTexts = new WeakMap<Step, string>();

function definitionText(step: Step): string {
  const known = definitionTexts.get(step);
  if (known !== undefined) return known;
  const { rules } = step;
  const made =
    `,"rateLimitPerFrequency":${rules.rateLimitPerFrequency}` +
    `,"rateLimitFrequencyInSeconds":${rules.rateLimitFrequencyInSeconds}` +
    `${optional('isolationGroupId', rules.isolationGroupId)}${optional('executionNameSpace', rules.executionNameSpace)}` +
    `,"workflowTask":${step.wireText}`;
  definitionTexts.set(step, made);
  return made;
}
