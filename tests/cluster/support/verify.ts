// Compares what is stored with what workers and callers know: the promises of the cluster, one function each. All return
// what is wrong, in words, so that one look at a failed test shows every broken promise and not the first.
import { type Expected, RESPONSE_SECONDS, RETRY_SECONDS } from './shapes.ts';
import type { StoredRun, StoredTask } from './wire.ts';
import type { Sent } from './workers.ts';

/** The run came to what it had to come to, and nothing of it is still open. */
export function endFaults(run: StoredRun, { status, value }: Expected): string[] {
  const faults: string[] = [];
  const name = `${run.workflowName} ${run.workflowId}`;
  if (run.status !== status) faults.push(`${name} is ${run.status}, not ${status}`);
  if (status === 'COMPLETED' && run.output.value !== value) faults.push(`${name}: ${run.output.value}, not ${value}`);
  for (const task of run.tasks) {
    if (task.status === 'SCHEDULED' || task.status === 'IN_PROGRESS') faults.push(`${name}: ${describe(task)}`);
  }
  return faults;
}

/** Every step has attempts 0, 1, 2, … one after another, all but the last of them failed: none was applied twice. */
export function attemptFaults(run: StoredRun): string[] {
  const faults: string[] = [];
  for (const attempts of attemptsOf(run)) {
    attempts.forEach((task, position) => {
      const before = attempts[position - 1];
      if (task.retryCount !== position) faults.push(`${describe(task)} is attempt ${position} of its step`);
      if (!before) return;
      if (before.status !== 'FAILED' && before.status !== 'TIMED_OUT') faults.push(`${describe(before)} was retried`);
      const early = task.startTime > 0 && task.startTime < before.endTime + RETRY_SECONDS * 1000;
      if (early) faults.push(`${describe(task)} began before its delay was over`);
    });
  }
  return faults;
}

/** Timers fired when they were due or later; that they fired once shows in the attempts of what follows them. */
export function timerFaults(run: StoredRun): string[] {
  return run.tasks.flatMap((task) => {
    const ranMs = task.endTime - task.startTime;
    if (task.taskType === 'WAIT' && task.status === 'COMPLETED' && ranMs < durationMs(task)) {
      return [`${describe(task)} waited ${ranMs} ms`];
    }
    if (task.status === 'TIMED_OUT' && ranMs < RESPONSE_SECONDS * 1000) {
      return [`${describe(task)} timed out after ${ranMs} ms`];
    }
    return [];
  });
}

/**
 * A result that was acknowledged is stored, as it was sent before that and not as anybody said later, unless its attempt
 * had timed out, or its run been terminated, before. A result that is stored was sent.
 */
export function resultFaults(run: StoredRun, sent: ReadonlyMap<string, Sent>): string[] {
  return run.tasks.flatMap((task) => {
    const report = sent.get(task.taskId);
    const { nonce } = task.outputData;
    if (!report) return nonce === undefined ? [] : [`${describe(task)} has a result that nobody sent`];
    if (task.status === 'TIMED_OUT' || task.status === 'CANCELED') {
      return report.acknowledgedMs < task.endTime ? [`${describe(task)}: an acknowledged result is lost`] : [];
    }
    if (task.status !== report.status) return [`${describe(task)} was reported as ${report.status}`];
    return nonce !== undefined && report.nonces.has(nonce) ? [] : [`${describe(task)} has another result: ${nonce}`];
  });
}

/** What a worker was handed is in the history, and as often as it was handed out. */
export function handOutFaults(runs: readonly StoredRun[], handed: ReadonlySet<string>): string[] {
  const pollCounts = new Map(runs.flatMap(({ tasks }) => tasks.map(({ taskId, pollCount }) => [taskId, pollCount])));
  return [...handed].flatMap((one) => {
    const [taskId = '', pollCount] = one.split(' ');
    const stored = pollCounts.get(taskId);
    if (stored === undefined) return [`task ${taskId} was handed out and is in no history`];
    return Number(pollCount) <= stored ? [] : [`task ${taskId} was handed out ${pollCount} times, not ${stored}`];
  });
}

function attemptsOf(run: StoredRun): readonly StoredTask[][] {
  const byRef = new Map<string, StoredTask[]>();
  for (const task of [...run.tasks].sort((a, b) => a.seq - b.seq)) {
    const attempts = byRef.get(task.referenceTaskName) ?? [];
    attempts.push(task);
    byRef.set(task.referenceTaskName, attempts);
  }
  return [...byRef.values()];
}

/** "3s" */
function durationMs(task: StoredTask): number {
  return Number.parseInt(task.inputData.duration ?? '0', 10) * 1000;
}

function describe({ taskId, referenceTaskName, status, retryCount }: StoredTask): string {
  return `task ${referenceTaskName}/${retryCount} ${taskId} is ${status}`;
}
