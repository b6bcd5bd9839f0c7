// One vote on an open APPROVAL task: what becomes of the task, or why the vote is refused. Pure. Whoever calls it must do so
// in the decision that writes what it gives, or two votes at once would count as one.

import { readApprovalRules } from './approval-rules.ts';
import type { ErrorCode } from './error.ts';
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import type { Task } from './run.ts';

export interface Vote {
  readonly approver: string;
  readonly decision: 'approve' | 'reject';
  readonly feedback?: string;
  readonly data?: JsonValue;
  /** By a token that is good for one vote: also the same vote again is refused. */
  readonly once?: boolean;
}

export type Ruling =
  | { readonly status: 'IN_PROGRESS' | 'COMPLETED'; readonly output: JsonObject }
  | { readonly refused: ErrorCode; readonly message: string };

const APPROVER_CHARACTERS_MAX = 200;
const FEEDBACK_CHARACTERS_MAX = 10_000;
/** As JSON. Every vote is kept, so a hundred of them must fit into one task's output. */
const DATA_CHARACTERS_MAX = 16_384;

export function vote(task: Task, cast: Vote, now: number): Ruling {
  const rules = readApprovalRules(task);
  if (task.type !== 'APPROVAL' || typeof rules === 'string') return refuse('conflict', 'This task takes no votes.');
  const { approver, decision, feedback = null, data = null } = cast;
  // Before anything that tells of the task's state: who has no part in it learns nothing of it.
  const mayVote = rules.approvers.length === 0 || rules.approvers.includes(approver);
  if (!mayVote) return refuse('forbidden', 'You are not among the approvers.');
  if (approver === '' || approver.length > APPROVER_CHARACTERS_MAX) {
    return refuse('invalid_request', `An approver's name has 1 to ${APPROVER_CHARACTERS_MAX} characters.`);
  }
  if (feedback !== null && feedback.length > FEEDBACK_CHARACTERS_MAX) {
    return refuse('invalid_request', `Feedback has ${FEEDBACK_CHARACTERS_MAX} characters at most.`);
  }
  if (data !== null && JSON.stringify(data).length > DATA_CHARACTERS_MAX) {
    return refuse('invalid_request', `The data of a vote has ${DATA_CHARACTERS_MAX} characters of JSON at most.`);
  }
  if (task.status !== 'IN_PROGRESS') return refuse('conflict', 'The decision has been made.');
  if (now >= task.visibleMs) return refuse('conflict', 'The time for this decision is over.');
  const output = task.output.object;
  const before = votesIn(output);
  const earlier = before.find((one) => one.approver === approver);
  if (earlier) {
    const isRepeat = earlier.decision === decision && !cast.once;
    return isRepeat ? { status: 'IN_PROGRESS', output } : refuse('conflict', 'You have voted already.');
  }
  const approvals = [...before, { approver, decision, feedback, data, at: now }];
  const approved = decision === 'approve';
  if (approved && approvals.length < rules.minApprovals)
    return { status: 'IN_PROGRESS', output: { ...output, approvals } };
  const status = approved ? 'approved' : 'rejected';
  const reason = approved ? null : (feedback ?? `Rejected by ${approver}`);
  return {
    status: 'COMPLETED',
    output: { status, approved, rejected: !approved, approvals, reason, feedback, data, timedOut: false },
  };
}

/** The votes so far, oldest first. */
export function votesIn(output: JsonObject): JsonObject[] {
  return Array.isArray(output.approvals) ? output.approvals.filter(isJsonObject) : [];
}

function refuse(refused: ErrorCode, message: string): Ruling {
  return { refused, message };
}
