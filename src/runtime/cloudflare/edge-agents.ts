// What agents have around them at the edge: their requests, their handlers, their log, and work that goes on after the
// answer. Must never keep anything of one request for the next.
import type { SafeFetch } from '../../egress/egress.ts';
import { createWebSafeFetch } from '../../egress/safe-fetch-web.ts';
import { oncePerOrigin } from '../../egress/tell-bypass.ts';
import type { AgentDefinition } from '../../model/agent.ts';
import { AgentError, type AgentHandler, type Operation, type OperationContext } from '../../operations/operation.ts';
import { handlerOfModule } from '../handler-of-module.ts';
import type { ServerLog } from '../log.ts';

/** Modules of handlers by their path in the project. */
export type HandlerModules = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Keeps the isolate at work for the request that is being answered. */
export type WaitUntil = (work: Promise<unknown>) => void;

/** One fetch per agent definition. Whatever of it goes out without the address rules is logged, once per origin. */
export function edgeFetch(allowOrigins: readonly string[], log: ServerLog): (agent: AgentDefinition) => SafeFetch {
  const made = new WeakMap<AgentDefinition, SafeFetch>();
  return (agent) => {
    let fetch = made.get(agent);
    if (!fetch) {
      fetch = createWebSafeFetch({
        allowOrigins: () => allowOrigins,
        ssrf: agent.ssrf,
        onBypass: oncePerOrigin((bypass) =>
          log.warn('an agent reaches out without the address rules', { agent: agent.id, ...bypass }),
        ),
      });
      made.set(agent, fetch);
    }
    return fetch;
  };
}

export function edgeHandlers(modules: HandlerModules): (agent: AgentDefinition) => Promise<AgentHandler> {
  return async ({ handler, id }) => {
    const module = handler !== null && Object.hasOwn(modules, handler) ? modules[handler] : undefined;
    if (!module) throw new AgentError(`The handler of agent ${id} is not in this bundle: build it again.`, false);
    const found = handlerOfModule(module);
    if (found) return found;
    throw new AgentError(
      `${handler} exports no function: write "export default async function (context) { … }".`,
      false,
    );
  };
}

/** The platform ends a request's work with its answer, but for what it is told to wait for. */
export function outlivingAnswers(operations: readonly Operation[], waitUntil: WaitUntil): Map<string, Operation> {
  return new Map(
    operations.map((operation) => [
      operation.name,
      { ...operation, run: (context) => operation.run(told(context, waitUntil)) },
    ]),
  );
}

/** A context is made for one call, so it may carry what that call needs. */
function told(context: OperationContext, waitUntil: WaitUntil): OperationContext {
  const logged = context.waitUntil.bind(context);
  return Object.defineProperty(context, 'waitUntil', {
    value: (work: Promise<unknown>) => {
      logged(work);
      waitUntil(work.catch(() => undefined));
    },
  });
}
