// The door out. Owns every outward connection: address rules, pinned connections, redirect checks, limits.
// CONTRACT FILE: shapes stay; implementations live beside it.

export interface OutboundRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
  readonly connectTimeoutMs: number;
  /** For the whole request, redirects and body included. */
  readonly timeoutMs: number;
  /** Longest wait for the head of an answer and between two pieces of its body; `timeoutMs` when absent. */
  readonly readTimeoutMs?: number;
  readonly responseBytesMax: number;
  readonly signal: AbortSignal;
}

export interface OutboundResponse {
  readonly status: number;
  readonly statusText: string;
  /** Lower-case names; each with all of its values. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
}

/** A fixed, operator-configured origin (a vendor): no address rules, no redirects, kept-alive connections. */
export interface Upstream {
  send(request: UpstreamRequest): Promise<UpstreamResponse>;
  close(): Promise<void>;
}

export interface UpstreamRequest {
  readonly method: string;
  /** Canonical path and query, starting with "/". */
  readonly path: string;
  /** Flat name, value list. */
  readonly headers: readonly string[];
  readonly body: Uint8Array | string | null;
  readonly timeoutMs: number;
}

export interface UpstreamResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** `bytes` need not be waited for where all of them are there already. */
  readonly body: AsyncIterable<Uint8Array> & { bytes(): Uint8Array | Promise<Uint8Array> };
}

/** What became of an upstream call that gave no response. `sent: false` means the vendor cannot have seen it. */
export class UpstreamError extends Error {
  readonly sent: boolean;
  constructor(message: string, sent: boolean) {
    super(message);
    this.name = 'UpstreamError';
    this.sent = sent;
  }
}

export interface Egress {
  /** One request by a user-given URL. Throws AppError egress_denied, or an Error with a message fit for a user. */
  request(request: OutboundRequest): Promise<OutboundResponse>;
  upstream(origin: string): Upstream;
  readonly safeFetch: SafeFetch;
  /** A `SafeFetch` with its own rules over the same connections, e.g. one per agent. */
  fetchFor(options: FetchForOptions): SafeFetch;
  close(): Promise<void>;
}

export interface FetchForOptions {
  /** False lifts the address rules for every call and every redirect; protocol, userinfo, size and time rules stay. */
  readonly ssrf: boolean;
  /** Told of every request that goes out without the address rules, each redirect included, before it does. */
  readonly onBypass?: (bypass: Bypass) => void;
  /** For a whole request, redirects and body included; 30 s. */
  readonly timeoutMs?: number;
  /** Of the body as it is read, unpacked; 10 MB. */
  readonly responseBytesMax?: number;
  /** Whom a refusal speaks to; `code` by default. */
  readonly advice?: 'code' | 'operator';
}

/** A request to which the address rules did not apply, and the door that it went through. The path is left out: it may hold what logs must not. */
export interface Bypass {
  readonly origin: string;
  readonly reason: 'allowInternalRequests' | 'ssrf: false' | 'allowOrigins';
}

/** As `fetch`; the keys more let it reach private addresses (for hardcoded URLs alone) and set its limits. */
export type SafeFetchInit = RequestInit & {
  readonly allowInternalRequests?: boolean;
  readonly timeoutMs?: number;
  readonly responseBytesMax?: number;
};

/**
 * `fetch` behind the address rules: names are resolved and the address pinned, every redirect is checked again,
 * credentials are dropped when a redirect leaves the origin, size and time are limited.
 * Throws AppError egress_denied | invalid_request, TypeError when the request fails, as `fetch` does. The body's reader
 * gets a TypeError past the size limit and after the time limit.
 */
export type SafeFetch = (input: string | URL | Request, init?: SafeFetchInit) => Promise<Response>;
