// What agents have around them on Node: their requests, their environment, their handlers. Must never show them
// the server's own settings, which the environment holds too.
import type { Settings } from '../../config/config-schema.ts';
import type { Egress, SafeFetch } from '../../egress/egress.ts';
import { oncePerOrigin } from '../../egress/tell-bypass.ts';
import type { AgentDefinition } from '../../model/agent.ts';
import { AgentError, type OperationServices } from '../../operations/operation.ts';
import type { ServerLog } from '../log.ts';
import type { LiveProject } from './live-project.ts';

/** The server's own: its master key, its database, its vendor secrets. */
const OWN = /^CONDUCTOR_/;

/** A copy: looking at the process's own environment is slow, and every step looks. */
export function agentEnvironment(): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !OWN.test(name)));
}

/** One fetch per agent definition. Whatever of it goes out without the address rules is logged, once per origin. */
export function agentFetch(egress: Egress, log: ServerLog): (agent: AgentDefinition) => SafeFetch {
  const made = new WeakMap<AgentDefinition, SafeFetch>();
  return (agent) => {
    const known = made.get(agent);
    if (known) return known;
    const onBypass = oncePerOrigin((bypass) =>
      log.warn('an agent reaches out without the address rules', { agent: agent.id, ...bypass }),
    );
    const fetch = egress.fetchFor({ ssrf: agent.ssrf, onBypass });
    made.set(agent, fetch);
    return fetch;
  };
}

export function handlerOf(project: LiveProject): OperationServices['handler'] {
  return (agent) => {
    const { handlers } = project;
    if (!handlers) throw new AgentError(`The agent ${agent.id} has a handler, and there is no project.`, false);
    return handlers.handler(agent);
  };
}

/** Bindings of the configuration that are addresses; the others are files. */
export function postgresBindings({ databases }: Settings): Record<string, string> {
  return Object.fromEntries(Object.entries(databases).filter(([, url]) => /^postgres(ql)?:\/\//.test(url)));
}
