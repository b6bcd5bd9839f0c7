import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Access } from '../../access/access.ts';
import { createAccess } from '../../access/create-access.ts';
import { createApp } from '../../http/app.ts';
import { createDispatcher } from '../../http/dispatch.ts';
import { type HttpRequest, type Route, text } from '../../http/route.ts';
import { AppError } from '../../model/error.ts';
import type { ProxyReply, ProxyRequest, VaultProxy } from '../../vault/proxy-api.ts';
import { createNodeHandler } from './fast-routes.ts';
import { type Listener, listen } from './listener.ts';

const BODY_BYTES_MAX = 1000;

let listener: Listener;
let access: Access;
let proxied: ProxyRequest[];
let answer: () => ProxyReply;
let ensure: () => Promise<void>;
let onPoll: (request: HttpRequest) => Promise<string>;

/** The routes that the mount serves itself; each answers with its own name. */
const HOT = [
  ['POST', '/api/workflow'],
  ['POST', '/api/workflow/:name'],
  ['GET', '/api/tasks/poll/:type'],
  ['GET', '/api/tasks/poll/batch/:type'],
  ['POST', '/api/tasks'],
  ['POST', '/api/tasks/update-v2'],
] as const;

function route(method: Route['method'], path: string, handle: Route['handle']): Route {
  return { method, path, requires: 'authenticated', dialect: 'conductor', summary: path, handle };
}

const proxy: VaultProxy = {
  owns: (path) => path.startsWith('/stripe/'),
  handle(request) {
    proxied.push(request);
    return Promise.resolve(answer());
  },
};

beforeEach(async () => {
  proxied = [];
  answer = () => ({ status: 200, headers: [['content-type', 'application/json']], body: '{}' });
  ensure = () => Promise.resolve();
  onPoll = () => Promise.resolve('[]');
  const routes = HOT.map(([method, path]) =>
    path.includes('batch')
      ? route(method, path, async (request) => text(await onPoll(request)))
      : route(method, path, async (request) =>
          text(`${path} ${JSON.stringify(request.params)} ${await request.text()}`),
        ),
  );
  routes.push(route('GET', '/api/slow', () => text('slow')));
  const told = {
    status: 200,
    contentType: 'text/plain',
    headers: { 'cache-control': 'private, max-age=5', vary: 'Origin' },
  };
  for (const hot of [true, false]) {
    const handle: Route['handle'] = async (request) => ({
      ...told,
      body: JSON.stringify([request.origin, (await request.bytes()).byteLength, await request.text()]),
    });
    routes.push({ ...route('POST', hot ? '/said/hot' : '/said/cold', handle), ...(hot ? { hot } : {}) });
  }
  routes.push({ ...route('GET', '/docs/:slug', () => text('open')), requires: 'public', hot: true });
  routes.push({ ...route('GET', '/docs/secret', () => text('in')), hot: true });
  access = await createAccess({
    transactor: {
      submit: () => Promise.reject(new Error('nothing is written here')),
      transact: () => Promise.reject(new Error('nothing is written here')),
      submitSoon: () => Promise.reject(new Error('nothing is written here')),
      onLost: () => undefined,
      settled: () => Promise.resolve(),
    },
    reads: { apiKeys: () => Promise.resolve([]) },
    freshness: null,
    clock: { now: () => 1 },
    tokenSecret: new Uint8Array(32),
    localKey: 'root',
  });
  listener = await listen('127.0.0.1', 0);
  listener.serve(
    createNodeHandler({
      routes,
      dispatcher: createDispatcher(routes, access, { freshness: { ensure: () => ensure() } }),
      app: createApp({ routes, access, bodyBytesMax: BODY_BYTES_MAX }),
      proxy,
      bodyBytesMax: BODY_BYTES_MAX,
      vaultBodyBytesMax: BODY_BYTES_MAX,
    }),
  );
});

afterEach(() => listener.close(0));

const AUTH = { 'x-api-key': 'root' };

