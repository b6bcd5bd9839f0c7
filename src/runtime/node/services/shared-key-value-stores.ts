// Key-value stores in the database that all replicas share: what one keeps the others find. Owns nothing; the rules for
// keys are those of the stores in a file.
import type { KeyValueStore, KeyValueStores } from '../../../operations/operation.ts';
import type { SharedKeyValues } from '../../../store/shared-port.ts';
import { checkBinding } from '../../binding-name.ts';
import { checkKey } from './key-value-stores.ts';

export function createSharedKeyValueStores(pairs: SharedKeyValues, clock: { now(): number }): KeyValueStores {
  return { open: (binding) => openStore(pairs, clock, checkBinding(binding)) };
}

function openStore(pairs: SharedKeyValues, clock: { now(): number }, binding: string): KeyValueStore {
  const kept = (value: string, ttlSeconds: number) => ({
    value,
    expiresMs: ttlSeconds > 0 ? Math.ceil(clock.now() + ttlSeconds * 1000) : 0,
  });
  return {
    get: async (key) => pairs.get(binding, checkKey(key), clock.now()),
    put: async (key, value, ttlSeconds) => pairs.put(binding, checkKey(key), kept(value, ttlSeconds)),
    delete: async (key) => pairs.delete(binding, checkKey(key)),
    list: async (prefix, limit, cursor) => {
      // No key holds a NUL, so nothing begins with one; the cursor is the last key that was given.
      if (prefix.includes('\0')) return { keys: [], cursor: null };
      const found = await pairs.list(binding, prefix, cursor ?? '', limit + 1, clock.now());
      const keys = found.slice(0, limit);
      return { keys, cursor: found.length > limit ? (keys.at(-1) ?? null) : null };
    },
    replace: async (key, expected, value, ttlSeconds) =>
      pairs.replace(binding, checkKey(key), expected, kept(value, ttlSeconds), clock.now()),
  };
}
