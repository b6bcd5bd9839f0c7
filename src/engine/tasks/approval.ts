// APPROVAL: open until enough people have decided, or until its time is over. Votes come from outside as updates, made by
// approval-vote.ts; the instant of its end is kept in visibleMs, so that a restart knows it.

import { type ApprovalRules, readApprovalRules, rulesOf } from '../../model/approval-rules.ts';
import { votesIn } from '../../model/approval-vote.ts';
import { isJsonObject, Json } from '../../model/json.ts';
import type { TaskType } from './task-type.ts';

export const approval: TaskType = {
  type: 'APPROVAL',
  check(task, report) {
    const { config } = task.inputParameters;
    // What holds an expression is known when the task starts, and judged then.
    if (!isJsonObject(config) || /\$\{|\{\{/.test(JSON.stringify(config))) return;
    const rules = rulesOf(config);
    if (typeof rules === 'string') report('inputParameters.config', rules);
  },
  start(flow, task) {
    const rules = readApprovalRules(task);
    if (typeof rules === 'string') {
      flow.finish(task, { status: 'FAILED_WITH_TERMINAL_ERROR', reason: rules });
      return;
    }
    const expiresAt = flow.now + rules.timeoutMs;
    const output = Json.of({ status: 'suspended', approvals: [], expiresAt });
    flow.watch(flow.put({ ...task, status: 'IN_PROGRESS', visibleMs: expiresAt, output }));
  },
  wake(flow, task) {
    const rules = readApprovalRules(task);
    const onTimeout: ApprovalRules['onTimeout'] = typeof rules === 'string' ? 'fail' : rules.onTimeout;
    const approved = onTimeout === 'approve';
    const reason = 'Nobody decided in time';
    const approvals = votesIn(task.output.object);
    const output = Json.of({
      status: 'timeout',
      approved,
      rejected: onTimeout === 'reject',
      approvals,
      reason,
      feedback: null,
      data: null,
      timedOut: true,
    });
    // Asking again would only wait again: it fails for good.
    if (onTimeout === 'fail') flow.finish(task, { status: 'FAILED_WITH_TERMINAL_ERROR', output, reason });
    else flow.finish(task, { status: 'COMPLETED', output });
  },
};
