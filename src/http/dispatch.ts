// The pipeline that every request of every mount passes: match, authenticate, permit, handle, and one way to turn an
// error into a reply. Where processes share a database, what memory holds of keys and definitions is brought up to date
// before anybody is authenticated. Must never answer a route whose requirement was not met, nor throw to its mount.
import type { Access } from '../access/access.ts';
import { requireNoLink } from '../access/sessions.ts';
import { AppError } from '../model/error.ts';
import type { Freshness } from '../store/freshness.ts';
import { createDialects } from './dialects.ts';
import { asAppError, errorReply } from './errors.ts';
import { createMatcher, type Found, type Matcher } from './match.ts';
import { MatchedRequest, type RawRequest } from './matched-request.ts';
import { type Dialect, type HttpRequest, type Reply, type Route, withHeaders } from './route.ts';
import { explains, isHidden, type Progress, pad, type Stealth } from './stealth.ts';

export type { RawRequest } from './matched-request.ts';

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
  /** Routes that come and go as a project is reloaded; looked up after the fixed ones. */
  readonly late?: () => Matcher | null;
  /** Dialect of paths that have no neighbours; `conductor` unless told. */
  readonly dialect?: Dialect;
  /** Absent: who lacks a credential is told so. */
  readonly stealth?: Stealth;
  /** Headers of every reply of a route in the `ensemble` dialect, e.g. `x-powered-by`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Adds `x-conductor-duration` (ms) there. */
  readonly debugHeaders?: boolean;
  readonly clock?: { now(): number };
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

export function createDispatcher(routes: readonly Route[], access: Access, context: DispatchContext = {}): Dispatcher {
  return new Pipeline(routes, access, context);
}

class Pipeline implements Dispatcher {
  readonly #fixed: Matcher;
  readonly #access: Access;
  readonly #context: DispatchContext;
  readonly #dialectOf: (path: string) => Dialect;

  constructor(routes: readonly Route[], access: Access, context: DispatchContext) {
    this.#fixed = createMatcher(routes);
    this.#access = access;
    this.#context = context;
    this.#dialectOf = createDialects(routes, context.dialect ?? 'conductor');
  }

  readonly match: Matcher = (method, path) => {
    const fixed = this.#fixed(method, path);
    if (fixed.route) return fixed;
    const late = this.#context.late?.()?.(method, path);
    if (!late) return fixed;
    return late.route ? late : { route: null, allow: [...new Set([...fixed.allow, ...late.allow])] };
  };

  fail(error: unknown, raw: Pick<RawRequest, 'id' | 'method' | 'path'>, dialect = this.#dialectOf(raw.path)): Reply {
    const reply = this.#render(error, dialect, raw);
    this.#context.observer?.observe(null, raw.method, reply.status, 0);
    return reply;
  }

