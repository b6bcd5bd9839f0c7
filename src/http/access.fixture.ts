// For tests of the HTTP layer: a real Access over API keys that are given as text -> permissions.
import type { Access } from '../access/access.ts';
import { createAccess } from '../access/create-access.ts';
import { hashKey } from '../access/key-text.ts';
import type { AccessPolicy } from '../access/policy.ts';

export const NOW_MS = 1_700_000_000_000;
export const ROOT = 'root-key';

export interface FixtureClock {
  now(): number;
}

/** `root-key` may do everything. Key ids are `key_<text>`. */
export function accessWith(
  keys: Readonly<Record<string, readonly string[]>> = {},
  clock: FixtureClock = { now: () => NOW_MS },
  policy: Partial<AccessPolicy> = {},
): Promise<Access> {
  const records = Object.entries(keys).map(([text, permissions]) => ({
    id: `key_${text}`,
    name: text,
    hash: hashKey(text),
    permissions,
    createdMs: 1,
    expiresMs: 0,
    revokedMs: 0,
    rotatedFrom: null,
  }));
  return createAccess({
    transactor: {
      submit: () => Promise.reject(new Error('no test of the HTTP layer writes keys')),
      transact: () => Promise.reject(new Error('no test of the HTTP layer writes keys')),
      submitSoon: () => Promise.reject(new Error('no test of the HTTP layer writes keys')),
      onLost: () => undefined,
      settled: () => Promise.resolve(),
    },
    reads: { apiKeys: () => Promise.resolve(records) },
    freshness: null,
    clock,
    tokenSecret: new Uint8Array(32).fill(7),
    localKey: ROOT,
    policy,
  });
}
