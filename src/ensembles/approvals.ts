// Approvals of executions: what is asked, of whom, and the votes. Owns how a caller becomes an approver, and what a vote
// comes to; the engine's rules count it, in the round that writes it. Must never show a token, nor where notices go.
import type { Principal } from '../access/access.ts';
import { rulesOf } from '../model/approval-rules.ts';
import { type Vote, vote, votesIn } from '../model/approval-vote.ts';
import { AppError } from '../model/error.ts';
import { isJsonObject, Json, type JsonObject, type JsonValue } from '../model/json.ts';
import { splitOutput } from '../model/raw-value.ts';
import type { Run, Task } from '../model/run.ts';
import { isRunTerminal } from '../model/run-status.ts';
import type { ApprovalTokens } from '../operations/hitl/approval-tokens.ts';
import type { Orchestrator } from '../orchestrator/orchestrator-api.ts';
import type { Reads } from '../store/reads.ts';
import type { ExecutionOutcome } from './executor.ts';

export interface Ballot {
  readonly decision: 'approve' | 'reject';
  readonly feedback?: string;
  readonly data?: JsonValue;
}

export interface Verdict {
  readonly status: 'approved' | 'rejected' | 'pending';
  readonly executionId: string;
}

/** `voted`: this approver has; the decision is still open. `cancelled`: the execution ended before it. */
export type ApprovalState = 'pending' | 'voted' | 'approved' | 'rejected' | 'timeout' | 'cancelled';

export interface ApprovalView {
  readonly step: string;
  readonly status: ApprovalState;
  readonly title: string | null;
  readonly description: string | null;
  readonly expiresAt: number;
}

export interface AskedByToken extends ApprovalView {
  readonly executionId: string;
  readonly approver: string;
  readonly minApprovals: number;
}

export interface PendingApproval extends ApprovalView {
  readonly taskId: string;
  /** Empty: whoever may approve this ensemble. */
  readonly approvers: readonly string[];
  readonly minApprovals: number;
  readonly approvals: readonly JsonObject[];
}

export interface Approvals {
  /** The run with all its tasks; null when there is none. */
  find(executionId: string): Promise<{ readonly run: Run; readonly tasks: readonly Task[] } | null>;
  pending(found: { readonly run: Run; readonly tasks: readonly Task[] }): PendingApproval[];
  /** Throws AppError not_found | forbidden | conflict | invalid_request. */
  vote(taskId: string, approver: string, ballot: Ballot): Promise<Verdict>;
  /** What a token asks. Throws AppError not_found. */
  asked(token: string): Promise<AskedByToken>;
  /** Counts once. Throws as `vote`. */
  voteBy(token: string, ballot: Ballot): Promise<Verdict>;
  /** The same, with what became of the execution so far. */
  resume(token: string, input: JsonObject): Promise<ExecutionOutcome>;
}

export interface ApprovalsOptions {
  readonly orchestrator: Pick<Orchestrator, 'decideTask'>;
  readonly reads: Pick<Reads, 'run' | 'taskById'>;
  readonly tokens: ApprovalTokens;
  readonly clock: { now(): number };
}

/** Names that whoever runs the server gave. A name in a token of elsewhere may be its holder's own choice. */
const NAMED_BY_US = new Set<Principal['method']>([undefined, 'apiKey', 'static', 'basic']);

/**
 * As whom a caller votes: by its id (of an API key; the `sub` of a JWT), or else by its name where that is one that we
 * gave. Null: it is not among the approvers. Empty approvers: anybody, by id.
 */
export function approverOf({ id, name, method }: Principal, approvers: readonly string[]): string | null {
  if (approvers.length === 0) return id;
  if (id === 'anonymous') return null;
  if (approvers.includes(id)) return id;
  return NAMED_BY_US.has(method) && approvers.includes(name) ? name : null;
}

export function approversOf({ input }: Task): readonly string[] {
  const rules = rulesOf(configOf(input.object));
  return typeof rules === 'string' ? [] : rules.approvers;
}

/** What was sent as a vote: `{decision}` or `{approved}`, in JSON or from a form. Throws AppError invalid_request. */
export function readBallot({ decision, approved, feedback, data }: JsonObject): Ballot {
  const said = decision ?? (approved === true || approved === 'true' ? 'approve' : undefined);
  const meant = said ?? (approved === false || approved === 'false' ? 'reject' : undefined);
  if (meant !== 'approve' && meant !== 'reject') throw invalid('decision', 'is "approve" or "reject"');
  if (decision !== undefined && approved !== undefined)
    throw invalid('approved', 'send decision or approved, not both');
  if (feedback !== undefined && feedback !== null && typeof feedback !== 'string')
    throw invalid('feedback', 'is a text');
  return {
    decision: meant,
    ...(typeof feedback === 'string' && feedback.trim() !== '' ? { feedback } : {}),
    ...(data === undefined ? {} : { data }),
  };
}

