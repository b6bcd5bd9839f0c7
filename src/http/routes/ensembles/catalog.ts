// What there is to execute: lists and descriptions. Shows nobody what they may not execute, and never a config or a
// secret: those may spell out how the inside works.

import type { AgentDefinition } from '../../../model/agent.ts';
import type { Ensemble } from '../../../model/ensemble.ts';
import { AppError } from '../../../model/error.ts';
import { type HttpRequest, json, type Route } from '../../route.ts';
import type { EnsembleDeps } from './deps.ts';
import { entrance, isApiExecutable, type Kind, mayKnow, notFound } from './may-execute.ts';

export function catalogRoutes(deps: EnsembleDeps): Route[] {
  const { agents: agentsExplicit, ensembles: ensemblesExplicit } = deps.policy.requireExplicit;
  return [
    ...pair(
      deps,
      'agent',
      () => deps.project().agents,
      (agent) => agentView(agent, agentsExplicit),
      (agent) => ({ schema: agent.schema }),
    ),
    ...pair(
      deps,
      'ensemble',
      () => deps.project().ensembles,
      (ensemble) => ensembleView(ensemble, ensemblesExplicit),
      ({ inputs, triggers }) => ({ inputs, triggers: triggers.map(triggerView) }),
    ),
  ];
}

/** The list of one kind, and one of them. */
function pair<T>(
  deps: EnsembleDeps,
  kind: Kind,
  all: () => ReadonlyMap<string, T>,
  view: (item: T) => object,
  details: (item: T) => object,
): Route[] {
  const base = {
    method: 'GET',
    requires: { guard: entrance(deps) },
    dialect: 'ensemble',
    reply: { contentType: 'application/json' },
  } as const;
  const visible = (name: string, { principal }: HttpRequest) => mayKnow(deps, principal, { kind, name });
  return [
    {
      ...base,
      path: `/api/v1/${kind}s`,
      summary: `List the ${kind}s that the caller may execute`,
      handle(request) {
        const shown = [...all()].filter(([name]) => visible(name, request)).map(([, item]) => view(item));
        return json({ success: true, [`${kind}s`]: shown, count: shown.length });
      },
    },
    {
      ...base,
      path: `/api/v1/${kind}s/:name`,
      summary: `Describe one ${kind}`,
      handle(request) {
        const { name = '' } = request.params;
        const item = all().get(name);
        if (item === undefined || !visible(name, request)) throw notFound({ kind, name });
        return json({ success: true, [kind]: { ...view(item), ...details(item) } });
      },
    },
  ];
}

function agentView({ id, operation, description, origin, apiExecutable }: AgentDefinition, requireExplicit: boolean) {
  return {
    name: id,
    operation,
    description,
    builtIn: origin === 'built-in',
    apiExecutable: isApiExecutable(apiExecutable, requireExplicit),
  };
}

function ensembleView({ name, description, origin, apiExecutable }: Ensemble, requireExplicit: boolean) {
  return {
    name,
    description,
    builtIn: origin === 'built-in',
    apiExecutable: isApiExecutable(apiExecutable, requireExplicit),
  };
}

function triggerView({ type, paths, auth }: Ensemble['triggers'][number]) {
  return { type, paths, public: auth === null };
}

/** `GET /`, where no trigger of the project answers there. */
export function infoRoute(version: string): Route {
  return {
    method: 'GET',
    path: '/',
    requires: 'public',
    dialect: 'ensemble',
    summary: 'What this is',
    reply: { contentType: 'application/json' },
    handle: () =>
      json({
        name: 'Conductor API',
        version,
        description: 'Durable workflows, ensembles of agents, and a vault that never overspends',
        documentation: '/docs',
        endpoints: {
          docs: '/docs',
          health: '/health',
          execute: '/api/v1/execute',
          agents: '/api/v1/agents',
          ensembles: '/api/v1/ensembles',
        },
      }),
  };
}

export function noSuchExecution(id: string): AppError {
  return new AppError('not_found', `Execution not found: ${id}`);
}
