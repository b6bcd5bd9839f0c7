// A route as data: what it is, what it requires, what it answers. Handlers are pure functions from a parsed request
// to a reply; Hono mounts them all and runtime/node mounts the hottest few straight on node:http.
import type { z } from 'zod';
import type { HeaderLookup, Principal } from '../access/access.ts';

export interface HttpRequest {
  readonly method: string;
  /** Path without query, as sent. */
  readonly path: string;
  /** Decoded path parameters. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly header: HeaderLookup;
  readonly principal: Principal;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
  /** The body as text, read once. Throws AppError payload_too_large. */
  text(): Promise<string>;
}

export interface Reply {
  readonly status: number;
  /** Absent: no Content-Type header at all (SDKs parse by it). */
  readonly contentType?: string;
  /** Absent: an empty body with Content-Length: 0 (none on 204). */
  readonly body?: string | Uint8Array | ReadableStream<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the caller must be allowed: nothing, any valid credential, or one named permission. */
export type Requirement = 'public' | 'authenticated' | ((request: HttpRequest) => string | Promise<string>);

/** Which error body a route's callers understand. */
export type Dialect = 'conductor' | 'vault';

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `/api/workflow/:id`; `:name` takes one segment. Static routes win over parameters. */
  readonly path: string;
  readonly requires: Requirement;
  readonly dialect: Dialect;
  readonly summary: string;
  /** Shapes for /openapi.json: the same schemas that the handler validates with. */
  readonly body?: z.ZodType;
  readonly queryParameters?: Readonly<Record<string, z.ZodType>>;
  readonly reply?: { readonly contentType: 'application/json' | 'text/plain'; readonly schema?: z.ZodType };
  /** Reads nothing that other processes change in memory, so it is answered also while the database does not answer. */
  readonly standsAlone?: true;
  handle(request: HttpRequest): Reply | Promise<Reply>;
}

export function json(value: unknown, status = 200): Reply {
  return { status, contentType: 'application/json', body: JSON.stringify(value) };
}

export function jsonText(body: string, status = 200): Reply {
  return { status, contentType: 'application/json', body };
}

export function text(body: string, status = 200): Reply {
  return { status, contentType: 'text/plain', body };
}

export const EMPTY: Reply = { status: 200 };
export const NO_CONTENT: Reply = { status: 204 };
