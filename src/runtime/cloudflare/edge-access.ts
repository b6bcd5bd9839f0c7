// Credentials at the edge: what the configuration names, and keys in the KV namespace API_KEYS, read anew for every
// request. There is no database of keys and no token of ours. Must never let anybody in because a part is missing.

import type { Access } from '../../access/access.ts';
import { type AccessOptions, createAccess } from '../../access/create-access.ts';
import type { CredentialChain } from '../../access/credential-chain.ts';
import { kvKeyStore } from '../../access/kv-key-store.ts';
import type { UnkeySettings } from '../../access/policy.ts';
import type { Settings } from '../../config/config-schema.ts';
import type { SafeFetch } from '../../egress/egress.ts';
import { AppError } from '../../model/error.ts';
import type { KeyValueStores } from '../../operations/operation.ts';
import type { Clock, Transactor } from '../../orchestrator/ports.ts';
import { accessPolicyOf } from '../access-policy.ts';
import { kvNamespace, type WorkerEnv } from './edge-environment.ts';

/** The namespace that `conductor keys` writes to. */
const API_KEYS = 'API_KEYS';

export interface EdgeAccessOptions {
  readonly settings: Settings;
  readonly env: WorkerEnv;
  readonly keyValue: KeyValueStores;
  readonly clock: Clock;
  readonly fetch: SafeFetch;
  /** Loads `@unkey/api`, where the bundle holds it. */
  readonly loadUnkey?: UnkeySettings['load'];
}

/** Throws an Error that names what is configured wrongly. */
export async function openEdgeAccess(options: EdgeAccessOptions): Promise<Access & CredentialChain> {
  const { clock, env, fetch, keyValue, loadUnkey, settings } = options;
  const namespace = kvNamespace(env, API_KEYS);
  const policy = accessPolicyOf(settings, keyValue, new Map());
  const { unkey } = policy;
  const access: AccessOptions = {
    transactor: NO_DATABASE,
    reads: { apiKeys: async () => [] },
    freshness: null,
    clock,
    // Nothing here issues tokens; those of another secret are refused.
    tokenSecret: crypto.getRandomValues(new Uint8Array(32)),
    policy: {
      ...policy,
      ...(unkey && loadUnkey && { unkey: { ...unkey, load: loadUnkey } }),
      ...(namespace && { keyStore: kvKeyStore(namespace, clock) }),
    },
    fetch,
  };
  return createAccess(access);
}

function refuse(): Promise<never> {
  return Promise.reject(new AppError('not_implemented', 'Keys are not written at the edge: use conductor keys.'));
}

const NO_DATABASE: Transactor = {
  submit: refuse,
  transact: refuse,
  submitSoon: refuse,
  onLost: () => undefined,
  settled: () => Promise.resolve(),
};
