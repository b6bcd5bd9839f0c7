// The pipeline that every request of every mount passes: match, authenticate, permit, handle, and one way to turn an
// error into a reply. Where processes share a database, what memory holds of keys and definitions is brought up to date
// before anybody is authenticated. Must never answer a route whose requirement was not met, nor throw to its mount.
import type { Access, HeaderLookup, Principal } from '../access/access.ts';
import { AppError } from '../model/error.ts';
import type { Freshness } from '../store/freshness.ts';
import { asAppError, errorReply } from './errors.ts';
import { createMatcher, type Found, type Matcher } from './match.ts';
import type { Dialect, HttpRequest, Reply, Route } from './route.ts';

/** A request as a mount offers it, before anybody is known. */
export interface RawRequest {
  /** Request id, for replies and logs. */
  readonly id: string;
  readonly method: string;
  /** Path as sent, undecoded, without query. */
  readonly path: string;
  /** Query without "?"; "" when there is none. */
  readonly search: string;
  readonly header: HeaderLookup;
  readonly signal: AbortSignal;
  /** The whole body. Throws AppError payload_too_large. */
  text(): Promise<string>;
}

export interface HttpLog {
  error(message: string, details: Readonly<Record<string, unknown>>): void;
}

/** Told about every answered request; must be cheap and must not throw. */
export interface HttpObserver {
  observe(route: Route | null, method: string, status: number, seconds: number): void;
}

export interface DispatchContext {
  /** `instance` of error bodies; `conductor` unless told. */
  readonly instance?: string;
  readonly log?: HttpLog;
  readonly observer?: HttpObserver;
  /** Null, or absent: this process alone writes to its database. */
  readonly freshness?: Pick<Freshness, 'ensure'> | null;
}

export interface Dispatcher {
  readonly match: Matcher;
  /** Any request: finds the route and runs it. Never throws. */
  dispatch(raw: RawRequest): Promise<Reply>;
  /** A request whose route is found already. Never throws. */
  handle(found: Found, raw: RawRequest): Promise<Reply>;
  /** The reply to an error outside any route (an unreadable request), in the dialect of its path unless told. */
  fail(error: unknown, raw: Pick<RawRequest, 'id' | 'method' | 'path'>, dialect?: Dialect): Reply;
  /**
   * For what a mount answers without a route. Undefined when memory is always up to date; else resolves when it holds all
   * that was committed before this call, and rejects with AppError store_unavailable.
   */
  refresh(): Promise<void> | undefined;
}

const NOBODY: Principal = { id: 'anonymous', name: 'anonymous', permissions: [] };

export function createDispatcher(routes: readonly Route[], access: Access, context: DispatchContext = {}): Dispatcher {
  const match = createMatcher(routes);
  const dialectOf = dialects(routes);
  const fail: Dispatcher['fail'] = (error, raw, dialect = dialectOf(raw.path)) => {
    const reply = render(error, dialect, raw, context);
    context.observer?.observe(null, raw.method, reply.status, 0);
    return reply;
  };
  const handle: Dispatcher['handle'] = (found, raw) => handleRoute(found, raw, access, context);
  return {
    match,
    handle,
    fail,
    refresh: () => refresh(context),
    async dispatch(raw) {
      try {
        const found = match(raw.method, raw.path);
        if (found.route) return await handle(found, raw);
        return missed(fail, raw, found.allow);
      } catch (error) {
        return fail(error, raw);
      }
    },
  };
}

/** One matched request: bring memory up to date, authenticate, permit, handle; errors become replies in the route's dialect. Never throws. */
export async function handleRoute(
  { route, params }: Found,
  raw: RawRequest,
  access: Access,
  context: DispatchContext = {},
): Promise<Reply> {
  const startedMs = context.observer ? performance.now() : 0;
  let reply: Reply;
  try {
    const { requires } = route;
    const stale = route.standsAlone ? undefined : refresh(context);
    if (stale) await stale;
    const principal = requires === 'public' ? NOBODY : access.authenticate(raw.header);
    const request = new MatchedRequest(raw, params, principal);
    if (typeof requires === 'function') access.require(principal, await requires(request));
    reply = await route.handle(request);
  } catch (error) {
    reply = render(error, route.dialect, raw, context);
  }
  context.observer?.observe(route, raw.method, reply.status, (performance.now() - startedMs) / 1000);
  return reply;
}

function refresh({ freshness }: DispatchContext): Promise<void> | undefined {
  return freshness?.ensure().catch((error: unknown) => {
    // Whatever went wrong: nobody is let in on what memory may no longer rightly hold.
    throw error instanceof AppError ? error : new AppError('store_unavailable', String(error));
  });
}

class MatchedRequest implements HttpRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly principal: Principal;
  readonly #raw: RawRequest;
  #query: URLSearchParams | undefined;
  #text: Promise<string> | undefined;

  constructor(raw: RawRequest, params: Readonly<Record<string, string>>, principal: Principal) {
    this.#raw = raw;
    this.params = params;
    this.principal = principal;
  }

  get method(): string {
    return this.#raw.method;
  }

  get path(): string {
    return this.#raw.path;
  }

  get header(): HeaderLookup {
    return this.#raw.header;
  }

  get signal(): AbortSignal {
    return this.#raw.signal;
  }

  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(this.#raw.search);
    return this.#query;
  }

  text(): Promise<string> {
    this.#text ??= this.#raw.text();
    return this.#text;
  }
}

function missed(fail: Dispatcher['fail'], raw: RawRequest, allow: readonly string[]): Reply {
  if (allow.length === 0) return fail(new AppError('not_found', `No such route: ${raw.method} ${raw.path}`), raw);
  const methods = (allow.includes('GET') ? [...allow, 'HEAD'] : [...allow]).sort().join(', ');
  const error = new AppError('method_not_allowed', `Method ${raw.method} is not allowed here. Allowed: ${methods}`);
  const reply = fail(error, raw);
  return { ...reply, headers: { ...reply.headers, allow: methods } };
}

function render(
  error: unknown,
  dialect: Dialect,
  raw: Pick<RawRequest, 'id' | 'method' | 'path'>,
  { log, instance = 'conductor' }: DispatchContext,
): Reply {
  const shown = asAppError(error, raw.id);
  if (shown !== error) {
    log?.error('request failed', { requestId: raw.id, method: raw.method, path: raw.path, error });
  }
  return errorReply(shown, dialect, instance);
}

/** A path without a route answers in the dialect of its neighbours: of routes with the same first segment. */
function dialects(routes: readonly Route[]): (path: string) => Dialect {
  const byFirst = new Map(routes.map((route) => [firstSegment(route.path), route.dialect]));
  return (path) => byFirst.get(firstSegment(path)) ?? 'conductor';
}

function firstSegment(path: string): string {
  const end = path.indexOf('/', 1);
  return end < 0 ? path : path.slice(0, end);
}
