// INLINE: a script over its input, run inside the decision. The completion value of the program is the result.
import { Json } from '../../model/json.ts';
import type { Task } from '../../model/run.ts';
import type { ScriptResult } from '../decide/decision.ts';
import type { Step } from '../plan/plan.ts';
import { VALUE_PARAM } from './script-result.ts';
import type { Flow, TaskType } from './task-type.ts';

export const inline: TaskType = {
  type: 'INLINE',
  check(task, report) {
    if (task.expression === undefined && task.inputParameters.expression === undefined) {
      report('expression', 'INLINE needs an expression');
    }
  },
  start(flow, task, step) {
    const result = evaluate(flow, task, step);
    if (result.ok) {
      flow.finish(task, { status: 'COMPLETED', output: Json.of({ result: result.value }) });
      return;
    }
    const output = Json.of({ error: result.error });
    flow.finish(task, { status: 'FAILED_WITH_TERMINAL_ERROR', output, reason: result.error });
  },
};

function evaluate(flow: Flow, task: Task, step: Step): ScriptResult {
  const input = task.input.object;
  const expression = step.task.expression ?? input.expression;
  if (typeof expression !== 'string') return { ok: false, error: 'The expression is not text' };
  if ((step.task.evaluatorType ?? input.evaluatorType) === VALUE_PARAM) {
    return { ok: true, value: Object.hasOwn(input, expression) ? (input[expression] ?? null) : null };
  }
  return flow.context.script(expression, input);
}
