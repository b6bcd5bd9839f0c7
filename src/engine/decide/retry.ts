// The arithmetic of retries. Owns delays; who is retried at all is flow.ts's business.
import type { TaskDefinition } from '../../model/task-definition.ts';

const SECONDS_MAX = 2 ** 31 - 1;

/** Milliseconds until the attempt after the failed one, which was number `attempt` from 0. `random` is in [0, 1). */
export function retryDelayMs(rules: TaskDefinition, attempt: number, random: number): number {
  const jitterMs = Math.floor(random * (rules.backoffJitterMs + 1));
  return cappedSeconds(rules, attempt) * 1000 + jitterMs;
}

function cappedSeconds(rules: TaskDefinition, attempt: number): number {
  const wanted = Math.min(wantedSeconds(rules, attempt), SECONDS_MAX);
  return rules.maxRetryDelaySeconds > 0 ? Math.min(wanted, rules.maxRetryDelaySeconds) : wanted;
}

function wantedSeconds(rules: TaskDefinition, attempt: number): number {
  switch (rules.retryLogic) {
    case 'FIXED':
      return rules.retryDelaySeconds;
    case 'LINEAR_BACKOFF':
      return rules.retryDelaySeconds * rules.backoffScaleFactor * (attempt + 1);
    case 'EXPONENTIAL_BACKOFF':
      return rules.retryDelaySeconds === 0 ? 0 : rules.retryDelaySeconds * 2 ** attempt;
  }
}
