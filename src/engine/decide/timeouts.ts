// When the engine must next look at a task or a run, and what it finds then. Owns every time limit; must never wait:
// a due instant is handed to whoever owns the clock, and looking too early or twice does no harm.
import type { Run, Task } from '../../model/run.ts';
import type { TaskDefinition } from '../../model/task-definition.ts';
import { isTerminal } from '../../model/task-status.ts';
import type { Plan } from '../plan/plan.ts';
import type { TaskType } from '../tasks/task-type.ts';

/** A limit that has passed. */
export interface Expiry {
  readonly limit: 'total' | 'timeout' | 'poll' | 'response';
  readonly reason: string;
}

interface Deadline {
  readonly limit: Expiry['limit'];
  readonly atMs: number;
}

/** The first limit that has passed, in the order in which Conductor looks: total, timeout, poll, response. */
export function expiryOf(task: Task, rules: TaskDefinition, type: TaskType, now: number): Expiry | undefined {
  for (const { limit, atMs } of deadlines(task, rules, type)) {
    if (now >= atMs) return { limit, reason: reasonFor(limit, task, rules, now) };
  }
  return undefined;
}

/** Earliest instant at which a limit passes or the task's own time comes; 0 when there is none. */
export function dueMsOf(task: Task, rules: TaskDefinition, type: TaskType): number {
  if (isTerminal(task.status)) return 0;
  let due = Number.POSITIVE_INFINITY;
  if (!type.queued && task.visibleMs > 0) due = task.visibleMs;
  for (const { atMs } of deadlines(task, rules, type)) due = Math.min(due, atMs);
  return Number.isFinite(due) ? due : 0;
}

/** When the run itself times out, or 0. ALERT_ONLY never ends a run, so nobody need look. */
export function runDueMs(plan: Plan, run: Run): number {
  const { timeoutSeconds, timeoutPolicy } = plan.definition;
  if (timeoutSeconds === 0 || timeoutPolicy === 'ALERT_ONLY') return 0;
  return (run.lastRetriedMs || run.createdMs) + timeoutSeconds * 1000;
}

export function runTimeoutReason(plan: Plan, run: Run, now: number): string {
  const { timeoutSeconds, timeoutPolicy } = plan.definition;
  const elapsed = seconds(now - (run.lastRetriedMs || run.createdMs));
  return `Workflow timed out after ${elapsed} seconds. Timeout configured as ${timeoutSeconds} seconds. Timeout policy configured to ${timeoutPolicy}`;
}

/** The budget over all attempts is spent: no further attempt may begin. */
export function isTotalSpent(task: Task, rules: TaskDefinition, now: number): boolean {
  return rules.totalTimeoutSeconds > 0 && now >= task.firstScheduledMs + rules.totalTimeoutSeconds * 1000;
}

export function totalReason(task: Task, rules: TaskDefinition, now: number): string {
  const elapsed = seconds(now - task.firstScheduledMs);
  return `Task ${task.id}/${task.defName} exceeded total timeout of ${rules.totalTimeoutSeconds} seconds (elapsed: ${elapsed} seconds). No further retries will be attempted.`;
}

function deadlines(task: Task, rules: TaskDefinition, type: TaskType): Deadline[] {
  const found: Deadline[] = [];
  const isActive = rules.timeoutPolicy !== 'ALERT_ONLY';
  const add = (limit: Expiry['limit'], fromMs: number, limitSeconds: number) =>
    found.push({ limit, atMs: fromMs + limitSeconds * 1000 });
  if (rules.totalTimeoutSeconds > 0) add('total', task.firstScheduledMs, rules.totalTimeoutSeconds);
  if (rules.timeoutSeconds > 0 && isActive && task.startedMs > 0) add('timeout', task.startedMs, rules.timeoutSeconds);
  if (!type.queued) return found;
  if (task.status === 'SCHEDULED' && rules.pollTimeoutSeconds > 0 && isActive) {
    // Nobody may poll it before it is visible, so its wait for a poller begins there.
    add('poll', Math.max(task.scheduledMs, task.visibleMs), rules.pollTimeoutSeconds);
  }
  if (task.status === 'IN_PROGRESS' && task.responseTimeoutSeconds > 0 && task.visibleMs !== HELD_OPEN) {
    add('response', task.updatedMs, task.responseTimeoutSeconds + task.callbackAfterSeconds);
  }
  return found;
}

/** visibleMs of an asyncComplete task that waits for its update from outside: nobody owes an answer in time. */
export const HELD_OPEN = Number.MAX_SAFE_INTEGER;

function reasonFor(limit: Expiry['limit'], task: Task, rules: TaskDefinition, now: number): string {
  const policy = `Timeout policy configured to ${rules.timeoutPolicy}`;
  switch (limit) {
    case 'total':
      return totalReason(task, rules, now);
    case 'timeout':
      return `Task timed out after ${seconds(now - task.startedMs)} seconds. Timeout configured as ${rules.timeoutSeconds} seconds. ${policy}`;
    case 'poll':
      return `Task poll timed out after ${seconds(now - Math.max(task.scheduledMs, task.visibleMs))} seconds. Poll timeout configured as ${rules.pollTimeoutSeconds} seconds. ${policy}`;
    case 'response':
      return `responseTimeout: ${task.responseTimeoutSeconds} exceeded for the taskId: ${task.id} with Task Definition: ${task.defName}`;
  }
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
