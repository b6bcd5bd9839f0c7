// API keys that live outside the database, in a key-value namespace: the port, and the record that both the CLI and the
// server go by. Records are found by the key's hash; the key's text is in no name and no value.
import { z } from 'zod';
import type { ApiKeyRecord } from '../model/api-key.ts';
import { isJsonObject, type JsonObject } from '../model/json.ts';
import type { Principal } from './access.ts';

export interface KeyStore {
  /**
   * Whose key has this hash; null: nobody's. Throws AppError invalid_credential for a key that is revoked or expired,
   * auth_unavailable when the namespace does not answer.
   */
  holderOf(hash: string): Promise<Principal | null>;
}

export const KvKeyRecord = z.object({
  keyId: z.string().min(1),
  name: z.string(),
  /** Lower-case hex SHA-256 of the whole key. */
  keyHash: z.string().regex(/^[0-9a-f]{64}$/),
  /** The first characters, to tell keys apart in a list. */
  keyPrefix: z.string().optional(),
  userId: z.string().optional(),
  permissions: z.array(z.string()),
  createdAt: z.number(),
  /** Epoch ms; null: never. */
  expiresAt: z.number().nullable(),
  active: z.boolean(),
  metadata: z.custom<JsonObject>(isJsonObject).optional(),
});
export type KvKeyRecord = z.infer<typeof KvKeyRecord>;

/** The name under which the record of a key with this hash is kept. */
export function kvKeyName(hash: string): string {
  return `key:${hash}`;
}

/** A record of the database as it is kept in a namespace. */
export function kvKeyRecord(record: ApiKeyRecord): KvKeyRecord {
  return {
    keyId: record.id,
    name: record.name,
    keyHash: record.hash,
    permissions: [...record.permissions],
    ...(record.userId === undefined ? {} : { userId: record.userId }),
    createdAt: record.createdMs,
    expiresAt: record.expiresMs === 0 ? null : record.expiresMs,
    active: record.revokedMs === 0,
  };
}