const send = (path: string, method = 'GET', body?: string) =>
  fetch(listener.url + path, { method, headers: AUTH, ...(body === undefined ? {} : { body }) });

describe('hot routes', () => {
  test('are answered with their parameters and body', async () => {
    expect(await (await send('/api/workflow/a%20b', 'POST', 'äöü')).text()).toBe(
      '/api/workflow/:name {"name":"a b"} äöü',
    );
    expect(await (await send('/api/tasks', 'POST', '')).text()).toBe('/api/tasks {} ');
    expect(await (await send('/api/slow')).text()).toBe('slow');
  });

  test('that are missing make the mount fail at construction', () => {
    const dispatcher = createDispatcher([], access);
    const app = createApp({ routes: [], access });
    const options = { routes: [], dispatcher, app, proxy, bodyBytesMax: 1, vaultBodyBytesMax: 1 };
    expect(() => createNodeHandler(options)).toThrow('POST /api/workflow');
  });

  test('a wrong method, a wrong escape and HEAD are answered as by the other mount', async () => {
    expect((await send('/api/tasks/update-v2', 'PUT', '{}')).status).toBe(405);
    expect((await send('/api/workflow/%zz', 'POST', '{}')).status).toBe(400);
    const head = await send('/api/tasks/poll/batch/x', 'HEAD');
    expect(head.status).toBe(200);
    expect(await head.text()).toBe('');
  });

  test('may say so themselves, and are answered as by the other mount: origin, exact body, headers once', async () => {
    const replies = await Promise.all(['/said/hot', '/said/cold'].map((path) => send(path, 'POST', '\ufeffä')));
    const [hot, cold] = await Promise.all(
      replies.map(async (reply) => ({
        status: reply.status,
        headers: [...reply.headers].filter(([name]) => name !== 'date' && name !== 'x-request-id'),
        body: await reply.json(),
      })),
    );
    expect(hot).toEqual(cold);
    expect(hot?.body).toEqual([{ peerAddress: '127.0.0.1', httpVersion: 'HTTP/1.1' }, 5, 'ä']);
    expect(hot?.headers).toContainEqual(['cache-control', 'private, max-age=5']);
  });

  test.each(['/docs/secret', '/docs/%73ecret', '/docs/./secret', '/docs/x/../secret', '/docs/%2e/secret'])(
    'the path %s leads nobody past its guard',
    async (path) => {
      expect(await rawStatus(path)).toBe(401);
    },
  );

  test('a caller that goes away aborts its poll', async () => {
    const aborted = signalled();
    const began = signalled();
    onPoll = (request) =>
      new Promise((resolve) => {
        began.resolve();
        request.signal.addEventListener('abort', () => {
          aborted.resolve();
          resolve('[]');
        });
      });
    const leaving = new AbortController();
    const poll = fetch(`${listener.url}/api/tasks/poll/batch/x`, { headers: AUTH, signal: leaving.signal });
    await began.promise;
    leaving.abort();
    await expect(poll).rejects.toThrow();
    await aborted.promise;
  });

  test('an answered poll does not abort', async () => {
    const signals: AbortSignal[] = [];
    onPoll = async (request) => {
      signals.push(request.signal);
      return '[]';
    };
    await (await send('/api/tasks/poll/batch/x')).text();
    await listener.close(1000);
    expect(signals.map((signal) => signal.aborted)).toEqual([false]);
  });
});

