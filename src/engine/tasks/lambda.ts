// LAMBDA: the older INLINE. Its script is the body of a function, so it says `return`, and an error may be retried.
import { Json } from '../../model/json.ts';
import type { TaskType } from './task-type.ts';

export const lambda: TaskType = {
  type: 'LAMBDA',
  check(task, report) {
    if (task.scriptExpression === undefined && task.inputParameters.scriptExpression === undefined) {
      report('inputParameters.scriptExpression', 'LAMBDA needs a scriptExpression');
    }
  },
  start(flow, task, step) {
    const input = task.input.object;
    const body = step.task.scriptExpression ?? input.scriptExpression;
    const result =
      typeof body === 'string'
        ? // A line of its own for the end: the last line of the body may be a comment.
          flow.context.script(`(function () {${body}\n})()`, input)
        : { ok: false as const, error: 'The scriptExpression is not text' };
    if (result.ok) flow.finish(task, { status: 'COMPLETED', output: Json.of({ result: result.value }) });
    else flow.finish(task, { status: 'FAILED', output: Json.of({ error: result.error }), reason: result.error });
  },
};
