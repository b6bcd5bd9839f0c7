// What a Worker is given from outside: texts (variables and secrets) and bindings (KV namespaces). Owns telling one from
// the other. Must never hand a binding to where a text is wanted, nor our own settings to an agent.
import type { Environment } from '../../config/environment.ts';

/** As the platform passes it: its members are the same objects for every request of an isolate. */
export type WorkerEnv = Readonly<Record<string, unknown>>;

/** The server's own settings, which agents do not see. */
const OWN = /^CONDUCTOR_/;

/** Variables and secrets. */
export function textsOf(env: WorkerEnv): Environment {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (typeof value === 'string') texts[name] = value;
  return texts;
}

export function agentTexts(texts: Environment): Environment {
  return Object.fromEntries(Object.entries(texts).filter(([name]) => !OWN.test(name)));
}

/** A KV namespace as the platform binds it: the part of it that is used here. */
export interface KvNamespace {
  get(key: string): Promise<string | null>;
  put(key: string, value: string, options?: { readonly expirationTtl?: number }): Promise<void>;
  delete(key: string): Promise<void>;
  list(options: { readonly prefix?: string; readonly limit?: number; readonly cursor?: string }): Promise<{
    readonly keys: readonly { readonly name: string }[];
    readonly list_complete: boolean;
    readonly cursor?: string;
  }>;
}

/** Undefined: nothing of that name is bound, or something that is no KV namespace. */
export function kvNamespace(env: WorkerEnv, binding: string): KvNamespace | undefined {
  const bound = Object.hasOwn(env, binding) ? env[binding] : undefined;
  return isKvNamespace(bound) ? bound : undefined;
}

function isKvNamespace(bound: unknown): bound is KvNamespace {
  return (
    typeof bound === 'object' &&
    bound !== null &&
    ['get', 'put', 'delete', 'list'].every((name) => typeof Reflect.get(bound, name) === 'function')
  );
}
