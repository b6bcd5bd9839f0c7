// Starting an execution and waiting for it: until it ends, cannot go on by itself, a named task has ended, or the time is
// up. Late is no error: the answer says how it stands, and it goes on.
import { z } from 'zod';
import { isJsonObject } from '../../../model/json.ts';
import { startRequestSchema } from '../../../model/start-request.ts';
import { check } from '../../body.ts';
import { permission } from '../../permission.ts';
import { textQuery, wholeParam, wholeQuery } from '../../query.ts';
import type { HttpRequest, Route } from '../../route.ts';
import { requireStarter } from './definition-rights.ts';
import type { RouteDeps } from './deps.ts';
import { noSuchRun } from './not-found.ts';
import { STRATEGY_QUERY, signalReply, strategyOf } from './signal-reply.ts';

const WAIT_SECONDS_DEFAULT = 10;
const WAIT_SECONDS_MAX = 600;

export const WAIT_QUERY = {
  requestId: z.string().optional(),
  waitUntilTaskRef: z.string().optional(),
  waitForSeconds: z.int().min(0).max(WAIT_SECONDS_MAX).optional(),
};

/** Throws AppError invalid_request. */
export function waitSecondsOf(request: HttpRequest): number {
  return wholeQuery(request, 'waitForSeconds', 0, { max: WAIT_SECONDS_MAX }) || WAIT_SECONDS_DEFAULT;
}

export function workflowExecuteRoutes(deps: RouteDeps): Route[] {
  const { orchestrator, access, agentGrants } = deps;
  return [
    {
      method: 'POST',
      path: '/api/workflow/execute/:name/:version',
      requires: ({ params }) => permission('workflow', params.name ?? '', 'execute'),
      dialect: 'conductor',
      summary:
        'Start an execution and wait until it ends, waits for somebody, or waitUntilTaskRef has ended; version 0 is the latest',
      queryParameters: {
        ...WAIT_QUERY,
        consistency: z.string().optional(),
        ...STRATEGY_QUERY,
      },
      body: startRequestSchema,
      reply: { contentType: 'application/json' },
      async handle(request) {
        strategyOf(request);
        const refs = textQuery(request, 'waitUntilTaskRef')?.split(',') ?? [];
        const seconds = waitSecondsOf(request);
        const start = await startOf(request);
        requireStarter(access, request.principal, start);
        // The answer is a history: who may start an execution may not thereby read one.
        access.require(request.principal, permission('workflow', start.workflowDef?.name ?? start.name, 'read'));
        const runId = await orchestrator.start(start, agentGrants?.(request.principal));
        const { signal } = request;
        const awaited = await orchestrator.awaitRun({ runId, refs, waitMs: seconds * 1000, signal });
        if (!awaited) throw noSuchRun(runId);
        return signalReply(deps, request, awaited, 'POST /api/workflow/execute/:name/:version');
      },
    },
  ];
}

/** The path says which workflow; some clients repeat it in the body, some do not. */
async function startOf(request: HttpRequest) {
  const body = (await request.json()) ?? {};
  if (!isJsonObject(body)) return check(startRequestSchema, body);
  return check(startRequestSchema, {
    ...body,
    name: request.params.name,
    version: wholeParam(request, 'version') || null,
  });
}
