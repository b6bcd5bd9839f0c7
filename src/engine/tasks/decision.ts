// DECISION: the older SWITCH. A script error is the run's end, and a matched case without tasks falls to the default.

import { caseName } from './script-result.ts';
import { choose } from './switch.ts';
import type { TaskType } from './task-type.ts';

export const decision: TaskType = {
  type: 'DECISION',
  control: true,
  check(task, report) {
    if (!task.caseValueParam && !task.caseExpression) {
      report('caseValueParam', 'DECISION needs caseValueParam or caseExpression');
    }
    if (Object.keys(task.decisionCases).length === 0) report('decisionCases', 'DECISION needs at least one case');
  },
  start(flow, task, step) {
    const { caseExpression, caseValueParam } = step.task;
    const input = task.input.object;
    const result = caseExpression
      ? flow.context.script(caseExpression, input)
      : { ok: true as const, value: input[caseValueParam ?? ''] ?? null };
    if (!result.ok) {
      flow.finish(task, { status: 'FAILED_WITH_TERMINAL_ERROR', reason: result.error });
      return;
    }
    const value = caseName(result.value);
    choose(flow, task, step, step.cases.get(value) ?? step.defaultCase, value, { caseOutput: [value] });
  },
};