export function createApprovals(options: ApprovalsOptions): Approvals {
  const { clock, reads, tokens } = options;
  const byToken = (token: string) => {
    const read = tokens.read(token);
    if (!read) throw noSuchLink();
    return read;
  };
  const voteBy = async (token: string, ballot: Ballot) => {
    const { taskId, approver } = byToken(token);
    return castVote(options, taskId, { ...ballot, approver, once: true });
  };
  return {
    find: (executionId) => reads.run(executionId, true),
    pending: ({ run, tasks }) =>
      tasks.filter((task) => isOpen(task, run)).map((task) => pendingView(task, run, clock.now())),
    vote: (taskId, approver, ballot) => castVote(options, taskId, { ...ballot, approver }),
    async asked(token) {
      const { taskId, approver } = byToken(token);
      const found = await reads.taskById(taskId);
      if (!found) throw noSuchLink();
      const { task, run } = found;
      const now = clock.now();
      const { minApprovals } = pendingView(task, run, now);
      return { ...viewOf(task, run, now, approver), executionId: run.id, approver, minApprovals };
    },
    voteBy,
    async resume(token, input) {
      // Programs look into links: only a request that says it changes something may.
      if (input.method === 'GET' || input.method === 'HEAD') {
        throw new AppError('method_not_allowed', 'An execution is resumed by POST.');
      }
      const { status, executionId } = await voteBy(token, readBallot(input));
      const found = await reads.run(executionId, false);
      return outcomeOf(found?.run, executionId, status);
    },
  };
}

async function castVote({ orchestrator }: ApprovalsOptions, taskId: string, cast: Vote): Promise<Verdict> {
  let verdict: Verdict | undefined;
  await orchestrator.decideTask(taskId, (task, run, now) => {
    const ruling = vote(task, cast, now);
    if ('refused' in ruling) throw new AppError(ruling.refused, ruling.message);
    if (isRunTerminal(run.status)) throw new AppError('conflict', 'The execution has ended.');
    const decided = ruling.output.approved === true ? 'approved' : 'rejected';
    verdict = { executionId: run.id, status: ruling.status === 'COMPLETED' ? decided : 'pending' };
    return { status: ruling.status, output: Json.of(ruling.output), reason: null };
  });
  if (!verdict) throw new AppError('internal', 'A vote was neither taken nor refused.');
  return verdict;
}

function pendingView(task: Task, run: Run, now: number): PendingApproval {
  const rules = rulesOf(configOf(task.input.object));
  const { approvers, minApprovals } = typeof rules === 'string' ? { approvers: [], minApprovals: 1 } : rules;
  const view = viewOf(task, run, now, null);
  return { ...view, taskId: task.id, approvers, minApprovals, approvals: votesIn(task.output.object) };
}

function viewOf(task: Task, run: Run, now: number, approver: string | null): ApprovalView {
  const { title, description } = configOf(task.input.object);
  return {
    step: task.ref,
    status: stateOf(task, run, now, approver),
    title: shown(title),
    description: shown(description),
    expiresAt: task.visibleMs,
  };
}

function stateOf(task: Task, run: Run, now: number, approver: string | null): ApprovalState {
  const output = task.output.object;
  if (isOpen(task, run)) {
    if (now >= task.visibleMs) return 'timeout';
    return votesIn(output).some((one) => one.approver === approver) ? 'voted' : 'pending';
  }
  const { status } = output;
  return status === 'approved' || status === 'rejected' || status === 'timeout' ? status : 'cancelled';
}

function isOpen({ type, status }: Task, run: Run): boolean {
  return type === 'APPROVAL' && status === 'IN_PROGRESS' && !isRunTerminal(run.status);
}

function outcomeOf(run: Run | undefined, executionId: string, status: Verdict['status']): ExecutionOutcome {
  if (!run || !isRunTerminal(run.status)) {
    return { kind: 'running', executionId, suspended: status === 'pending' ? { decision: status } : null };
  }
  if (run.status !== 'COMPLETED') {
    return { kind: 'failed', executionId, message: `The execution ended as ${run.status}.`, agent: null };
  }
  const { body, response } = splitOutput(run.output.object);
  return { kind: 'completed', executionId, output: body, response };
}

function configOf({ config }: JsonObject): JsonObject {
  return isJsonObject(config) ? config : {};
}

function shown(value: JsonValue | undefined): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function invalid(path: string, message: string): AppError {
  return new AppError('invalid_request', `The vote is not valid: ${path} ${message}.`, [{ path, message }]);
}

function noSuchLink(): AppError {
  return new AppError('not_found', 'This approval link is not valid.');
}
