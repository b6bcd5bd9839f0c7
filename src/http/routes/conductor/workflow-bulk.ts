// Control of many executions at once. Each is allowed, done and reported by itself, as if it had been asked for alone:
// one that cannot be done holds up no other.
import { z } from 'zod';
import type { Principal } from '../../../access/access.ts';
import { AppError } from '../../../model/error.ts';
import { readBody } from '../../body.ts';
import { flagQuery, textQuery } from '../../query.ts';
import { type HttpRequest, json, type Reply, type Route } from '../../route.ts';
import type { RouteDeps } from './deps.ts';
import { restartRun, retryRun } from './workflow-again.ts';
import { remove, TERMINATE_QUERY, terminate, terminateAndRemove } from './workflow-control.ts';

const IDS_MAX = 1000;

export const idsSchema = z.array(z.string().min(1)).min(1).max(IDS_MAX);
export const bulkResponseSchema = z.object({
  bulkErrorResults: z.record(z.string(), z.string()),
  bulkSuccessfulResults: z.array(z.string()),
  message: z.string(),
});

export function workflowBulkRoutes(deps: RouteDeps): Route[] {
  const { orchestrator } = deps;
  const bulk = bulkRoute(deps);
  return [
    bulk('PUT', 'pause', 'Pause executions', (id) => orchestrator.pause(id)),
    bulk('PUT', 'resume', 'Resume paused executions', (id) => orchestrator.resume(id)),
    bulk('POST', 'terminate', 'Terminate executions', (id, request) => terminate(deps, id, request), TERMINATE_QUERY),
    bulk('POST', 'retry', 'Let executions go on that ended without success', (id, request) =>
      retryRun(deps, request, id, false),
    ),
    bulk('POST', 'restart', 'Begin ended executions again', (id, request) => restartRun(deps, request, id), {
      useLatestDefinitions: z.boolean().optional(),
    }),
    bulk(
      'DELETE',
      'remove',
      'Delete finished executions',
      (id, request) => remove(deps, id, flagQuery(request, 'archiveWorkflow', true)),
      { archiveWorkflow: z.boolean().optional() },
    ),
    bulk(
      'DELETE',
      'terminate-remove',
      'Terminate executions, then delete them',
      (id, request) => terminateAndRemove(deps, id, textQuery(request, 'reason')),
      { reason: z.string().optional(), archiveWorkflow: z.boolean().optional() },
    ),
  ];
}

function bulkRoute({ access, permissions }: RouteDeps) {
  const require = async (principal: Principal, id: string) =>
    access.require(principal, await permissions.runById('manage', principal, id));

  return (
    method: Route['method'],
    name: string,
    summary: string,
    act: (id: string, request: HttpRequest) => Promise<void>,
    queryParameters: Route['queryParameters'] = {},
  ): Route => ({
    method,
    path: `/api/workflow/bulk/${name}`,
    // What each needs depends on its name: see below.
    requires: 'authenticated',
    dialect: 'conductor',
    summary: `${summary}; the body is a list of ids`,
    queryParameters,
    body: idsSchema,
    reply: { contentType: 'application/json', schema: bulkResponseSchema },
    async handle(request) {
      const ids = await readBody(request, idsSchema);
      return bulkReply(ids, (id) => require(request.principal, id).then(() => act(id, request)));
    },
  });
}

/** Does it to each, once, all at the same time. */
export async function bulkReply(given: readonly string[], act: (id: string) => Promise<void>): Promise<Reply> {
  const ids = [...new Set(given)];
  const failures = await Promise.all(ids.map((id) => act(id).then(() => null, refusal)));
  const failed = ids.flatMap((id, at) => (failures[at] ? [[id, failures[at]]] : []));
  return json({
    bulkErrorResults: Object.fromEntries(failed),
    bulkSuccessfulResults: ids.filter((_, at) => failures[at] === null),
    message: 'Bulk Request has been processed.',
  });
}

/** Why one could not be done. What may be tried again, and what nobody expected, is the answer to the whole request. */
function refusal(error: unknown): string {
  if (error instanceof AppError && !error.retryable) return error.message;
  throw error;
}
