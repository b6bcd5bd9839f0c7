// Starting executions: POST /api/workflow with a whole request, or POST /api/workflow/:name with the input as body.
import { z } from 'zod';
import { AppError } from '../../../model/error.ts';
import { jsonObject } from '../../../model/schema.ts';
import { startRequestSchema } from '../../../model/start-request.ts';
import { check, readBody } from '../../body.ts';
import { permission } from '../../permission.ts';
import { textQuery, wholeQuery } from '../../query.ts';
import { type HttpRequest, type Route, text } from '../../route.ts';
import { requireStarter } from './definition-rights.ts';
import type { RouteDeps } from './deps.ts';
import { noSuchDefinition } from './not-found.ts';

const inputSchema = jsonObject();

const ANY_EXECUTE = permission('workflow', '*', 'execute');

export function workflowStartRoutes({ orchestrator, access, agentGrants }: RouteDeps): Route[] {
  return [
    {
      method: 'POST',
      path: '/api/workflow',
      requires: (request) =>
        // The name is in the body, which is read twice only for callers whose grant depends on it.
        access.allows(request.principal, ANY_EXECUTE)
          ? ANY_EXECUTE
          : readBody(request, startRequestSchema).then(({ name }) => permission('workflow', name, 'execute')),
      dialect: 'conductor',
      summary: 'Start an execution',
      body: startRequestSchema,
      reply: { contentType: 'text/plain' },
      async handle(request) {
        const start = await readBody(request, startRequestSchema);
        requireStarter(access, request.principal, start);
        return text(await orchestrator.start(start, agentGrants?.(request.principal)));
      },
    },
    {
      method: 'POST',
      path: '/api/workflow/:name',
      requires: ({ params }) => permission('workflow', params.name ?? '', 'execute'),
      dialect: 'conductor',
      summary: 'Start an execution of a workflow by name; the body is its input',
      body: z.record(z.string(), z.unknown()),
      queryParameters: {
        version: z.int().optional(),
        correlationId: z.string().optional(),
        priority: z.int().min(0).max(99).optional(),
      },
      reply: { contentType: 'text/plain' },
      async handle(request) {
        const start = await startByName(request);
        const version = start.version ?? null;
        if (!orchestrator.definition(start.name, version)) throw noSuchDefinition(start.name, version);
        return text(await orchestrator.start(start, agentGrants?.(request.principal)));
      },
    },
  ];
}

async function startByName(request: HttpRequest) {
  const input = await request.json();
  // Checked apart from the rest, so that a wrong body is not reported as a wrong field `input`.
  if (!inputSchema.safeParse(input).success) {
    throw new AppError('invalid_request', 'The body is the input of the execution: send a JSON object.');
  }
  const strategy = request.header('x-on-conflict');
  return check(startRequestSchema, {
    name: request.params.name,
    version: wholeQuery(request, 'version', null),
    correlationId: textQuery(request, 'correlationId'),
    priority: wholeQuery(request, 'priority', 0, { max: 99 }),
    idempotencyKey: request.header('x-idempotency-key') ?? null,
    idempotencyStrategy: strategy === undefined ? null : strategy,
    input,
  });
}
