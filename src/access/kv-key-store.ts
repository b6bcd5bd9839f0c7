// API keys in a key-value namespace (`API_KEYS`). Every request reads its record anew, so that what the CLI writes holds
// from the next request on. Must never keep a record, nor take one whose name and hash disagree.
import { AppError } from '../model/error.ts';
import type { Clock } from '../orchestrator/ports.ts';
import type { Principal } from './access.ts';
import { sameText } from './compare-secrets.ts';
import { type KeyStore, KvKeyRecord, kvKeyName } from './key-store.ts';

/** What is read of a namespace: a binding of the platform has it as it is. */
export interface KvReader {
  get(name: string): Promise<string | null>;
}

export function kvKeyStore(namespace: KvReader, clock: Clock): KeyStore {
  return {
    async holderOf(hash) {
      const text = await read(namespace, kvKeyName(hash));
      if (text === null) return null;
      const record = parseRecord(text, hash);
      if (!record.active) throw new AppError('invalid_credential', 'The API key is revoked.');
      if (record.expiresAt !== null && record.expiresAt <= clock.now()) {
        throw new AppError('invalid_credential', 'The API key is expired.');
      }
      return principalOf(record);
    },
  };
}

/** Throws AppError auth_unavailable. */
export async function read(namespace: KvReader, name: string): Promise<string | null> {
  try {
    return await namespace.get(name);
  } catch {
    throw new AppError('auth_unavailable', 'The key-value namespace of credentials did not answer.');
  }
}

function parseRecord(text: string, hash: string): KvKeyRecord {
  const { data } = KvKeyRecord.safeParse(parsed(text));
  if (data && sameText(data.keyHash, hash)) return data;
  // Named in the log by its hash alone; the caller learns no more than that it is not let in.
  throw new Error(`The record ${kvKeyName(hash).slice(0, 16)}… of the key namespace is not an API key record.`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function principalOf({ keyId, name, permissions, userId, metadata }: KvKeyRecord): Principal {
  return {
    id: keyId,
    name,
    permissions,
    method: 'apiKey',
    ...(userId === undefined ? { metadata: { ...metadata } } : { userId, metadata: { ...metadata, userId } }),
  };
}
