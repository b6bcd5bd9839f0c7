// What an APPROVAL task was told: who may decide, how many must agree, and what happens when nobody does. Reads the task's
// input as it was resolved; judges no vote.

import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import type { Task } from './run.ts';

export interface ApprovalRules {
  /** Empty: anybody who may vote at all. */
  readonly approvers: readonly string[];
  readonly minApprovals: number;
  readonly timeoutMs: number;
  readonly onTimeout: 'reject' | 'approve' | 'fail';
}

const TIMEOUT_MS = 86_400_000;
/** A hundred years: beyond it a number of digits is a mistake. */
const TIMEOUT_MS_MAX = 36_525 * 86_400_000;
/** Every vote stands in the task's output. */
const APPROVERS_MAX = 100;

/** The rules, or what is wrong with them. */
export function readApprovalRules(task: Pick<Task, 'input'>): ApprovalRules | string {
  const { config } = task.input.object;
  return rulesOf(isJsonObject(config) ? config : {});
}

export function rulesOf(config: JsonObject): ApprovalRules | string {
  const { minApprovals = 1, timeout = TIMEOUT_MS, onTimeout = 'reject' } = config;
  const approvers = namesIn(config.approvers);
  if (approvers === undefined) return 'approvers must be a list of names';
  if (approvers.length > APPROVERS_MAX) return `approvers may be ${APPROVERS_MAX} at most`;
  if (!isWhole(minApprovals, APPROVERS_MAX)) return `minApprovals must be a whole number from 1 to ${APPROVERS_MAX}`;
  if (approvers.length > 0 && minApprovals > approvers.length) {
    return `minApprovals is ${minApprovals}, but there are only ${approvers.length} approvers`;
  }
  if (!isWhole(timeout, TIMEOUT_MS_MAX)) return 'timeout must be a whole number of milliseconds, from 1 on';
  if (onTimeout !== 'reject' && onTimeout !== 'approve' && onTimeout !== 'fail') {
    return 'onTimeout must be reject, approve or fail';
  }
  return { approvers, minApprovals, timeoutMs: timeout, onTimeout };
}

/** One approver named twice is one. */
function namesIn(value: JsonValue | undefined): string[] | undefined {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return undefined;
  const names = value.flatMap((name) => (typeof name === 'string' && name !== '' ? [name] : []));
  return names.length === value.length ? [...new Set(names)] : undefined;
}

function isWhole(value: JsonValue, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max;
}
