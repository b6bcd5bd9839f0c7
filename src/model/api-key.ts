// An API key as it is kept: who may call us, and what they may do. The key itself is never kept, only its SHA-256.

export interface ApiKeyRecord {
  /** Public id, `key_…`: the `keyId` of Conductor SDKs. */
  readonly id: string;
  readonly name: string;
  /** Lower-case hex SHA-256 of the whole key (`cnd_live_…`). */
  readonly hash: string;
  /** `resource:name:action` globs. */
  readonly permissions: readonly string[];
  /** Whose requests the key's are, where it says so. */
  readonly userId?: string;
  readonly createdMs: number;
  /** 0: never. */
  readonly expiresMs: number;
  /** 0: live. */
  readonly revokedMs: number;
  /** Id of the key it was rotated from, or null. */
  readonly rotatedFrom: string | null;
}
