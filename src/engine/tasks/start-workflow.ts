// START_WORKFLOW: starts a run and forgets it. Ends when the run was started, or could not be.
import { Json } from '../../model/json.ts';
import { startRequestSchema } from '../../model/start-request.ts';
import { unaskedBudget } from '../plan/budget-vendors.ts';
import type { TaskType } from './task-type.ts';

export const startWorkflow: TaskType = {
  type: 'START_WORKFLOW',
  check(task, report) {
    if (task.inputParameters.startWorkflow === undefined) {
      report('inputParameters.startWorkflow', 'START_WORKFLOW needs startWorkflow: a start request');
    }
  },
  start(flow, task) {
    const parsed = startRequestSchema.safeParse(task.input.object.startWorkflow);
    if (!parsed.success) {
      const first = parsed.error.issues[0];
      const reason = `startWorkflow is not a start request: ${first?.path.join('.') ?? ''} ${first?.message ?? ''}`;
      flow.finish(task, { status: 'FAILED', reason });
      return;
    }
    const request = parsed.data;
    const unasked = request.workflowDef && unaskedBudget(request.workflowDef);
    if (unasked !== undefined) {
      flow.finish(task, { status: 'FAILED', reason: unasked });
      return;
    }
    const id = task.subRunId ?? flow.context.newId();
    flow.watch(flow.put({ ...task, status: 'IN_PROGRESS', subRunId: id }));
    flow.emit({
      kind: 'start-run',
      start: {
        taskRowId: task.rowId,
        id,
        name: request.name,
        version: request.version ?? null,
        definition: request.workflowDef ?? null,
        input: request.input,
        correlationId: request.correlationId ?? flow.run.correlationId,
        priority: request.priority,
        taskToDomain: request.taskToDomain,
        parent: null,
      },
    });
  },
  childStarted(flow, task, childId) {
    flow.finish(task, { status: 'COMPLETED', output: Json.of({ workflowId: childId }) });
  },
};
