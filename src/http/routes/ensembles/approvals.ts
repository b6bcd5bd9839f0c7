// Approvals over HTTP: what an execution waits for, votes by a credential, and votes by the one-time token of a link. Looking
// never votes: programs follow links too. Must never tell of an execution to somebody who has no part in it.
import { z } from 'zod';
import { APPROVAL_STYLE, approvalNotice, approvalPage } from '../../../ensembles/approval-page.ts';
import { type Approvals, approverOf, approversOf, type Ballot, readBallot } from '../../../ensembles/approvals.ts';
import { AppError } from '../../../model/error.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../model/json.ts';
import type { Run, Task } from '../../../model/run.ts';
import { jsonValue } from '../../../model/schema.ts';
import { permission } from '../../permission.ts';
import { type HttpRequest, json, type Reply, type Route, withHeaders } from '../../route.ts';
import { noSuchExecution } from './catalog.ts';
import type { EnsembleDeps } from './deps.ts';
import { entrance } from './may-execute.ts';

export type ApprovalDeps = EnsembleDeps & {
  readonly approvals: Approvals;
};

interface Found {
  readonly run: Run;
  readonly tasks: readonly Task[];
}

const approvalBody = z.object({
  decision: z.enum(['approve', 'reject']).optional(),
  approved: z.boolean().optional(),
  feedback: z.string().optional(),
  data: jsonValue().optional(),
});

