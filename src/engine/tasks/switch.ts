// SWITCH: evaluates once, ends at once, and leads into one case. Its step is over only when that case is.
import { Json, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { Task } from '../../model/run.ts';
import type { WorkflowTask } from '../../model/workflow-definition.ts';
import type { ScriptResult } from '../decide/decision.ts';
import type { Step } from '../plan/plan.ts';
import { caseName, VALUE_PARAM } from './script-result.ts';
import { type Flow, placeOf, type Report, type TaskType } from './task-type.ts';

const EVALUATORS = new Set([VALUE_PARAM, 'javascript', 'graaljs']);

export const switchType: TaskType = {
  type: 'SWITCH',
  control: true,
  check: checkSwitch,
  start(flow, task, step) {
    const result = evaluate(flow, step.task, task.input.object);
    if (!result.ok) {
      flow.finish(task, { status: 'FAILED', reason: result.error });
      return;
    }
    const selected = caseName(result.value);
    const matched = step.cases.get(selected);
    // A matched case without tasks is a choice, not a miss.
    const head = matched === undefined ? step.defaultCase : matched;
    choose(flow, task, step, head, selected, { evaluationResult: [selected], selectedCase: selected });
  },
};

/** Ends the task and starts the chosen case at its head. */
export function choose(
  flow: Flow,
  task: Task,
  step: Step,
  head: Step | null,
  selected: string,
  output: JsonObject,
): void {
  const { now } = flow;
  const place = placeOf(task);
  flow.put({
    ...task,
    status: 'COMPLETED',
    input: Json.of({ ...task.input.object, case: selected, hasChildren: 'true' }),
    output: Json.of(output),
    executed: true,
    // Only a JOIN asks whether the chosen case is over.
    waiting: head !== null && step.joins.length > 0 ? 1 : 0,
    endedMs: now,
    updatedMs: now,
    dueMs: 0,
  });
  if (head) flow.schedule(head, place);
  else flow.done(step, place);
}

function evaluate(flow: Flow, task: WorkflowTask, input: JsonObject): ScriptResult {
  const expression = task.expression ?? '';
  if (task.evaluatorType === VALUE_PARAM) return { ok: true, value: own(input, expression) };
  return flow.context.script(expression, input);
}

function own(input: JsonObject, key: string): JsonValue {
  return Object.hasOwn(input, key) ? (input[key] ?? null) : null;
}

function checkSwitch(task: WorkflowTask, report: Report): void {
  if (!task.evaluatorType) report('evaluatorType', 'SWITCH needs an evaluatorType: value-param or javascript');
  else if (!EVALUATORS.has(task.evaluatorType)) {
    report('evaluatorType', `SWITCH knows no evaluatorType ${task.evaluatorType}: use value-param or javascript`);
  }
  if (!task.expression) report('expression', 'SWITCH needs an expression');
  if (Object.keys(task.decisionCases).length === 0) report('decisionCases', 'SWITCH needs at least one case');
}
