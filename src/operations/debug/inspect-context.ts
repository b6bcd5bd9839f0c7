// The `inspect-context` agent: shows what an agent gets to see here. Names of environment variables, never their values;
// who called, never with what; of state and earlier outputs the names only.
import { z } from 'zod';
import { isJsonObject } from '../../model/json.ts';
import type { Operation } from '../operation.ts';

export const inspectContext: Operation = {
  name: 'inspect-context',
  config: z.strictObject({}),
  run: ({ agent, auth, edge, env, executionId, input, location, previousOutputs, requestId, services, state }) => ({
    executionId,
    requestId,
    agent: { name: agent.name, operation: agent.operation, origin: agent.origin, ssrfProtection: agent.ssrf },
    input: { type: Array.isArray(input) ? 'array' : typeof input, keys: isJsonObject(input) ? Object.keys(input) : [] },
    env: { names: Object.keys(env).sort() },
    auth: {
      authenticated: auth.authenticated,
      method: auth.method,
      userId: auth.userId ?? auth.user?.id ?? null,
      roles: [...(auth.user?.roles ?? [])],
      permissions: [...(auth.user?.permissions ?? [])],
    },
    location: location
      ? { country: location.country, jurisdiction: location.jurisdiction, consentModel: location.consentModel }
      : null,
    edge: edge ? { asn: edge.asn, httpProtocol: edge.httpProtocol, tlsVersion: edge.tlsVersion } : null,
    state: { keys: Object.keys(state) },
    previousOutputs: Object.keys(previousOutputs),
    project: {
      name: services.catalog.projectName,
      version: services.catalog.projectVersion,
      agents: services.catalog.agents().length,
      ensembles: services.catalog.ensembles().length,
    },
  }),
};
