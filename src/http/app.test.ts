import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Access } from '../access/access.ts';
import { AppError, ERRORS, type ErrorCode } from '../model/error.ts';
import type { ProxyRequest, VaultProxy } from '../vault/proxy-api.ts';
import { accessWith, NOW_MS, ROOT } from './access.fixture.ts';
import { createApp } from './app.ts';
import { readBody } from './body.ts';
import { EMPTY, type HttpRequest, json, NO_CONTENT, type Reply, type Route, text } from './route.ts';

const BODY_BYTES_MAX = 1000;

const bodySchema = z.object({ name: z.string().min(1), list: z.array(z.object({ n: z.number() })).optional() });

function route(path: string, handle: Route['handle'], rest: Partial<Route> = {}): Route {
  return { method: 'GET', path, requires: 'public', dialect: 'conductor', summary: '', handle, ...rest };
}

const logged: unknown[] = [];
const codes: ErrorCode[] = Object.keys(ERRORS).filter((code): code is ErrorCode => Object.hasOwn(ERRORS, code));

function fail(request: HttpRequest): Reply {
  const code = codes.find((known) => known === request.params.code);
  if (code) throw new AppError(code, `about ${code}`);
  throw new TypeError('boom at /srv/secret/place.ts');
}

const routes: Route[] = [
  route('/api/empty', () => EMPTY),
  route('/api/none', () => NO_CONTENT),
  route('/api/text', () => text('id-1')),
  route('/api/json', () => json({ a: null, b: 0 })),
  route('/api/who', ({ principal }) => text(principal.id), { requires: 'authenticated' }),
  route('/api/named/:name', ({ params }) => text(params.name ?? ''), {
    requires: async ({ params }) => `workflow:${params.name}:read`,
  }),
  route('/api/fail/:code', fail),
  route('/vault/fail/:code', fail, { dialect: 'vault' }),
  route('/api/waits', async ({ signal }) => {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    return text('gone');
  }),
  route('/api/query', ({ query }) => json([...query])),
  route('/api/body', async (request) => json(await readBody(request, bodySchema)), { method: 'POST' }),
  route('/api/length', async (request) => text(String((await request.text()).length)), { method: 'POST' }),
];

const seen: ProxyRequest[] = [];
const proxy: VaultProxy = {
  owns: (path) => path.startsWith('/stripe/'),
  async handle(request) {
    seen.push(request);
    async function* chunks() {
      yield new TextEncoder().encode('{"paid"');
      yield new TextEncoder().encode(':true}');
    }
    return {
      status: 201,
      headers: [
        ['content-type', 'application/json'],
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ],
      body: chunks(),
    };
  },
};

let access: Access;
let call: (path: string, init?: RequestInit) => Promise<Response>;

beforeAll(async () => {
  access = await accessWith({ reader: ['workflow:billing:read'], nobody: [] });
  const log = { error: (message: string, details: object) => logged.push({ message, ...details }) };
  const app = createApp({ routes, access, log, proxy, bodyBytesMax: BODY_BYTES_MAX, instance: 'here' });
  call = async (path, init) => app.request(path, init);
});

function post(path: string, body: string): Promise<Response> {
  return call(path, { method: 'POST', body });
}

