// The execute API: by kind and name, and the two legacy ways. Owns the paths; execute.ts does the work.
import { z } from 'zod';
import { jsonObject, jsonValue } from '../../../model/schema.ts';
import { validationError } from '../../body.ts';
import type { HttpRequest, Reply, Route } from '../../route.ts';
import type { EnsembleDeps } from './deps.ts';
import { executeAgent, executeEnsemble, readCall } from './execute.ts';
import { type Kind, type Target, toExecute } from './may-execute.ts';

const metadataSchema = z.object({ executionId: z.string(), duration: z.number(), timestamp: z.number() });
const ensembleBody = z.object({ input: jsonObject() });
const agentBody = z.object({ input: jsonValue(), config: jsonObject() });
const ensembleReply = z.object({ success: z.literal(true), output: jsonValue(), metadata: metadataSchema });
const agentReply = z.object({ success: z.literal(true), data: jsonValue(), metadata: metadataSchema });

export function executeRoutes(deps: EnsembleDeps): Route[] {
  return [
    named(deps, 'ensemble', '/api/v1/execute/ensemble/:name', 'Execute an ensemble'),
    named(deps, 'agent', '/api/v1/execute/agent/:name', 'Execute an agent'),
    named(deps, 'ensemble', '/api/v1/execute/:name', 'Execute an ensemble (legacy: prefer /execute/ensemble/:name)'),
    {
      method: 'POST',
      path: '/api/v1/execute',
      requires: toExecute(deps, async (request) => targetOf(await readCall(request))),
      dialect: 'ensemble',
      summary: 'Execute the ensemble or agent that the body names (legacy)',
      body: z.object({
        ensemble: z.string().optional(),
        agent: z.string().optional(),
        input: jsonValue(),
        config: jsonObject(),
      }),
      reply: { contentType: 'application/json' },
      async handle(request) {
        const target = targetOf(await readCall(request));
        if (!target) throw validationError([{ path: 'ensemble', message: 'name one ensemble or one agent' }]);
        return run(deps, request, target);
      },
    },
  ];
}

function named(deps: EnsembleDeps, kind: Kind, path: string, summary: string): Route {
  const target = ({ params }: HttpRequest): Target => ({ kind, name: params.name ?? '' });
  const isAgent = kind === 'agent';
  return {
    method: 'POST',
    path,
    requires: toExecute(deps, target),
    dialect: 'ensemble',
    summary,
    hot: true,
    body: isAgent ? agentBody : ensembleBody,
    reply: { contentType: 'application/json', schema: isAgent ? agentReply : ensembleReply },
    handle: (request) => run(deps, request, target(request)),
  };
}

function run(deps: EnsembleDeps, request: HttpRequest, target: Target): Promise<Reply> {
  return target.kind === 'agent' ? executeAgent(deps, request, target) : executeEnsemble(deps, request, target);
}

/** Null unless exactly one of the two is named. */
function targetOf({ agent, ensemble }: Readonly<Record<string, unknown>>): Target | null {
  const named = [agent, ensemble].filter((name) => name !== undefined && name !== null);
  if (named.length !== 1) return null;
  if (typeof agent === 'string' && agent !== '') return { kind: 'agent', name: agent };
  if (typeof ensemble === 'string' && ensemble !== '') return { kind: 'ensemble', name: ensemble };
  return null;
}
