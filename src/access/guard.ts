// Who may pass one route that has its own rules (a trigger). A guard is made once, when the route is mounted, and throws
// then for what is configured wrongly. CONTRACT FILE: shapes stay; implementations live beside it.
import type { HeaderLookup, Principal } from './access.ts';

/** A request as a credential check sees it. */
export interface GuardedRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly header: HeaderLookup;
  /** The body exactly as sent. Throws AppError payload_too_large. */
  bytes(): Promise<Uint8Array>;
}

/**
 * Resolves with who is calling; NOBODY where a credential is optional and none was sent.
 * Throws AppError unauthenticated | invalid_credential | expired_token | forbidden.
 */
export type Guard = (request: GuardedRequest) => Principal | Promise<Principal>;

/** A registered custom validator: null when the request does not carry its credential. */
export type CustomValidator = (request: GuardedRequest) => Promise<Principal | null> | Principal | null;

export const NOBODY: Principal = { id: 'anonymous', name: 'anonymous', permissions: [] };

/** Counts requests per window, shared by all processes of a database. */
export interface RateLimiter {
  /** Takes one of `limit`; `allowed` false when none was left. Windows are aligned to the clock. */
  take(bucket: string, limit: number, windowSeconds: number): Promise<RateTaken>;
}

export interface RateTaken {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Seconds until the window ends. */
  readonly resetSeconds: number;
}