describe('replies', () => {
  it('a void is 200 with a length of 0 and no type', async () => {
    const response = await call('/api/empty');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-length')).toBe('0');
    expect(response.headers.get('content-type')).toBeNull();
    expect(await response.text()).toBe('');
  });

  it('a 204 has no type and no length', async () => {
    const response = await call('/api/none');
    expect(response.status).toBe(204);
    expect(response.headers.get('content-type')).toBeNull();
    expect(response.headers.get('content-length')).toBeNull();
  });

  it('an id is plain text without quotes', async () => {
    const response = await call('/api/text');
    expect(response.headers.get('content-type')).toBe('text/plain');
    expect(await response.text()).toBe('id-1');
  });

  it('JSON is JSON whatever Accept says', async () => {
    const response = await call('/api/json', { headers: { accept: 'text/html' } });
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.text()).toBe('{"a":null,"b":0}');
  });

  it('HEAD answers as GET does, without the body', async () => {
    const response = await call('/api/json', { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });

  it('every reply names its request and forbids sniffing and caching', async () => {
    const [first, second] = [await call('/api/text'), await call('/api/nowhere')];
    expect(first.headers.get('x-content-type-options')).toBe('nosniff');
    expect(second.headers.get('cache-control')).toBe('no-store');
    expect(first.headers.get('x-request-id')).toMatch(/^req_/);
    expect(second.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'));
    expect(first.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('a harmless request id of the caller is kept, another is not', async () => {
    const kept = await call('/api/text', { headers: { 'x-request-id': 'abc-1' } });
    const replaced = await call('/api/text', { headers: { 'x-request-id': 'a b<script>' } });
    expect(kept.headers.get('x-request-id')).toBe('abc-1');
    expect(replaced.headers.get('x-request-id')).toMatch(/^req_/);
  });

  it('a handler learns that its caller has gone', async () => {
    const caller = new AbortController();
    const response = call('/api/waits', { signal: caller.signal });
    caller.abort();
    expect(await (await response).text()).toBe('gone');
  });

  it('repeated query parameters arrive in order', async () => {
    expect(await (await call('/api/query?t=a&t=b%20c&u=')).json()).toEqual([
      ['t', 'a'],
      ['t', 'b c'],
      ['u', ''],
    ]);
  });
});

describe('who may', () => {
  const asked = (path: string, key?: string) => call(path, key === undefined ? {} : { headers: { 'x-api-key': key } });

  it('a route that is not public asks for a credential', async () => {
    const response = await asked('/api/who');
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ status: 401, error: 'INVALID_TOKEN', retryable: false });
    expect(await (await asked('/api/who', ROOT)).text()).toBe('local');
  });

  it('a wrong credential is INVALID_TOKEN, an old one EXPIRED_TOKEN', async () => {
    expect(await (await asked('/api/who', 'wrong')).json()).toMatchObject({ error: 'INVALID_TOKEN' });
    const clock = { nowMs: NOW_MS, now: () => clock.nowMs };
    const aging = await accessWith({}, clock);
    const { token, expiresInSeconds } = aging.issueToken('local', ROOT);
    const app = createApp({ routes, access: aging });
    const ask = async () => app.request('/api/who', { headers: { 'x-authorization': token } });
    expect((await ask()).status).toBe(200);
    clock.nowMs += expiresInSeconds * 1000;
    const late = await ask();
    expect(late.status).toBe(401);
    expect(await late.json()).toMatchObject({ error: 'EXPIRED_TOKEN' });
  });

  it('a permission is asked for by name, and its absence is a 403 that names it', async () => {
    expect((await asked('/api/named/billing', 'reader')).status).toBe(200);
    const response = await asked('/api/named/other', 'reader');
    expect(response.status).toBe(403);
    const body = await response.json();
    expect(body).toMatchObject({ status: 403, code: 'forbidden' });
    expect(JSON.stringify(body)).toContain('workflow:other:read');
    expect(body).not.toHaveProperty('error');
  });
});

describe('errors', () => {
  it.each(codes.filter((code) => code !== 'internal' && code !== 'store_unavailable'))(
    '%s has its registered status in both dialects',
    async (code) => {
      const { status, retryable, fix } = ERRORS[code];
      const conductor = await call(`/api/fail/${code}`);
      expect(conductor.status).toBe(status);
      expect(await conductor.json()).toMatchObject({
        status,
        retryable,
        code,
        message: `about ${code}`,
        instance: 'here',
      });
      const vault = await call(`/vault/fail/${code}`);
      expect(vault.status).toBe(status);
      expect(await vault.json()).toEqual({ error: { code, message: `about ${code}`, fix, retryable } });
    },
  );

  it('an unexpected error shows its request id and nothing else, and is logged', async () => {
    logged.length = 0;
    const response = await call('/api/fail/unknown', { headers: { 'x-request-id': 'r-1' } });
    expect(response.status).toBe(500);
    const shown = await response.text();
    expect(shown).toContain('r-1');
    expect(shown).not.toMatch(/boom|place\.ts|TypeError/);
    expect(logged).toMatchObject([{ requestId: 'r-1', method: 'GET', path: '/api/fail/unknown' }]);
    expect(logged[0]).toHaveProperty('error.message', 'boom at /srv/secret/place.ts');
  });

  it('a failing database is 503 without the words of its driver, which are logged', async () => {
    logged.length = 0;
    const response = await call('/api/fail/store_unavailable');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
    const body = await response.json();
    expect(body).toMatchObject({ status: 503, code: 'store_unavailable', retryable: true });
    expect(JSON.stringify(body)).not.toContain('about store_unavailable');
    expect(logged[0]).toHaveProperty('error.message', 'about store_unavailable');
  });

  it('an unknown route is 404 in the dialect of its neighbours', async () => {
    const conductor = await call('/api/nowhere');
    expect(conductor.status).toBe(404);
    expect(await conductor.json()).toMatchObject({ status: 404, code: 'not_found' });
    const vault = await call('/vault/nowhere');
    expect(vault.status).toBe(404);
    expect(await vault.json()).toMatchObject({ error: { code: 'not_found' } });
  });

  it('a wrong method is 405 and says which are right', async () => {
    const response = await call('/api/text', { method: 'PUT' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
    expect(await response.json()).toMatchObject({ status: 405 });
  });

  it('a path that is not UTF-8 is 400', async () => {
    expect((await call('/api/named/%E0%A4%A')).status).toBe(400);
  });
});

describe('where processes share a database', () => {
  const withKey = { headers: { 'x-api-key': ROOT } };
  const alone = route('/api/alone', () => text('alone'), { standsAlone: true });

  function shared(ensure: () => Promise<void>) {
    logged.length = 0;
    seen.length = 0;
    const log = { error: (message: string, details: object) => logged.push({ message, ...details }) };
    return createApp({ routes: [...routes, alone], access, log, proxy, freshness: { ensure } });
  }

  it('nobody is authenticated before memory is up to date', async () => {
    const order: string[] = [];
    const watched: Access = {
      allows: (...asked) => access.allows(...asked),
      require: (...asked) => access.require(...asked),
      issueToken: (...asked) => access.issueToken(...asked),
      authenticate(header) {
        order.push('authenticated');
        return access.authenticate(header);
      },
    };
    const ensure = async () => {
      await new Promise(setImmediate);
      order.push('up to date');
    };
    const app = createApp({ routes, access: watched, freshness: { ensure } });
    expect(await (await app.request('/api/who', withKey)).text()).toBe('local');
    expect(order).toEqual(['up to date', 'authenticated']);
  });

  const failures = [new AppError('store_unavailable', 'no route to 10.0.0.7'), new Error('no route to 10.0.0.7')];
  it.each(failures)(
    'a database that does not answer is 503 in every dialect, and nothing is done (%s)',
    async (error) => {
      const app = shared(() => Promise.reject(error));
      const conductor = await app.request('/api/who', withKey);
      const vault = await app.request('/vault/fail/not_found', withKey);
      const vendor = await app.request('/stripe/v1/charges', { method: 'POST', body: 'amount=50' });
      for (const response of [conductor, vault, vendor]) {
        expect(response.status).toBe(503);
        expect(response.headers.get('retry-after')).toBe('1');
      }
      const bodies = [await conductor.json(), await vault.json(), await vendor.json()];
      expect(bodies[0]).toMatchObject({ status: 503, code: 'store_unavailable', retryable: true });
      for (const body of bodies.slice(1)) {
        expect(body).toMatchObject({ error: { code: 'store_unavailable', retryable: true } });
      }
      expect(JSON.stringify(bodies)).not.toContain('10.0.0.7');
      expect(logged).toHaveLength(3);
      expect(seen).toEqual([]);
    },
  );

  it('what stands alone is answered all the same', async () => {
    const app = shared(() => Promise.reject(new AppError('store_unavailable', 'gone')));
    expect(await (await app.request('/api/alone')).text()).toBe('alone');
  });

  it('vendor calls wait too: a secret that was replaced elsewhere is not used again', async () => {
    const order: string[] = [];
    const app = shared(async () => {
      order.push(`ensured, ${seen.length} forwarded`);
    });
    expect((await app.request('/stripe/v1/charges', { method: 'POST', body: 'amount=50' })).status).toBe(201);
    expect(order).toEqual(['ensured, 0 forwarded']);
    expect(seen).toHaveLength(1);
  });
});

describe('bodies', () => {
  it('broken JSON is 400', async () => {
    const response = await post('/api/body', '{"name":');
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ status: 400, code: 'malformed_json' });
  });

  it('wrong fields are listed with their paths and values', async () => {
    const response = await post('/api/body', '{"name":"","list":[{"n":1},{"n":"two"}]}');
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      status: 400,
      message: 'Validation failed, check below errors for detail.',
      retryable: false,
      validationErrors: [
        { path: 'name', invalidValue: '' },
        { path: 'list[1].n', invalidValue: 'two' },
      ],
    });
  });

  it('no body at all is a validation error where one is needed', async () => {
    const response = await post('/api/body', '');
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ validationErrors: [{ path: '' }] });
  });

  it('a body at the limit passes, one byte more is 413', async () => {
    expect(await (await post('/api/length', 'x'.repeat(BODY_BYTES_MAX))).text()).toBe(String(BODY_BYTES_MAX));
    const response = await post('/api/length', 'x'.repeat(BODY_BYTES_MAX + 1));
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ status: 413, code: 'payload_too_large' });
  });

  it('a declared length over the limit is refused before the body is read', async () => {
    let pulled = 0;
    const source = {
      pull() {
        pulled += 1;
      },
    };
    const body = new ReadableStream(source, { highWaterMark: 0 });
    const headers = { 'content-length': String(BODY_BYTES_MAX + 1) };
    const response = await call('/api/length', { method: 'POST', body, headers, duplex: 'half' });
    expect(response.status).toBe(413);
    expect(pulled).toBe(0);
  });

  it('a stream without a length is cut off at the limit', async () => {
    let sent = 0;
    const body = new ReadableStream({
      pull(controller) {
        sent += 1;
        controller.enqueue(new Uint8Array(100));
      },
    });
    const response = await call('/api/length', { method: 'POST', body, duplex: 'half' });
    expect(response.status).toBe(413);
    expect(sent).toBeLessThan(20);
  });
});

describe('vendor calls', () => {
  it('go to the proxy as they are, and its streamed answer goes back', async () => {
    seen.length = 0;
    const response = await call('/stripe/v1/charges?expand=a%2Fb', {
      method: 'POST',
      body: 'amount=50',
      headers: { authorization: 'Bearer vk', 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({ paid: true });
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    const [request] = seen;
    expect(request).toMatchObject({ method: 'POST', target: '/stripe/v1/charges?expand=a%2Fb' });
    expect(request?.rawHeaders).toContain('Bearer vk');
    expect(new TextDecoder().decode(request?.body)).toBe('amount=50');
  });

  it('are limited in size like everything else', async () => {
    seen.length = 0;
    expect((await post('/stripe/v1/charges', 'x'.repeat(BODY_BYTES_MAX + 1))).status).toBe(413);
    expect(seen).toEqual([]);
  });
});
