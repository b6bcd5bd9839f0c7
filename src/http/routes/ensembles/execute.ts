// Runs an ensemble or an agent for a caller who may, and answers as the API documents it. Must be the one way in which
// every execute route runs anything, the legacy ones too.
import type { ExecutionOutcome } from '../../../ensembles/executor.ts';
import { AppError } from '../../../model/error.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../model/json.ts';
import { validationError } from '../../body.ts';
import { callContext } from '../../call-context.ts';
import { failedReply, suspendedReply, unsendableReply } from '../../execution-reply.ts';
import { outputHeaders, outputStatus } from '../../output/header-rules.ts';
import { renderAlone } from '../../output/render-output.ts';
import { type HttpRequest, json, type Reply, withHeaders } from '../../route.ts';
import type { EnsembleDeps } from './deps.ts';
import { assertApiExecutable, notFound, type Target } from './may-execute.ts';

/** The body as an object; an empty one is `{}`. Throws AppError malformed_json | invalid_request. */
export async function readCall(request: HttpRequest): Promise<JsonObject> {
  const body = await request.json();
  if (body === undefined || body === null) return {};
  if (!isJsonObject(body)) throw validationError([{ path: '', message: 'must be an object' }]);
  return body;
}

export async function executeEnsemble(deps: EnsembleDeps, request: HttpRequest, target: Target): Promise<Reply> {
  const ensemble = deps.project().ensembles.get(target.name);
  if (!ensemble) throw notFound(target);
  assertApiExecutable(target, ensemble.apiExecutable, deps.policy.requireExplicit.ensembles);
  const { input } = await readCall(request);
  const given = objectField('input', input) ?? {};
  return answer(deps, request, target, 'output', () =>
    deps.executor.ensemble(ensemble, given, callContext(request, deps.visitor, 'api')),
  );
}

export async function executeAgent(deps: EnsembleDeps, request: HttpRequest, target: Target): Promise<Reply> {
  const agent = deps.project().agents.get(target.name);
  if (!agent) throw notFound(target);
  assertApiExecutable(target, agent.apiExecutable, deps.policy.requireExplicit.agents);
  const body = await readCall(request);
  const { input } = body;
  // 0, "" and false are inputs; only nothing at all is none.
  if (input === undefined) {
    throw new AppError('invalid_request', 'Input is required', [{ path: 'input', message: 'is required' }]);
  }
  const config = objectField('config', body.config);
  return answer(deps, request, target, 'data', () =>
    deps.executor.agent(target.name, input, callContext(request, deps.visitor, 'api'), config ? { config } : {}),
  );
}

function objectField(path: string, value: JsonValue | undefined): JsonObject | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) throw validationError([{ path, message: 'must be an object' }]);
  return value;
}

async function answer(
  { clock, debugHeaders }: EnsembleDeps,
  request: HttpRequest,
  target: Target,
  member: 'output' | 'data',
  run: () => Promise<ExecutionOutcome>,
): Promise<Reply> {
  const startedMs = clock.now();
  const outcome = await run();
  const now = clock.now();
  const place = { requestId: request.id, now };
  const metadata = { executionId: outcome.executionId, duration: Math.max(0, now - startedMs), timestamp: now };
  const reply = replyOf(outcome, member, metadata, place);
  if (!debugHeaders) return reply;
  return withHeaders(reply, {
    [`x-conductor-${target.kind}`]: encodeURIComponent(target.name),
    'x-conductor-execution-id': outcome.executionId,
  });
}

function replyOf(
  outcome: ExecutionOutcome,
  member: 'output' | 'data',
  metadata: object,
  place: { readonly requestId: string; readonly now: number },
): Reply {
  if (outcome.kind === 'failed') return failedReply(outcome, place);
  if (outcome.kind === 'running') return suspendedReply(outcome, metadata);
  const { output, response } = outcome;
  try {
    const alone = renderAlone(output, response);
    if (alone) return alone;
    // The envelope is JSON whatever the block says, and a status without a body could not carry it.
    const { 'content-type': _, ...headers } = outputHeaders(response.headers);
    const status = outputStatus(response.status, 200);
    const sent = status === 204 || status === 205 || status === 304 ? 200 : status;
    return { ...json({ success: true, [member]: output, metadata }, sent), headers };
  } catch (error) {
    return unsendableReply(error, outcome.executionId, place);
  }
}
