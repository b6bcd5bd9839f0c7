// What `${…}` sees of a run from one place in it. Inside a loop a reference means the task of the same iteration, else
// of an enclosing one, else the latest of all. Must never build more than was asked for.
import type { Scope } from '../../expressions/template.ts';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import type { Run, Task } from '../../model/run.ts';
import { isTerminal } from '../../model/task-status.ts';
import type { Plan, Step } from '../plan/plan.ts';
import { loopOutput } from '../tasks/loop-output.ts';
import type { Flow, Place } from '../tasks/task-type.ts';

const OWN_TASK_ID = 'CPEWF_TASK_ID';
const NO_LOOPS: ReadonlySet<string> = new Set();

export class RunScope implements Scope {
  readonly #flow: Flow;
  readonly #place: Place;
  readonly #wholeLoops: ReadonlySet<string>;
  readonly #taskId: string;

  constructor(flow: Flow, place: Place, step: Step | null, taskId = '') {
    this.#flow = flow;
    this.#place = place;
    this.#wholeLoops = step?.wholeLoops ?? NO_LOOPS;
    this.#taskId = taskId;
  }

  lookup(root: string, field: string): JsonValue | undefined {
    if (root === 'workflow') return runField(this.#flow.plan, this.#flow.run, field);
    if (root === OWN_TASK_ID && field === '') return this.#taskId;
    const task = nearest(this.#flow, root, this.#place.scope);
    if (!task) return undefined;
    if (field === 'output' && this.#wholeLoops.has(root) && !isTerminal(task.status)) {
      return loopOutput(this.#flow, task, this.#flow.stepOf(task));
    }
    return taskField(task, this.#flow.run, field);
  }
}

/** The task a reference means from a loop position. */
export function nearest(flow: Flow, step: string, scope: string): Task | undefined {
  for (let at = scope; at !== ''; at = at.slice(0, at.lastIndexOf('__'))) {
    const task = flow.latest(step + at);
    if (task) return task;
  }
  return flow.latest(step) ?? flow.latestOfStep(step);
}

function runField(plan: Plan, run: Run, field: string): JsonValue | undefined {
  switch (field) {
    case 'input':
      return run.input.value;
    case 'output':
      return run.output.value;
    case 'variables':
      return run.variables.value;
    case 'status':
      return run.status;
    case 'workflowId':
      return run.id;
    case 'workflowType':
      return run.name;
    case 'version':
      return run.version;
    case 'correlationId':
      return run.correlationId;
    case 'parentWorkflowId':
      return run.parent?.runId ?? null;
    case 'parentWorkflowTaskId':
      return run.parent?.taskId ?? null;
    case 'reasonForIncompletion':
      return run.reason;
    case 'schemaVersion':
      return plan.definition.schemaVersion;
    case 'priority':
      return run.priority;
    case 'createTime':
    case 'startTime':
      return run.createdMs;
    default:
      return undefined;
  }
}

function taskField(task: Task, run: Run, field: string): JsonValue | undefined {
  switch (field) {
    case 'input':
      return task.input.value;
    case 'output':
      return task.output.value;
    default: {
      const rest = fields(task, run);
      return Object.hasOwn(rest, field) ? rest[field] : undefined;
    }
  }
}

function fields(task: Task, run: Run): JsonObject {
  return {
    taskType: task.type,
    status: task.status,
    referenceTaskName: task.ref,
    retryCount: task.attempt,
    correlationId: run.correlationId,
    pollCount: task.pollCount,
    taskDefName: task.defName,
    scheduledTime: task.scheduledMs,
    startTime: task.startedMs,
    endTime: task.endedMs,
    workflowInstanceId: run.id,
    taskId: task.id,
    reasonForIncompletion: task.reason,
    callbackAfterSeconds: task.callbackAfterSeconds,
    workerId: task.workerId,
    iteration: task.iteration,
    subWorkflowId: task.subRunId,
  };
}
