// The Hono mount: turns a web Request into a RawRequest and a Reply into a Response, and hands the vault its own
// paths. Runs on every runtime. Must never decide anything about a route; that is dispatch's work.
import { type Context, Hono } from 'hono';
import type { Access } from '../access/access.ts';
import { AppError } from '../model/error.ts';
import type { VaultProxy } from '../vault/proxy-api.ts';
import type { RequestOrigin } from '../visitor/visitor.ts';
import { readBytes } from './body-limit.ts';
import { createDispatcher, type DispatchContext, type Dispatcher, type RawRequest } from './dispatch.ts';
import { createRequestIds } from './request-id.ts';
import type { Reply, Route } from './route.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

export interface AppOptions extends DispatchContext {
  readonly routes: readonly Route[];
  readonly access: Access;
  /** Vendor calls, recognised by path before any route. */
  readonly proxy?: VaultProxy;
  /** Larger bodies get 413. 10 MiB unless told. */
  readonly bodyBytesMax?: number;
}

type BodyInit = ConstructorParameters<typeof Response>[0];

const DECODER = new TextDecoder();

export const BODY_BYTES_MAX = 10 * 1024 * 1024;

/** Throws Error when two routes claim the same method and path. */
export function createApp(options: AppOptions): Hono {
  const { routes, access, proxy, bodyBytesMax = BODY_BYTES_MAX } = options;
  const dispatcher = createDispatcher(routes, access, options);
  const newId = createRequestIds();
  const app = new Hono();
  app.all('*', async (context) => {
    const raw = rawRequest(context, bodyBytesMax, newId);
    const reply = proxy?.owns(raw.path)
      ? await vendorCall(proxy, context, raw, dispatcher, bodyBytesMax)
      : await dispatcher.dispatch(raw);
    return reply instanceof Response ? reply : toResponse(reply, raw);
  });
  return app;
}

function rawRequest(context: Context, bodyBytesMax: number, newId: ReturnType<typeof createRequestIds>): RawRequest {
  const request = context.req.raw;
  const header = (name: string) => request.headers.get(name) ?? undefined;
  const { url } = request;
  const start = url.indexOf('/', url.indexOf('//') + 2);
  const mark = url.indexOf('?', start);
  const path = mark < 0 ? url.slice(start) : url.slice(start, mark);
  let body: Promise<Uint8Array> | undefined;
  const bytes = () => {
    body ??= readBytes(request, bodyBytesMax);
    return body;
  };
  return {
    id: newId(header),
    method: request.method,
    path,
    search: mark < 0 ? '' : url.slice(mark + 1),
    header,
    // Read late: making the signal costs, and only polls look at it.
    get signal() {
      return request.signal;
    },
    get origin() {
      return originOf(context);
    },
    bytes,
    text: async () => DECODER.decode(await bytes()),
  };
}

/** What the runtime under Hono tells of the connection: node-server its socket, workerd `request.cf`. */
function originOf(context: Context): RequestOrigin {
  const incoming = member(context.env, 'incoming');
  const peerAddress = member(member(incoming, 'socket'), 'remoteAddress');
  const httpVersion = member(incoming, 'httpVersion');
  const cf = member(context.req.raw, 'cf');
  return {
    ...(typeof peerAddress === 'string' ? { peerAddress } : {}),
    ...(typeof httpVersion === 'string' ? { httpVersion: `HTTP/${httpVersion}` } : {}),
    ...(typeof cf === 'object' && cf !== null ? { cf: Object.fromEntries(Object.entries(cf)) } : {}),
  };
}

function member(of: unknown, name: string): unknown {
  return typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined;
}

function toResponse(reply: Reply, raw: RawRequest): Response {
  const headers: Record<string, string> = { ...SECURITY_HEADERS, 'x-request-id': raw.id, ...reply.headers };
  const { body, contentType, status } = reply;
  if (contentType !== undefined) headers['content-type'] = contentType;
  if (body === undefined || body === '') {
    // Without a type and with a length of 0: SDKs would parse anything else.
    if (status !== 204 && status !== 304) headers['content-length'] = '0';
    return new Response(null, { status, headers });
  }
  return new Response(raw.method === 'HEAD' ? null : bodyOf(body), { status, headers });
}

function bodyOf(body: NonNullable<Reply['body']>): BodyInit {
  // A fresh view: BodyInit wants bytes over an ArrayBuffer, and ours may sit on a shared pool.
  return body instanceof Uint8Array ? new Uint8Array(body) : body;
}

async function vendorCall(
  proxy: VaultProxy,
  context: Context,
  raw: RawRequest,
  dispatcher: Dispatcher,
  bodyBytesMax: number,
): Promise<Response | Reply> {
  const request = context.req.raw;
  let body: Uint8Array;
  try {
    body = await readBytes(request, bodyBytesMax);
    const stale = dispatcher.refresh();
    if (stale) await stale;
  } catch (error) {
    const failure = error instanceof AppError ? error : new AppError('invalid_request', 'Unreadable body');
    return dispatcher.fail(failure, raw, 'vault');
  }
  const target = raw.search === '' ? raw.path : `${raw.path}?${raw.search}`;
  const rawHeaders = [...request.headers].flat();
  const reply = await proxy.handle({ method: raw.method, target, rawHeaders, body });
  const headers = new Headers();
  for (const [name, value] of reply.headers) headers.append(name, value);
  headers.set('x-request-id', raw.id);
  const hollow = reply.status === 204 || reply.status === 304;
  return new Response(hollow ? null : vendorBody(reply.body), { status: reply.status, headers });
}

function vendorBody(body: string | Uint8Array | AsyncIterable<Uint8Array>): BodyInit {
  if (typeof body === 'string' || body instanceof Uint8Array) return bodyOf(body);
  return ReadableStream.from(body);
}
