// EXCLUSIVE_JOIN: takes over from the first listed task that has been scheduled and was not skipped. It waits where that
// task is still open, as one of a fork's branches may be.

import type { Task } from '../../model/run.ts';
import { isSuccessful, isTerminal } from '../../model/task-status.ts';
import type { Step } from '../plan/plan.ts';
import { inScope } from './join.ts';
import type { Flow, TaskType } from './task-type.ts';

export const exclusiveJoin: TaskType = {
  type: 'EXCLUSIVE_JOIN',
  control: true,
  birth: (flow) => ({ status: 'IN_PROGRESS', startedMs: flow.now, visibleMs: 0 }),
  start: look,
  wake: look,
  revive: (flow, task) => flow.makeReady(flow.put(task)),
  check(task, report) {
    if (task.joinOn.length === 0) report('joinOn', 'EXCLUSIVE_JOIN needs at least one task in joinOn');
  },
};

function look(flow: Flow, task: Task, step: Step): void {
  const decisive =
    first(flow, step.task.joinOn, task.scope) ?? first(flow, step.task.defaultExclusiveJoinTask, task.scope);
  if (!decisive) {
    flow.finish(task, { status: 'COMPLETED' });
    return;
  }
  if (!isTerminal(decisive.status) || decisive.retried || !decisive.executed) return;
  const status = isSuccessful(decisive.status) ? 'COMPLETED' : 'FAILED';
  flow.finish(task, { status, output: decisive.output, reason: decisive.reason });
}

function first(flow: Flow, refs: readonly string[], scope: string): Task | undefined {
  for (const ref of refs) {
    const task = inScope(flow, ref, scope);
    if (task && task.status !== 'SKIPPED') return task;
  }
  return undefined;
}
