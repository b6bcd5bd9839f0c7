// Who may do what: the shapes. One chain authenticates, one function authorises; routes only name a permission.
// CONTRACT FILE: shapes stay; implementations live beside it.

/** Who is calling. `permissions` are `resource:name:action` globs. */
export interface Principal {
  /** API key id, `local` for the operator's own file credential, `anonymous` under --open. */
  readonly id: string;
  readonly name: string;
  readonly permissions: readonly string[];
}

/** Header access that Hono, node:http and tests can all offer. Names are lower-case. */
export type HeaderLookup = (name: string) => string | undefined;

export interface Access {
  /**
   * Reads X-API-Key, Authorization: Bearer, Authorization: Basic (key as user) or X-Authorization (token of /api/token).
   * Throws AppError unauthenticated | invalid_credential | expired_token. Synchronous: it is on the hot path.
   */
  authenticate(header: HeaderLookup): Principal;
  /** Whether one of the principal's globs covers `permission` (`workflow:billing:execute`). */
  allows(principal: Principal, permission: string): boolean;
  /** Throws AppError forbidden, naming the permission. */
  require(principal: Principal, permission: string): void;
  /** Conductor SDK sign-in: key id and key for a short-lived token. Throws invalid_credential. */
  issueToken(keyId: string, keySecret: string): { readonly token: string; readonly expiresInSeconds: number };
}
