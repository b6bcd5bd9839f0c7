// What agents may keep at the edge: values in KV namespaces, by the name of their binding. There is no SQL database and no
// vector store; whoever asks for one is told so. Must never pretend to an atomicity that KV does not have.

import {
  AgentError,
  type Databases,
  type KeyValueStore,
  type KeyValueStores,
  type VectorStore,
} from '../../operations/operation.ts';
import { checkBinding } from '../binding-name.ts';
import { type KvNamespace, kvNamespace, type WorkerEnv } from './edge-environment.ts';

/** KV keeps nothing for less. */
const TTL_SECONDS_MIN = 60;

export function edgeKeyValue(env: WorkerEnv): KeyValueStores {
  return {
    open(binding) {
      const namespace = kvNamespace(env, checkBinding(binding));
      if (namespace) return storeOver(namespace);
      throw new AgentError(
        `There is no KV namespace ${binding}: add [[kv_namespaces]] with binding = "${binding}" to wrangler.toml.`,
        false,
      );
    },
  };
}

function storeOver(namespace: KvNamespace): KeyValueStore {
  return {
    get: (key) => namespace.get(key),
    async put(key, value, ttlSeconds) {
      if (ttlSeconds > 0 && ttlSeconds < TTL_SECONDS_MIN) {
        throw new AgentError(`A KV namespace keeps a value for ${TTL_SECONDS_MIN} seconds at least.`, false);
      }
      await namespace.put(key, value, ttlSeconds > 0 ? { expirationTtl: Math.ceil(ttlSeconds) } : {});
    },
    delete: (key) => namespace.delete(key),
    async list(prefix, limit, cursor) {
      const page = await namespace.list({ prefix, limit, ...(cursor === null ? {} : { cursor }) });
      return { keys: page.keys.map(({ name }) => name), cursor: page.list_complete ? null : (page.cursor ?? null) };
    },
    replace() {
      throw new AgentError(
        'A KV namespace cannot compare and write in one step, so this needs a server: conductor start.',
        false,
      );
    },
  };
}

export const noDatabases: Databases = {
  open(binding) {
    throw new AgentError(`SQL databases (${binding}) need a server: conductor start.`, false);
  },
};

function noVectors(): never {
  throw new AgentError('Vector search needs a server: conductor start.', false);
}

export const noVectorStore: VectorStore = { upsert: noVectors, search: noVectors, delete: noVectors };
