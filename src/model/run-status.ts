// The states of an execution on Conductor's wire.

export const RUN_STATUSES = ['RUNNING', 'COMPLETED', 'FAILED', 'TIMED_OUT', 'TERMINATED', 'PAUSED'] as const;

export type RunStatus = (typeof RUN_STATUSES)[number];

export function isRunTerminal(status: RunStatus): boolean {
  return status !== 'RUNNING' && status !== 'PAUSED';
}
