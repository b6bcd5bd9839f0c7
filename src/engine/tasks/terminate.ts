// TERMINATE: ends the whole run with a status, a reason and an output of its own.
import { isJsonObject, Json, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { WorkflowTask } from '../../model/workflow-definition.ts';
import type { Report, RunEnding, TaskType } from './task-type.ts';

const STATUSES = ['COMPLETED', 'FAILED', 'TERMINATED'] as const;

export const terminate: TaskType = {
  type: 'TERMINATE',
  steers: true,
  check: checkTerminate,
  start(flow, task) {
    const { terminationStatus, terminationReason, workflowOutput } = task.input.object;
    const status = STATUSES.find((known) => known === terminationStatus);
    if (!status) {
      const reason = `terminationStatus must be one of ${STATUSES.join(', ')}, not ${JSON.stringify(terminationStatus)}`;
      flow.finish(task, { status: 'FAILED_WITH_TERMINAL_ERROR', reason });
      return;
    }
    const output = asOutput(workflowOutput);
    const { now } = flow;
    flow.put({
      ...task,
      status: 'COMPLETED',
      executed: true,
      output: Json.of(output ?? {}),
      endedMs: now,
      updatedMs: now,
      dueMs: 0,
    });
    const given = typeof terminationReason === 'string' ? terminationReason : null;
    const reason = given ?? (status === 'COMPLETED' ? null : `Workflow is ${status} by TERMINATE task: ${task.id}`);
    const ending: RunEnding = { status, reason, task, withFailureWorkflow: status !== 'COMPLETED' };
    flow.endRun(output === undefined ? ending : { ...ending, output });
  },
};

function asOutput(value: JsonValue | undefined): JsonObject | undefined {
  if (value === undefined || value === null) return undefined;
  return isJsonObject(value) ? value : { output: value };
}

function checkTerminate(task: WorkflowTask, report: Report): void {
  const { terminationStatus } = task.inputParameters;
  const isExpression = typeof terminationStatus === 'string' && terminationStatus.includes('${');
  if (!isExpression && !STATUSES.some((known) => known === terminationStatus)) {
    report('inputParameters.terminationStatus', `TERMINATE needs a terminationStatus of ${STATUSES.join(', ')}`);
  }
  if (task.optional) report('optional', 'TERMINATE may not be optional');
}