/** Answers of these hold, or stand for, a credential: nobody keeps them or passes their address on. */
const PRIVATE = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' };
const PAGE = {
  'content-security-policy': `default-src 'none'; style-src ${APPROVAL_STYLE}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'x-content-type-options': 'nosniff',
};

export function approvalRoutes(deps: ApprovalDeps): Route[] {
  const path = '/api/v1/executions/:id/approvals';
  const own = {
    requires: { guard: entrance(deps) },
    dialect: 'ensemble',
    reply: { contentType: 'application/json' },
  } as const;
  return [
    {
      ...own,
      method: 'GET',
      path,
      summary: 'List the approvals that an execution waits for',
      handle: (request) => list(deps, request),
    },
    {
      ...own,
      method: 'POST',
      path: `${path}/:step`,
      summary: 'Approve or reject a step of an execution',
      body: approvalBody,
      handle: (request) => voteAsCaller(deps, request),
    },
    ...legacyRoutes(deps.approvals),
  ];
}

/** Where links lead. A project's own trigger with `mode: resume` may take these paths. */
export function callbackRoutes(approvals: Approvals): Route[] {
  const base = { ...byToken, path: '/callback/:token' };
  return [
    {
      ...base,
      method: 'GET',
      summary: 'What an approval link asks; a page with a form in a browser',
      handle: (request) => shown(request, () => look(approvals, request)),
    },
    {
      ...base,
      method: 'POST',
      summary: 'Approve or reject by an approval link',
      body: approvalBody,
      handle: (request) =>
        shown(request, async () => voteByToken(approvals, request, readBallot(await readSent(request)))),
    },
  ];
}

/** The token is the credential. */
const byToken = {
  requires: 'public',
  dialect: 'ensemble',
  reply: { contentType: 'application/json' },
} as const;

function legacyRoutes(approvals: Approvals): Route[] {
  const path = '/api/v1/executions/hitl/:token';
  const vote = (action: 'approve' | 'reject'): Route => ({
    ...byToken,
    method: 'POST',
    path: `${path}/${action}`,
    summary: `${action === 'approve' ? 'Approve' : 'Reject'} by a token (legacy: prefer /callback/:token)`,
    handle: async (request) => {
      const { feedback, reason, data } = await readSent(request);
      const said = feedback ?? reason;
      const ballot = {
        decision: action,
        ...(said === undefined ? {} : { feedback: said }),
        ...(data === undefined ? {} : { data }),
      };
      return withHeaders(await voteByToken(approvals, request, readBallot(ballot)), PRIVATE);
    },
  });
  return [
    {
      ...byToken,
      method: 'GET',
      path: `${path}/status`,
      summary: 'What a token asks (legacy: prefer /callback/:token)',
      handle: async (request) => withHeaders(await look(approvals, request), PRIVATE),
    },
    vote('approve'),
    vote('reject'),
  ];
}

async function list(deps: ApprovalDeps, request: HttpRequest): Promise<Reply> {
  const { approvals, recordRead } = deps;
  const { principal } = request;
  const found = await visible(deps, request);
  await recordRead(principal.id, found.run.id, 'GET /api/v1/executions/:id/approvals');
  const pending = approvals.pending(found);
  return json({ success: true, executionId: found.run.id, approvals: pending, count: pending.length });
}

async function voteAsCaller(deps: ApprovalDeps, request: HttpRequest): Promise<Reply> {
  const { params, principal } = request;
  const { step = '' } = params;
  const found = await visible(deps, request);
  const task = found.tasks.findLast(({ ref, type }) => ref === step && type === 'APPROVAL');
  if (!task) throw new AppError('not_found', `The execution has no approval ${step}.`);
  const approvers = approversOf(task);
  const approver = approverOf(principal, approvers);
  if (approver === null) throw new AppError('forbidden', 'You are not among the approvers.');
  // Where nobody in particular is to decide, the permission does.
  if (approvers.length === 0 && !mayApprove(deps, request, found.run)) {
    deps.access.require(principal, permission('ensemble', found.run.name, 'approve'));
  }
  const ballot = readBallot(asObject(await request.json()));
  return json({ success: true, ...(await deps.approvals.vote(task.id, approver, ballot)) });
}

/**
 * For who started it, may read its kind, or is to decide on it. Throws AppError not_found, the same for an execution that
 * is not there and for one that the caller has no part in.
 */
async function visible(deps: ApprovalDeps, request: HttpRequest): Promise<Found> {
  const { params, principal } = request;
  const { id = '' } = params;
  const found = await deps.approvals.find(id);
  if (!found) throw noSuchExecution(id);
  const { run, tasks } = found;
  const isNamed = tasks.some((task) => {
    const approvers = task.type === 'APPROVAL' ? approversOf(task) : [];
    return approvers.length > 0 && approverOf(principal, approvers) !== null;
  });
  const isOpenToAll = tasks.some((task) => task.type === 'APPROVAL' && approversOf(task).length === 0);
  const isKnown =
    principal.id !== 'anonymous' &&
    (run.createdBy === principal.id ||
      ['workflow', 'ensemble'].some((kind) => deps.access.allows(principal, permission(kind, run.name, 'read'))));
  if (isKnown || isNamed || (isOpenToAll && mayApprove(deps, request, run))) return found;
  throw noSuchExecution(id);
}

/** Under autoPermissions by permission, otherwise by any credential; nobody in particular always needs the permission. */
function mayApprove({ access, policy }: ApprovalDeps, { principal }: HttpRequest, run: Run): boolean {
  if (!policy.autoPermissions && principal.id !== 'anonymous') return true;
  return access.allows(principal, permission('ensemble', run.name, 'approve'));
}

async function look(approvals: Approvals, request: HttpRequest): Promise<Reply> {
  const asked = await approvals.asked(request.params.token ?? '');
  return wantsPage(request) ? pageReply(approvalPage(asked)) : json({ success: true, ...asked });
}

async function voteByToken(approvals: Approvals, request: HttpRequest, ballot: Ballot): Promise<Reply> {
  const verdict = await approvals.voteBy(request.params.token ?? '', ballot);
  return wantsPage(request) ? look(approvals, request) : json({ success: true, ...verdict });
}

/** A person with a browser is told in words what programs are told in JSON. */
async function shown(request: HttpRequest, answer: () => Promise<Reply>): Promise<Reply> {
  try {
    return withHeaders(await answer(), PRIVATE);
  } catch (error) {
    if (!(error instanceof AppError) || error.status >= 500 || !wantsPage(request)) throw error;
    return withHeaders({ ...pageReply(approvalNotice('Approval', error.message)), status: error.status }, PRIVATE);
  }
}

function pageReply(body: string): Reply {
  return { status: 200, contentType: 'text/html; charset=utf-8', body, headers: PAGE };
}

function wantsPage({ header }: HttpRequest): boolean {
  return (header('accept') ?? '').includes('text/html');
}

/** JSON, or the form of the page. */
async function readSent(request: HttpRequest): Promise<JsonObject> {
  const type = (request.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (type === 'application/x-www-form-urlencoded') {
    const sent = new URLSearchParams(await request.text());
    return Object.fromEntries([...sent].filter(([name]) => name !== '__proto__'));
  }
  return asObject(await request.json());
}

function asObject(document: unknown): JsonObject {
  if (document === undefined || document === null) return {};
  if (isJson(document) && isJsonObject(document)) return document;
  throw new AppError('invalid_request', 'A vote is a JSON object.', [{ path: '', message: 'is an object' }]);
}

/** What JSON.parse gives is JSON. */
function isJson(value: unknown): value is JsonValue {
  return value !== undefined;
}
