// What can be done with API keys. The shapes that the admin routes, the CLI and embedders use.
import type { ApiKeyRecord } from '../model/api-key.ts';
import type { Principal } from './access.ts';

export interface ApiKeys {
  /** Throws AppError invalid_request when the name or a permission is not one. Resolves after the commit. */
  generateKey(request: KeyRequest): Promise<GeneratedKey>;
  /** Newest first; metadata only. */
  listKeys(): readonly ApiKeyRecord[];
  /** Throws AppError not_found. */
  keyInfo(id: string): ApiKeyRecord;
  /** Holds from the next request on. Revoking twice is no error. Throws AppError not_found. */
  revokeKey(id: string): Promise<ApiKeyRecord>;
  /**
   * A new key with the same name, permissions and length of life. The old one ends at once, or after `overlapMs`.
   * Throws AppError not_found | conflict (revoked or expired keys cannot be rotated).
   */
  rotateKey(id: string, overlapMs: number): Promise<GeneratedKey>;
  /** Whether a principal may hand out `permission`: nobody grants more than they hold. */
  mayGrant(principal: Principal, permission: string): boolean;
}

export interface KeyRequest {
  readonly name: string;
  readonly permissions: readonly string[];
  /** Epoch ms; 0: never. */
  readonly expiresMs: number;
  readonly userId?: string;
}

export interface GeneratedKey {
  /** The only time that anybody sees it. */
  readonly key: string;
  readonly record: ApiKeyRecord;
}

export type KeyState = 'active' | 'expired' | 'revoked';

export function keyState(record: ApiKeyRecord, now: number): KeyState {
  if (record.revokedMs !== 0) return 'revoked';
  return record.expiresMs !== 0 && record.expiresMs <= now ? 'expired' : 'active';
}
