// The task states of Conductor's wire and what each of them means. Owns the table; must never decide a transition.

interface Meaning {
  readonly terminal: boolean;
  readonly successful: boolean;
  readonly retriable: boolean;
}

const MEANINGS = {
  SCHEDULED: { terminal: false, successful: true, retriable: true },
  IN_PROGRESS: { terminal: false, successful: true, retriable: true },
  COMPLETED: { terminal: true, successful: true, retriable: true },
  COMPLETED_WITH_ERRORS: { terminal: true, successful: true, retriable: true },
  SKIPPED: { terminal: true, successful: true, retriable: false },
  FAILED: { terminal: true, successful: false, retriable: true },
  TIMED_OUT: { terminal: true, successful: false, retriable: true },
  FAILED_WITH_TERMINAL_ERROR: { terminal: true, successful: false, retriable: false },
  CANCELED: { terminal: true, successful: false, retriable: false },
} as const satisfies Record<string, Meaning>;

export type TaskStatus = keyof typeof MEANINGS;

export const TASK_STATUSES = Object.keys(MEANINGS) as TaskStatus[];

export function isTerminal(status: TaskStatus): boolean {
  return MEANINGS[status].terminal;
}

export function isSuccessful(status: TaskStatus): boolean {
  return MEANINGS[status].successful;
}

export function isRetriable(status: TaskStatus): boolean {
  return MEANINGS[status].retriable;
}