  refresh(): Promise<void> | undefined {
    return this.#context.freshness?.ensure().catch((error: unknown) => {
      // Whatever went wrong: nobody is let in on what memory may no longer rightly hold.
      throw error instanceof AppError ? error : new AppError('store_unavailable', String(error));
    });
  }

  async dispatch(raw: RawRequest): Promise<Reply> {
    const { stealth } = this.#context;
    const startedMs = stealth ? performance.now() : 0;
    let reply: Reply;
    try {
      const found = this.match(raw.method, raw.path);
      if (found.route) return await this.handle(found, raw);
      reply = stealth ? this.#unknown(raw) : this.#missed(raw, found.allow);
    } catch (error) {
      // An unreadable path parameter shows that there is one.
      reply = stealth ? this.#unknown(raw) : this.fail(error, raw);
    }
    if (stealth) await pad(stealth, startedMs);
    return reply;
  }

  handle({ route, params }: Found, raw: RawRequest): Promise<Reply> {
    const { debugHeaders, observer, stealth } = this.#context;
    const startedMs = observer || stealth || debugHeaders ? performance.now() : 0;
    const progress: Progress = { entered: false, explained: false };
    const request = new MatchedRequest(raw, params);
    const finish = (reply: Reply) => this.#finish(route, raw, reply, progress, startedMs);
    if (!route.around) return this.#run(route, request, raw, progress).then(finish);
    const fail = (error: unknown) => this.#render(error, route.dialect, raw);
    const around = route.around(request, () => this.#run(route, request, raw, progress), fail);
    return around.catch(fail).then(finish);
  }

  #finish(route: Route, raw: RawRequest, given: Reply, progress: Progress, startedMs: number): Reply | Promise<Reply> {
    const { debugHeaders, headers, observer, stealth } = this.#context;
    let reply = given;
    if (route.dialect === 'ensemble') {
      if (headers) reply = { ...reply, headers: reply.headers ? { ...headers, ...reply.headers } : headers };
      if (debugHeaders)
        reply = withHeaders(reply, { 'x-conductor-duration': (performance.now() - startedMs).toFixed(1) });
    }
    observer?.observe(route, raw.method, reply.status, (performance.now() - startedMs) / 1000);
    if (!stealth || !isHidden(route, reply, progress)) return reply;
    return pad(stealth, startedMs).then(() => this.#unknown(raw));
  }

  /** Bring memory up to date, authenticate, permit, handle; errors become replies in the route's dialect. Never rejects. */
  async #run(route: Route, request: MatchedRequest, raw: RawRequest, progress: Progress): Promise<Reply> {
    try {
      const stale = route.standsAlone ? undefined : this.refresh();
      if (stale) await stale;
      const { requires } = route;
      if (requires !== 'public') {
        // Our own keys and tokens are checked at once: nothing may be awaited for them on the hot path.
        const who = typeof requires === 'object' ? requires.guard(request) : this.#access.authenticate(raw.header);
        request.principal = who instanceof Promise ? await who : who;
        if (route.changes) requireNoLink(request.principal, raw.header);
        const permitted = this.#permit(typeof requires === 'object' ? requires.permission : requires, request);
        if (permitted) await permitted;
      }
      progress.entered = true;
      return await route.handle(request);
    } catch (error) {
      progress.explained = explains(error);
      return this.#render(error, route.dialect, raw);
    }
  }

  #permit(
    wanted: 'authenticated' | ((request: HttpRequest) => string | Promise<string>) | undefined,
    request: HttpRequest,
  ): Promise<void> | undefined {
    if (typeof wanted !== 'function') return undefined;
    const permission = wanted(request);
    if (typeof permission !== 'string')
      return permission.then((found) => this.#access.require(request.principal, found));
    this.#access.require(request.principal, permission);
    return undefined;
  }

  #missed(raw: RawRequest, allow: readonly string[]): Reply {
    if (allow.length === 0) return this.#unknown(raw);
    const methods = [...new Set(allow.includes('GET') ? [...allow, 'HEAD'] : allow)].sort().join(', ');
    const error = new AppError('method_not_allowed', `Method ${raw.method} is not allowed here. Allowed: ${methods}`);
    return withHeaders(this.fail(error, raw), { allow: methods });
  }

  #unknown(raw: RawRequest): Reply {
    return this.fail(new AppError('not_found', `No such route: ${raw.method} ${raw.path}`), raw);
  }

  #render(error: unknown, dialect: Dialect, raw: Pick<RawRequest, 'id' | 'method' | 'path'>): Reply {
    const { clock = Date, instance = 'conductor', log } = this.#context;
    const shown = asAppError(error, raw.id);
    if (shown !== error) {
      log?.error('request failed', { requestId: raw.id, method: raw.method, path: maskKeys(raw.path), error });
    }
    return errorReply(shown, dialect, { instance, requestId: raw.id, now: clock.now() });
  }
}

/** Keys and tokens of ours do not belong into a log, also when somebody puts them into a path. */
function maskKeys(path: string): string {
  return path.replaceAll(/cnd_[\w.-]+/g, 'cnd_…');
}
