// One trigger as a route: what goes around it, who may pass, and what it runs. Must never run anything before its guard.
import { NOBODY } from '../access/guard.ts';
import type { CallContext, ExecutionOutcome } from '../ensembles/executor.ts';
import { callContext } from '../http/call-context.ts';
import { failedReply, lateReply, processingReply, suspendedReply, unsendableReply } from '../http/execution-reply.ts';
import { renderOutput } from '../http/output/render-output.ts';
import { type Around, type HttpRequest, type Reply, type Requirement, type Route, withHeaders } from '../http/route.ts';
import type { Ensemble } from '../model/ensemble.ts';
import { AppError } from '../model/error.ts';
import type { JsonObject } from '../model/json.ts';
import type { Trigger, TriggerCache } from '../model/trigger.ts';
import { aroundCors } from './cors.ts';
import { createRateLimit } from './rate-limit.ts';
import { readInput } from './read-input.ts';
import { vary } from './reply-headers.ts';
import type { TriggerDeps } from './trigger-deps.ts';

/** Makes the route of each path. Throws Error for what is configured wrongly. */
export function triggerRoute(
  ensemble: Ensemble,
  trigger: Trigger,
  index: number,
  deps: TriggerDeps,
): (path: string) => Omit<Route, 'method'> {
  if (trigger.mode === 'resume' && !deps.resume)
    throw new Error('mode: resume cannot be used: nothing here suspends executions');
  const requires = requirementOf(ensemble, trigger, index, deps);
  const limit =
    trigger.type === 'http' && trigger.rateLimit
      ? createRateLimit(`trigger:${ensemble.name}:${index}`, trigger.rateLimit, deps)
      : null;
  const wraps: Around[] = [];
  if (trigger.type === 'http') {
    if (trigger.cors) wraps.push(aroundCors(trigger.cors));
    if (limit?.before) wraps.push(limit.before);
    wraps.push(...trigger.middleware.map((name) => deps.middleware.get(name)));
  }
  const around = compose(wraps);
  const cache = trigger.type === 'http' ? trigger.cache : null;
  const runOnce = (request: HttpRequest) => runTrigger(ensemble, trigger, deps, request);
  const run = cache
    ? async (request: HttpRequest) => cached(await runOnce(request), request, cache, requires === 'public')
    : runOnce;
  return (path) => ({
    path,
    requires,
    dialect: 'ensemble',
    summary: ensemble.description ?? `Run the ensemble ${ensemble.name}`,
    hot: true,
    ...(around ? { around } : {}),
    handle: limit?.after ? (request) => limit.after?.(request, () => run(request)) ?? run(request) : run,
  });
}

function requirementOf({ name }: Ensemble, trigger: Trigger, index: number, deps: TriggerDeps): Requirement {
  const { auth, permissions, roles } = trigger;
  const cors = trigger.type === 'http' ? trigger.cors : null;
  if (auth === null && permissions.length === 0 && roles.length === 0) return 'public';
  return { guard: deps.guard({ auth, permissions, roles, cors }, `ensemble "${name}", trigger ${index + 1}`) };
}

/** The first goes outermost. What one throws is a reply to those around it, so that they can do their part. */
function compose(wraps: readonly Around[]): Around | null {
  if (wraps.length === 0) return null;
  return (call, next, fail) => {
    const safely = (wrap: Around, inner: () => Promise<Reply>) => async () => {
      try {
        return await wrap(call, inner, fail);
      } catch (error) {
        return fail(error);
      }
    };
    return wraps.reduceRight<() => Promise<Reply>>((inner, wrap) => safely(wrap, inner), next)();
  };
}

async function runTrigger(
  ensemble: Ensemble,
  trigger: Trigger,
  deps: TriggerDeps,
  request: HttpRequest,
): Promise<Reply> {
  const startedMs = deps.clock.now();
  const input = await readInput(request, ensemble, trigger.type, deps);
  const outcome = await start(ensemble, trigger, deps, request, input);
  const { executionId } = outcome;
  const reply = replyOf(outcome, trigger, { requestId: request.id, now: deps.clock.now() }, startedMs);
  if (!deps.debugHeaders) return reply;
  return withHeaders(reply, {
    'x-conductor-ensemble': encodeURIComponent(ensemble.name),
    'x-conductor-execution-id': executionId,
  });
}

function start(
  ensemble: Ensemble,
  trigger: Trigger,
  deps: TriggerDeps,
  request: HttpRequest,
  input: JsonObject,
): Promise<ExecutionOutcome> {
  const call: CallContext = callContext(request, deps.visitor, trigger.type);
  if (trigger.mode === 'resume' && deps.resume) return deps.resume(tokenOf(request, input), input, call);
  const { timeoutMs: waitMs } = trigger;
  return deps.executor.ensemble(ensemble, input, call, {
    ...(trigger.async ? { detached: true } : {}),
    ...(waitMs === null ? {} : { waitMs }),
  });
}

function tokenOf({ params, query }: HttpRequest, { body }: JsonObject): string {
  const sent = typeof body === 'object' && body !== null && !Array.isArray(body) ? body.token : undefined;
  const token = params.token ?? (typeof sent === 'string' ? sent : query.get('token'));
  if (!token)
    throw new AppError('invalid_request', 'The token of the suspended execution is missing', [
      { path: 'token', message: 'is required' },
    ]);
  return token;
}

function replyOf(
  outcome: ExecutionOutcome,
  trigger: Trigger,
  place: { readonly requestId: string; readonly now: number },
  startedMs: number,
): Reply {
  const { executionId } = outcome;
  if (outcome.kind === 'failed') return failedReply(outcome, place);
  if (outcome.kind === 'running') {
    if (trigger.async) return processingReply(executionId);
    if (outcome.suspended === null && trigger.timeoutMs !== null)
      return lateReply(executionId, trigger.timeoutMs, place);
    return suspendedReply(outcome, { executionId, duration: Math.max(0, place.now - startedMs), timestamp: place.now });
  }
  try {
    return renderOutput(outcome.output, outcome.response);
  } catch (error) {
    return unsendableReply(error, executionId, place);
  }
}

/** Only what everybody may see may be kept for everybody; what the output says itself stays. */
function cached(
  reply: Reply,
  { method, principal }: HttpRequest,
  { ttlSeconds, vary: names }: TriggerCache,
  isPublic: boolean,
): Reply {
  const may = (method === 'GET' || method === 'HEAD') && reply.status === 200 && !reply.headers?.['cache-control'];
  if (!may || reply.headers?.['set-cookie'] !== undefined) return reply;
  const scope = isPublic && principal === NOBODY ? 'public' : 'private';
  return vary(withHeaders(reply, { 'cache-control': `${scope}, max-age=${ttlSeconds}` }), names);
}
