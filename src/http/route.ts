// A route as data: what it is, what it requires, what it answers. Handlers are pure functions from a parsed request
// to a reply; Hono mounts them all and runtime/node mounts the hottest few straight on node:http.
import type { z } from 'zod';
import type { HeaderLookup, Principal } from '../access/access.ts';
import type { Guard } from '../access/guard.ts';
import type { RequestOrigin } from '../visitor/visitor.ts';

/** A request before anybody knows who sent it. */
export interface RouteCall {
  /** Names the request in replies and logs. */
  readonly id: string;
  readonly method: string;
  /** Path without query, as sent. */
  readonly path: string;
  /** Path and query as sent. */
  readonly target: string;
  /** Decoded path parameters. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly header: HeaderLookup;
  readonly origin: RequestOrigin;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
  /** The body as text, read once. Throws AppError payload_too_large. */
  text(): Promise<string>;
  /** The body exactly as sent, read once. Throws AppError payload_too_large. */
  bytes(): Promise<Uint8Array>;
  /** The body as JSON, parsed once; undefined when it is empty. Throws AppError malformed_json | invalid_request too. */
  json(): Promise<unknown>;
}

export interface HttpRequest extends RouteCall {
  readonly principal: Principal;
}

export interface Reply {
  readonly status: number;
  /** Absent: no Content-Type header at all (SDKs parse by it). */
  readonly contentType?: string;
  /** Absent: an empty body with Content-Length: 0 (none on 204). */
  readonly body?: string | Uint8Array | ReadableStream<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * What the caller must be allowed: nothing, any valid credential, one named permission (`""`: a credential only), or
 * what a guard of the route's own lets through.
 */
export type Requirement =
  | 'public'
  | 'authenticated'
  | ((request: HttpRequest) => string | Promise<string>)
  | { readonly guard: Guard; readonly permission?: (request: HttpRequest) => string | Promise<string> };

/**
 * Goes around a route's requirement and handler, error replies included. `next` never rejects; `fail` renders an error as
 * the route would.
 */
export type Around = (call: RouteCall, next: () => Promise<Reply>, fail: (error: unknown) => Reply) => Promise<Reply>;

/** Which error body a route's callers understand. */
export type Dialect = 'conductor' | 'vault' | 'ensemble';

export type RouteMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS';

export interface Route {
  readonly method: RouteMethod;
  /** `/api/workflow/:id`; `:name` takes one segment, a last `*` the rest. Static segments win over both. */
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
  /** Hot enough to be served straight from the runtime's own parser, where there is one. */
  readonly hot?: true;
  /** A GET that changes something, as Conductor's clients expect: no page of another site may have a browser send it. */
  readonly changes?: true;
  readonly around?: Around;
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

/** A reply with more headers; the new ones win. Names are lower-case. */
export function withHeaders(reply: Reply, headers: Readonly<Record<string, string>>): Reply {
  return { ...reply, headers: { ...reply.headers, ...headers } };
}

export const EMPTY: Reply = { status: 200 };
export const NO_CONTENT: Reply = { status: 204 };
