// Finds the handler in a module of the project. Owns which shapes of exports count as one.
import type { AgentHandler } from '../operations/operation.ts';

/** A function, or an object that carries one as `handler` or `execute`: the default export, else the module itself. */
export function handlerOfModule(module: Readonly<Record<string, unknown>>): AgentHandler | undefined {
  for (const candidate of [module.default, module]) {
    if (isHandler(candidate)) return candidate;
    if (typeof candidate !== 'object' || candidate === null) continue;
    for (const name of ['handler', 'execute']) {
      const member: unknown = Reflect.get(candidate, name);
      // Bound, not wrapped: how many parameters it takes decides what it is given.
      if (isHandler(member)) return member.bind(candidate);
    }
  }
  return undefined;
}

function isHandler(value: unknown): value is AgentHandler {
  return typeof value === 'function';
}
