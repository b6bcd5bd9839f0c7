// Who may do what: the shapes. One chain authenticates, one function authorises; routes only name a permission.
// CONTRACT FILE: shapes stay; implementations live beside it.
import type { JsonObject } from '../model/json.ts';

/** Who is calling. `permissions` are `resource:name:action` globs. */
export interface Principal {
  /** API key id, `local` for the operator's own file credential, `anonymous` under --open. */
  readonly id: string;
  readonly name: string;
  readonly permissions: readonly string[];
  /** How it proved itself: `apiKey` unless told. */
  readonly method?: 'apiKey' | 'static' | 'jwt' | 'basic' | 'signature' | 'cookie' | 'unkey' | 'custom' | 'open';
  readonly roles?: readonly string[];
  /** On whose behalf it calls, where that is another than `id`: rate limits count by it. Nothing is allowed by it. */
  readonly userId?: string;
  /** What the credential says of its holder beside that: claims of a token, metadata of a key. Never a secret. */
  readonly metadata?: JsonObject;
}

/** Header access that Hono, node:http and tests can all offer. Names are lower-case. */
export type HeaderLookup = (name: string) => string | undefined;

export interface Access {
  /**
   * Reads X-API-Key, Authorization: Bearer, Authorization: Basic (key as user) or X-Authorization (token of /api/token).
   * Throws AppError unauthenticated | invalid_credential | expired_token. Synchronous for keys and tokens of ours, which are on
   * the hot path; a promise where somebody else must be asked (JWT, Unkey, a session).
   * `executeApi`: the route is one of `/api/v1/*`, the only ones that the configuration can open to callers without a
   * credential (`requireAuth: false`). They then get a principal that may run ensembles and agents, and nothing else.
   */
  authenticate(header: HeaderLookup, where?: 'anywhere' | 'executeApi'): Principal | Promise<Principal>;
  /** Whether one of the principal's globs covers `permission` (`workflow:billing:execute`). */
  allows(principal: Principal, permission: string): boolean;
  /** Throws AppError forbidden, naming the permission. */
  require(principal: Principal, permission: string): void;
  /** Conductor SDK sign-in: key id and key for a short-lived token. Throws invalid_credential. */
  issueToken(keyId: string, keySecret: string): { readonly token: string; readonly expiresInSeconds: number };
}
