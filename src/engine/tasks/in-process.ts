// The types that the server runs itself, off the loop: queued by type, claimed and answered like any worker's task.
// A new one is a line here, and a worker of that queue beside the orchestrator.
import type { JsonObject } from '../../model/json.ts';
import { isJsonObject } from '../../model/json.ts';
import type { WorkflowTask } from '../../model/workflow-definition.ts';
import type { Report, TaskType } from './task-type.ts';

export const IN_PROCESS_TYPES: readonly TaskType[] = [
  { type: 'HTTP', queued: true, check: checkHttp },
  { type: 'AGENT', queued: true, check: checkAgent },
  { type: 'JSON_JQ_TRANSFORM', queued: true, check: checkJq },
];

function checkAgent(task: WorkflowTask, report: Report): void {
  const { agent } = task.inputParameters;
  if (typeof agent !== 'string' || agent === '') report('inputParameters.agent', 'AGENT needs the name of an agent');
}

function checkJq({ inputParameters: { queryExpression } }: WorkflowTask, report: Report): void {
  if (typeof queryExpression !== 'string' || queryExpression.trim() === '') {
    report('inputParameters.queryExpression', 'JSON_JQ_TRANSFORM needs queryExpression, a jq program');
  }
}

function checkHttp(task: WorkflowTask, report: Report): void {
  const { http_request: request, uri, method } = task.inputParameters;
  if (request === undefined) {
    if (uri === undefined || method === undefined) {
      report('inputParameters.http_request', 'HTTP needs http_request, or uri and method');
    }
    return;
  }
  if (isJsonObject(request) && (request.uri === undefined || request.method === undefined)) {
    report('inputParameters.http_request', 'http_request needs uri and method');
  }
}

/** An asyncComplete task stays IN_PROGRESS after its worker's IN_PROGRESS report, until somebody completes it. */
export function isAsyncComplete(task: WorkflowTask, input: JsonObject): boolean {
  const { http_request: request } = input;
  return (
    task.asyncComplete || input.asyncComplete === true || (isJsonObject(request) && request.asyncComplete === true)
  );
}