describe('vendor calls', () => {
  test('reach the vault exactly as sent', async () => {
    const { hostname, port } = new URL(listener.url);
    const socket = connect(Number(port), hostname);
    const ended = new Promise((resolve) => socket.on('end', resolve));
    socket.resume();
    socket.write('POST /stripe/v1/../a%2Fb;c?x=1&x=%32 HTTP/1.1\r\nHost: h\r\nX-Twice: 1\r\nx-twice: 2\r\n');
    socket.write('Content-Length: 3\r\nConnection: close\r\n\r\na=b');
    await ended;
    expect(proxied).toHaveLength(1);
    const [call] = proxied;
    expect(call?.target).toBe('/stripe/v1/../a%2Fb;c?x=1&x=%32');
    expect(call?.rawHeaders.slice(0, 6)).toEqual(['Host', 'h', 'X-Twice', '1', 'x-twice', '2']);
    expect(Buffer.from(call?.body ?? []).toString()).toBe('a=b');
  });

  test('come back as the vault gives them, streams too', async () => {
    answer = () => ({
      status: 402,
      headers: [
        ['content-type', 'text/plain'],
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ],
      body: stream(['one ', 'two']),
    });
    const reply = await send('/stripe/v1/charges', 'POST', 'a=b');
    expect(reply.status).toBe(402);
    expect(reply.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(reply.headers.get('x-request-id')).toMatch(/./);
    expect(await reply.text()).toBe('one two');
  });

  test('are refused before the vault when their body is too large', async () => {
    const reply = await send('/stripe/v1/charges', 'POST', 'x'.repeat(BODY_BYTES_MAX + 1));
    expect(reply.status).toBe(413);
    expect(proxied).toEqual([]);
  });

  test('whose body breaks off never reach the vault', async () => {
    const { hostname, port } = new URL(listener.url);
    const socket = connect(Number(port), hostname);
    socket.write('POST /stripe/v1/charges HTTP/1.1\r\nHost: h\r\nContent-Length: 30\r\n\r\namount=1');
    await new Promise<void>((resolve) => socket.end(resolve));
    await listener.close(5000);
    expect(proxied).toEqual([]);
  });

  test('a stream that breaks breaks the connection: half a body never looks whole', async () => {
    answer = () => ({ status: 200, headers: [], body: broken() });
    await expect(send('/stripe/v1/charges').then((reply) => reply.text())).rejects.toThrow();
  });

  test('and hot routes are 503 while memory cannot be brought up to date; the vault hears of nothing', async () => {
    ensure = () => Promise.reject(new AppError('store_unavailable', 'gone'));
    const vendor = await send('/stripe/v1/charges', 'POST', 'a=b');
    const poll = await send('/api/tasks/poll/batch/x');
    for (const reply of [vendor, poll]) {
      expect(reply.status).toBe(503);
      expect(reply.headers.get('retry-after')).toBe('1');
    }
    expect(await vendor.json()).toMatchObject({ error: { code: 'store_unavailable', retryable: true } });
    expect(await poll.json()).toMatchObject({ code: 'store_unavailable', retryable: true });
    expect(proxied).toEqual([]);
    ensure = () => Promise.resolve();
    expect((await send('/stripe/v1/charges', 'POST', 'a=b')).status).toBe(200);
    expect(proxied).toHaveLength(1);
  });

  test('are read to their end though the caller has gone', async () => {
    const more = signalled();
    const done = signalled();
    answer = () => ({
      status: 200,
      headers: [],
      body: (async function* () {
        yield Buffer.from('first');
        await more.promise;
        for (let i = 0; i < 100; i += 1) yield Buffer.alloc(100_000);
        done.resolve();
      })(),
    });
    await new Promise<void>((resolve, reject) => {
      const call = httpRequest(`${listener.url}/stripe/v1/charges`, (response) => {
        response.once('data', () => {
          call.destroy();
          resolve();
        });
        response.on('error', () => undefined);
      });
      call.on('error', reject);
      call.end();
    });
    more.resolve();
    await done.promise;
  });
});

/** Promise.withResolvers, which Node 20 lacks. */
function signalled() {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}

async function* stream(chunks: readonly string[]) {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

async function* broken() {
  yield Buffer.from('half');
  throw new Error('the vendor hung up');
}

/** Asks without a credential and for a path that no client would leave as it is. */
function rawStatus(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(listener.url);
    const call = httpRequest({ hostname, port, path }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    call.on('error', reject);
    call.end();
  });
}
