// Conductor's Workflow (an execution) as JSON text, with or without its tasks. Payloads are spliced as texts.
// Null properties are omitted; empty lists, maps and zeros stay.
import type { Run } from '../../model/run.ts';
import { optional, quote } from './task-text.ts';

/**
 * `taskTexts`: the tasks in order, each as JSON text. `definitionText`: JSON text of the frozen definition, or null
 * when it is gone.
 */
export function runText(run: Run, taskTexts: readonly string[], definitionText: string | null): string {
  return (
    `{"workflowId":${quote(run.id)},"workflowName":${quote(run.name)},"workflowVersion":${run.version}` +
    `,"status":"${run.status}","priority":${run.priority}` +
    `,"createTime":${run.createdMs},"startTime":${run.createdMs},"updateTime":${run.updatedMs}` +
    `,"endTime":${run.endedMs},"lastRetriedTime":${run.lastRetriedMs}` +
    `,"input":${run.input.text},"output":${run.output.text},"variables":${run.variables.text}` +
    `,"taskToDomain":${JSON.stringify(run.taskToDomain)}` +
    `,"failedReferenceTaskNames":${JSON.stringify(run.failedRefs)},"failedTaskNames":${JSON.stringify(run.failedNames)}` +
    optional('correlationId', run.correlationId) +
    optional('createdBy', run.createdBy) +
    optional('event', run.event) +
    optional('parentWorkflowId', run.parent?.runId) +
    optional('parentWorkflowTaskId', run.parent?.taskId) +
    optional('reasonForIncompletion', run.reason) +
    optional('idempotencyKey', run.idempotencyKey) +
    `${definitionText === null ? '' : `,"workflowDefinition":${definitionText}`}` +
    `,"history":[],"rateLimited":false,"tasks":[${taskTexts.join(',')}]}`
  );
}

/** `{workflowId, correlationId, status, output?, variables?}`. */
export function runStatusText(run: Run, includeOutput: boolean, includeVariables: boolean): string {
  return (
    `{"workflowId":${quote(run.id)}${optional('correlationId', run.correlationId)},"status":"${run.status}"` +
    `${includeOutput ? `,"output":${run.output.text}` : ''}` +
    `${includeVariables ? `,"variables":${run.variables.text}` : ''}}`
  );
}
