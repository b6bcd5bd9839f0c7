// Conductor's SignalResponse as JSON text: what whoever waited for an execution is answered. Payloads are spliced as texts.
import type { Run, Task } from '../../model/run.ts';
import { optional, quote } from './task-text.ts';

export const RETURN_STRATEGIES = [
  'TARGET_WORKFLOW',
  'BLOCKING_WORKFLOW',
  'BLOCKING_TASK',
  'BLOCKING_TASK_INPUT',
] as const;

export type ReturnStrategy = (typeof RETURN_STRATEGIES)[number];

/** What both kinds of answer begin with. */
export interface SignalHead {
  readonly strategy: ReturnStrategy;
  /** The execution that was waited for. */
  readonly target: Run;
  readonly requestId: string | null;
  readonly isLate: boolean;
}

/** An execution: the target itself, or the one of its children that waits for somebody. */
export function signalRunText(head: SignalHead, run: Run, taskTexts: readonly string[]): string {
  return (
    `${headText(head, run)},"status":"${run.status}","priority":${run.priority}` +
    `,"input":${run.input.text},"output":${run.output.text},"variables":${run.variables.text}` +
    `,"createTime":${run.createdMs},"updateTime":${run.updatedMs}` +
    optional('createdBy', run.createdBy) +
    optional('reasonForIncompletion', run.reason) +
    `,"tasks":[${taskTexts.join(',')}]}`
  );
}

/** The task that waits for somebody. */
export function signalTaskText(head: SignalHead, run: Run, task: Task): string {
  return (
    `${headText(head, run)},"status":"${task.status}","taskType":${quote(task.type)},"taskId":${quote(task.id)}` +
    `,"referenceTaskName":${quote(task.ref)},"taskDefName":${quote(task.defName)},"retryCount":${task.attempt}` +
    `,"workflowType":${quote(run.name)},"input":${task.input.text},"output":${task.output.text}` +
    `${optional('retriedTaskId', task.retriedTaskId)}${optional('reasonForIncompletion', task.reason)}}`
  );
}

function headText({ strategy, target, requestId, isLate }: SignalHead, run: Run): string {
  return (
    `{"responseType":"${strategy}","targetWorkflowId":${quote(target.id)},"targetWorkflowStatus":"${target.status}"` +
    `,"signalTimeout":${isLate},"workflowId":${quote(run.id)}` +
    `${optional('requestId', requestId)}${optional('correlationId', run.correlationId)}`
  );
}
