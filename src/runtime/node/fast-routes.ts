// The node:http entrance: vendor calls and the hottest routes are served straight from node's parser, everything else
// through Hono. One pipeline and the same replies behind both. Must never answer a route differently from Hono's mount.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import type { HeaderLookup } from '../../access/access.ts';
import type { Dispatcher } from '../../http/dispatch.ts';
import type { Found } from '../../http/match.ts';
import { createRequestIds } from '../../http/request-id.ts';
import type { Route } from '../../http/route.ts';
import { AppError } from '../../model/error.ts';
import type { VaultProxy } from '../../vault/proxy-api.ts';
import { BodyBudget } from './body-budget.ts';
import { writeProxyReply, writeReply } from './node-reply.ts';
import { NodeRequest, readBytes, splitTarget, type Target } from './node-request.ts';

/** A run of 5,000 tasks makes five calls to the rest, and ten thousand to these. Routes may also say that they are hot. */
const HOT: readonly string[] = [
  'POST /api/workflow',
  'POST /api/workflow/:name',
  'GET /api/tasks/poll/:type',
  'GET /api/tasks/poll/batch/:type',
  'POST /api/tasks',
  'POST /api/tasks/update-v2',
];

/** Of large bodies, what is in memory at once: about a tenth of what Node's heap may grow to. */
const LARGE_BODIES_BYTES_MAX = 64 * 1024 * 1024;

const ODD = /\/(\.|%2e)|[\\#]/i;

export interface NodeHandlerOptions {
  readonly routes: readonly Route[];
  readonly dispatcher: Dispatcher;
  readonly app: Hono;
  readonly proxy: VaultProxy;
  readonly bodyBytesMax: number;
  /** Limit of a vendor call's body. */
  readonly vaultBodyBytesMax: number;
}

export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Throws Error when a hot route is not among `routes`: it would be slow without anybody noticing. */
export function createNodeHandler(options: NodeHandlerOptions): NodeHandler {
  const { dispatcher, proxy, bodyBytesMax } = options;
  const hot = hotRoutes(options.routes);
  const newId = createRequestIds();
  const budget = new BodyBudget(LARGE_BODIES_BYTES_MAX);
  const throughHono = getRequestListener(options.app.fetch, { overrideGlobalObjects: false });
  return (request, response) => {
    const url = request.url ?? '/';
    const target = splitTarget(url);
    if (proxy.owns(target.path)) {
      void vendorCall(options, request, response, target, newId);
      return;
    }
    const found = hotRoute(dispatcher, hot, request.method ?? '', target.path);
    if (found) {
      const raw = new NodeRequest(request, response, target, newId, bodyBytesMax, budget);
      void serveHot(dispatcher, found, raw, request, response);
      return;
    }
    if (!url.startsWith('/') && target.path.startsWith('/')) {
      request.url = target.search === '' ? target.path : `${target.path}?${target.search}`;
    }
    void throughHono(request, response);
  };
}

function hotRoutes(routes: readonly Route[]): ReadonlySet<Route> {
  const byName = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));
  return new Set(
    HOT.map((name) => {
      const route = byName.get(name);
      if (!route) throw new Error(`There is no route ${name} to serve fast`);
      return route;
    }),
  );
}

/** Undefined for everything that is not hot, errors included: Hono's mount finds the same error and renders it. */
function hotRoute(dispatcher: Dispatcher, hot: ReadonlySet<Route>, method: string, path: string): Found | undefined {
  // Hono's URL parser takes dot segments and backslashes out of a path: who sends some gets what it makes of them.
  if ((method !== 'POST' && method !== 'GET') || ODD.test(path)) return undefined;
  try {
    const found = dispatcher.match(method, path);
    return found.route && (found.route.hot || hot.has(found.route)) ? found : undefined;
  } catch {
    return undefined;
  }
}

async function serveHot(
  dispatcher: Dispatcher,
  found: Found,
  raw: NodeRequest,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const reply = await dispatcher.handle(found, raw);
  if (reply.status === 413) hangUpAfter(request, response);
  if (!response.destroyed) await writeReply(response, reply, raw.id);
}

/** Runs to the end even when the caller has gone: the vendor may have been paid, so the outcome must be settled. */
async function vendorCall(
  options: NodeHandlerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
  newId: (header: HeaderLookup) => string,
): Promise<void> {
  const { dispatcher, proxy, vaultBodyBytesMax } = options;
  // Read before anybody knows who calls, so it must not keep others waiting.
  const raw = new NodeRequest(request, response, target, newId, vaultBodyBytesMax, null);
  let body: Buffer;
  try {
    body = await readBytes(request, vaultBodyBytesMax);
    const stale = dispatcher.refresh();
    if (stale) await stale;
  } catch (error) {
    hangUpAfter(request, response);
    const failure = error instanceof AppError ? error : new AppError('invalid_request', 'Unreadable body.');
    if (!response.destroyed) await writeReply(response, dispatcher.fail(failure, raw, 'vault'), raw.id);
    return;
  }
  const path = target.search === '' ? target.path : `${target.path}?${target.search}`;
  const reply = await proxy.handle({ method: raw.method, target: path, rawHeaders: request.rawHeaders, body });
  await writeProxyReply(response, reply, raw);
}

/** What is still on its way will not be read: the connection ends with the reply. */
function hangUpAfter(request: IncomingMessage, response: ServerResponse): void {
  response.shouldKeepAlive = false;
  request.resume();
}
