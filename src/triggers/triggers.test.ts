// What triggers promise: the security page's HTTP side of an ensemble.
import { describe, expect, it, test } from 'vitest';
import { completed, EXECUTION_ID, httpTrigger, triggered, webhookTrigger } from '../http/project.fixture.ts';
import { json, type Route, withHeaders } from '../http/route.ts';
import { infoRoute } from '../http/routes/ensembles/catalog.ts';
import type { TriggerCors } from '../model/trigger.ts';
import { MiddlewareRegistry } from './middleware/registry.ts';
import { mount } from './mount.fixture.ts';

const KEYED = { type: 'apiKey' } as const;
const CORS: TriggerCors = {
  origins: ['https://app.example'],
  methods: null,
  allowHeaders: [],
  exposeHeaders: ['X-Total'],
  credentials: true,
};
const as = (key: string) => ({ headers: { 'x-api-key': key } });
const from = (origin: string, more: Record<string, string> = {}) => ({ headers: { origin, ...more } });

function preflight(origin: string, method = 'POST') {
  return { method: 'OPTIONS', headers: { origin, 'access-control-request-method': method } };
}

describe('S3: a trigger has its own authentication', () => {
  it('a public one asks nobody, another one does, with its own permissions', async () => {
    const { call, executor } = await mount([
      triggered('open', httpTrigger('/open')),
      triggered('closed', httpTrigger('/closed', { auth: KEYED, permissions: ['orders:all:read'] })),
    ]);
    expect((await call('/open')).status).toBe(200);
    const refused = await call('/closed');
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ success: false, error: 'Unauthorized', code: 'unauthenticated' });
    expect((await call('/closed', as('bob'))).status).toBe(403);
    expect((await call('/closed', as('alice'))).status).toBe(200);
    expect(executor.asked.map(({ what, call: { auth } }) => [what, auth.user?.id])).toEqual([
      ['ensemble open', undefined],
      ['ensemble closed', 'key_alice'],
    ]);
  });

  it('a guard that cannot be made is a problem, and its path answers nothing', async () => {
    const { call, problems } = await mount([
      triggered('bad', httpTrigger('/bad', { auth: KEYED, permissions: ['unset'] })),
    ]);
    expect(problems).toMatchObject([
      { severity: 'error', message: expect.stringContaining('JWT_SECRET'), position: { line: 3 } },
    ]);
    expect((await call('/bad', as('root-key'))).status).toBe(404);
  });
});

describe('S3: a trigger has its own paths', () => {
  it('with parameters, methods and a rest', async () => {
    const { call, executor } = await mount([
      triggered(
        'users',
        httpTrigger('/api/users/:id', {
          paths: [
            { path: '/api/users/:id', methods: ['GET'] },
            { path: '/api/people/*', methods: ['DELETE'] },
          ],
        }),
      ),
    ]);
    expect(await (await call('/api/users/a%2Fb?x=1')).json()).toMatchObject({
      echo: { params: { id: 'a/b' }, query: { x: '1' }, x: '1' },
    });
    expect((await call('/api/users/a', { method: 'POST' })).status).toBe(405);
    expect((await call('/api/people/a/b', { method: 'DELETE' })).status).toBe(200);
    expect(executor.asked[1]?.input).toMatchObject({
      params: { '*': 'a/b' },
      method: 'DELETE',
      path: '/api/people/a/b',
    });
    expect((await call('/api/people')).status).toBe(404);
  });

  it('one that the server or another ensemble has is a problem', async () => {
    const fixed: Route = {
      method: 'POST',
      path: '/api/workflow/:name',
      requires: 'public',
      dialect: 'conductor',
      summary: '',
      handle: () => json({ fixed: true }),
    };
    const { call, problems } = await mount(
      [
        triggered('one', httpTrigger('/shared/:id')),
        triggered('two', httpTrigger('/shared/:other')),
        triggered('three', httpTrigger('/api/workflow/mine')),
        triggered('four', webhookTrigger('/stripe/v1/charges')),
        triggered('five', httpTrigger('relative')),
      ],
      { routes: [fixed], owned: (path) => path.startsWith('/stripe/') },
    );
    expect(problems.map(({ message }) => message)).toEqual([
      'GET /shared/:other is answered by ensemble "one" already',
      'POST /shared/:other is answered by ensemble "one" already',
      'POST /api/workflow/mine is answered by the server (POST /api/workflow/:name) already',
      'POST /stripe/v1/charges is answered by the vault already',
      'The path relative cannot be mounted',
    ]);
    expect(await (await call('/api/workflow/mine', { method: 'POST' })).json()).toEqual({ fixed: true });
    expect((await call('/api/workflow/mine')).status).toBe(200);
  });

  it("a project's own path takes that of a built-in ensemble without a word, and GET / that of the server", async () => {
    const builtIn = triggered('docs-serve', httpTrigger('/docs'), { origin: 'built-in' });
    const own = await mount([builtIn, triggered('mine', httpTrigger('/docs')), triggered('home', httpTrigger('/'))], {
      fallback: [infoRoute('1')],
    });
    expect(own.problems).toEqual([]);
    await own.call('/docs');
    await own.call('/');
    expect(own.executor.asked.map(({ what }) => what)).toEqual(['ensemble mine', 'ensemble home']);
    const plain = await mount([builtIn], { fallback: [infoRoute('1')] });
    expect(await (await plain.call('/')).json()).toMatchObject({
      name: 'Conductor API',
      version: '1',
      documentation: '/docs',
    });
  });

  it('HEAD runs the GET trigger and sends no body; OPTIONS without cors is 405', async () => {
    const { call, executor } = await mount([triggered('a', httpTrigger('/a'))]);
    const head = await call('/a', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(executor.asked).toHaveLength(1);
    const options = await call('/a', preflight('https://evil.example'));
    expect([options.status, options.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
  });
});

describe('S3: a trigger has its own CORS', () => {
  const one = triggered('a', httpTrigger('/a', { cors: CORS }));

  it('a listed origin is allowed, with credentials where the trigger says so', async () => {
    const { call } = await mount([one]);
    const flight = await call('/a', preflight('https://app.example'));
    expect(flight.status).toBe(204);
    expect(flight.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(flight.headers.get('access-control-allow-methods')).toBe('GET, POST');
    expect(flight.headers.get('access-control-allow-credentials')).toBe('true');
    expect(flight.headers.get('vary')).toContain('Origin');
    const reply = await call('/a', from('https://app.example'));
    expect(reply.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(reply.headers.get('access-control-expose-headers')).toBe('X-Total');
    expect(reply.headers.get('vary')).toBe('Origin');
  });

  test.each([
    'https://evil.example',
    'null',
    'https://app.example.evil.example',
    'http://app.example',
    'https://APP.example',
    '',
  ])('the origin %j is told nothing', async (origin) => {
    const { call } = await mount([one]);
    for (const reply of [await call('/a', preflight(origin)), await call('/a', from(origin))]) {
      expect([...reply.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
      expect(reply.headers.get('vary')).toContain('Origin');
    }
  });

  it('refusals and limits carry the headers too, so that a page can read them', async () => {
    const { call } = await mount([
      triggered(
        'b',
        httpTrigger('/b', { cors: CORS, auth: KEYED, rateLimit: { requests: 1, windowSeconds: 60, key: 'ip' } }),
      ),
    ]);
    for (const status of [401, 429]) {
      const reply = await call('/b', from('https://app.example'));
      expect([reply.status, reply.headers.get('access-control-allow-origin')]).toEqual([status, 'https://app.example']);
    }
  });

  it('never allows credentials to everybody, and says so when it is mounted', async () => {
    const { call, problems } = await mount([triggered('c', httpTrigger('/c', { cors: { ...CORS, origins: ['*'] } }))]);
    expect(problems).toMatchObject([{ severity: 'warning' }]);
    for (const reply of [
      await call('/c', preflight('https://evil.example')),
      await call('/c', from('https://evil.example')),
    ]) {
      expect(reply.headers.get('access-control-allow-origin')).toBe('*');
      expect(reply.headers.get('access-control-allow-credentials')).toBeNull();
    }
  });

  it('is per method: a trigger without cors shares its path with one that has some', async () => {
    const { call } = await mount([
      triggered('get', httpTrigger('/s/:a', { paths: [{ path: '/s/:a', methods: ['GET'] }], cors: CORS })),
      triggered('post', httpTrigger('/s/:b', { paths: [{ path: '/s/:b', methods: ['POST'] }] })),
    ]);
    expect(
      (await call('/s/1', preflight('https://app.example', 'GET'))).headers.get('access-control-allow-methods'),
    ).toBe('GET');
    expect(
      (await call('/s/1', preflight('https://app.example', 'POST'))).headers.get('access-control-allow-origin'),
    ).toBeNull();
    expect(
      (await call('/s/1', { method: 'POST', ...from('https://app.example') })).headers.get(
        'access-control-allow-origin',
      ),
    ).toBeNull();
  });
});

describe('S3: a trigger has its own rate limit', () => {
  const limit = { requests: 2, windowSeconds: 60, key: 'ip' } as const;

  it('by address, taken before the credential is looked at', async () => {
    const { call, executor } = await mount([triggered('a', httpTrigger('/a', { auth: KEYED, rateLimit: limit }))]);
    const at = (ip: string, key: string) => call('/a', { headers: { 'x-test-ip': ip, 'x-api-key': key } });
    expect((await at('203.0.113.1', 'guess-1')).status).toBe(401);
    const second = await at('203.0.113.1', 'alice');
    expect([second.status, second.headers.get('ratelimit-limit'), second.headers.get('ratelimit-remaining')]).toEqual([
      200,
      '2',
      '0',
    ]);
    const third = await at('203.0.113.1', 'alice');
    expect(third.status).toBe(429);
    expect([third.headers.get('retry-after'), third.headers.get('ratelimit-reset')]).toEqual(['30', '30']);
    expect(await third.json()).toMatchObject({
      success: false,
      error: 'RateLimited',
      code: 'rate_limited',
      retryable: true,
    });
    expect((await at('203.0.113.2', 'alice')).status).toBe(200);
    expect(executor.asked).toHaveLength(2);
  });

  it('counts one IPv6 network as one caller', async () => {
    const { call } = await mount([triggered('a', httpTrigger('/a', { rateLimit: limit }))]);
    const statuses: number[] = [];
    for (const tail of ['1', '2', 'ffff:1'])
      statuses.push((await call('/a', { headers: { 'x-test-ip': `2001:db8:1:2::${tail}` } })).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect((await call('/a', { headers: { 'x-test-ip': '2001:db8:1:3::1' } })).status).toBe(200);
  });

  it('by user, after the credential; a wrong one takes nothing', async () => {
    const { call, limiter } = await mount([
      triggered('a', httpTrigger('/a', { auth: KEYED, rateLimit: { ...limit, key: 'user' } })),
    ]);
    expect((await call('/a', as('wrong'))).status).toBe(401);
    expect(limiter.counts.size).toBe(0);
    const statuses: number[] = [];
    for (const key of ['alice', 'alice', 'alice', 'bob']) statuses.push((await call('/a', as(key))).status);
    expect(statuses).toEqual([200, 200, 429, 200]);
    expect([...limiter.counts.keys()]).toEqual(['trigger:a:0:user:key_alice', 'trigger:a:0:user:key_bob']);
  });
});

describe('the input of a trigger', () => {
  const post = (type: string, body: string | FormData) => ({
    method: 'POST',
    body,
    ...(type ? { headers: { 'content-type': type } } : {}),
  });

  async function inputOf(path: string, init?: RequestInit) {
    const { call, executor } = await mount(
      [triggered('a', httpTrigger('/a', { paths: [{ path: '/a', methods: ['GET', 'POST', 'DELETE'] }] }))],
      { publicUrl: 'https://api.example' },
    );
    await call(path, init);
    return executor.asked[0]?.input;
  }

  it('holds query and body at the root, and the structured keys, which win', async () => {
    const input = await inputOf(
      '/a?q=1&tag=x&tag=y&method=evil',
      post('application/json', '{"name":"n","path":"/evil","headers":{"x":1}}'),
    );
    expect(input).toMatchObject({
      q: '1',
      tag: ['x', 'y'],
      name: 'n',
      method: 'POST',
      path: '/a',
      query: { q: '1', method: 'evil' },
      body: { path: '/evil' },
      headers: { 'content-type': 'application/json' },
      cookies: {},
      params: {},
      _triggerType: 'http',
      url: 'https://api.example/a?q=1&tag=x&tag=y&method=evil',
    });
  });

  it('reads JSON, forms, multipart fields and text; a DELETE has a body too', async () => {
    expect(await inputOf('/a', post('application/x-www-form-urlencoded', 'a=1&b=%20'))).toMatchObject({
      a: '1',
      b: ' ',
      body: { a: '1' },
    });
    expect(await inputOf('/a', post('application/merge-patch+json', '[1]'))).toMatchObject({ body: [1] });
    expect(await inputOf('/a', post('text/plain', '{"admin":true}'))).toMatchObject({ body: '{"admin":true}' });
    expect(await inputOf('/a', post('text/plain', '{"admin":true}'))).not.toHaveProperty('admin');
    expect(await inputOf('/a', { ...post('application/json', '{"a":1}'), method: 'DELETE' })).toMatchObject({ a: 1 });
    const form = new FormData();
    form.set('title', 'T');
    form.set('file', new Blob(['xx']), 'f.bin');
    expect(await inputOf('/a', post('', form))).toMatchObject({ body: { title: 'T' } });
    expect(await inputOf('/a')).toMatchObject({ body: null });
  });

  test.each([
    ['application/json', '{"a":'],
    ['multipart/form-data; boundary=x', 'not a form'],
    ['multipart/form-data', 'no boundary'],
  ])('%s that is none is 400 and starts nothing', async (type, body) => {
    const { call, executor } = await mount([triggered('a', httpTrigger('/a'))]);
    const reply = await call('/a', post(type, body));
    expect(reply.status).toBe(400);
    expect(await reply.json()).toMatchObject({ success: false, error: 'ValidationError' });
    expect(executor.asked).toEqual([]);
  });

  it('shows where the caller is to the executor', async () => {
    const { call, executor } = await mount([triggered('a', webhookTrigger('/hook'))]);
    await call('/hook', { method: 'POST', headers: { 'x-test-country': 'FR' } });
    expect(executor.asked[0]?.call).toMatchObject({ trigger: 'webhook', visitor: { country: 'FR' } });
  });
});

describe('what a trigger runs', () => {
  it('async answers 202 at once', async () => {
    const { call, executor } = await mount([triggered('a', webhookTrigger('/a', { async: true }))]);
    executor.answer = () => ({ kind: 'running', executionId: EXECUTION_ID, suspended: null });
    const reply = await call('/a', { method: 'POST' });
    expect([reply.status, await reply.json()]).toEqual([
      202,
      { success: true, executionId: EXECUTION_ID, status: 'processing' },
    ]);
    expect(executor.asked[0]?.options).toEqual({ detached: true });
  });

  it('a timeout answers 504 and names the execution, which goes on', async () => {
    const { call, executor } = await mount([triggered('a', httpTrigger('/a', { timeoutMs: 50 }))]);
    executor.answer = () => ({ kind: 'running', executionId: EXECUTION_ID, suspended: null });
    const reply = await call('/a');
    expect(reply.status).toBe(504);
    expect(await reply.json()).toMatchObject({ success: false, error: 'ExecutionTimeout', executionId: EXECUTION_ID });
    expect(executor.asked[0]?.options).toEqual({ waitMs: 50 });
  });

  it('mode: resume continues an execution by its token, and cannot be mounted where nothing can', async () => {
    const resumed: unknown[] = [];
    const one = triggered('a', httpTrigger('/callback/:token', { mode: 'resume' }));
    const { call } = await mount([one], {
      resume: async (token, input) => {
        resumed.push([token, input.approved]);
        return completed({ ok: true });
      },
    });
    expect(
      await (
        await call('/callback/tok_1', {
          method: 'POST',
          body: '{"approved":true}',
          headers: { 'content-type': 'application/json' },
        })
      ).json(),
    ).toEqual({ ok: true });
    expect(resumed).toEqual([['tok_1', true]]);
    expect((await mount([one])).problems).toMatchObject([{ severity: 'error' }]);
  });

  it('a failed execution is a 500 that names it', async () => {
    const { call, executor } = await mount([triggered('a', httpTrigger('/a'))]);
    executor.answer = () => ({ kind: 'failed', executionId: EXECUTION_ID, message: 'no lines', agent: 'pdf' });
    const reply = await call('/a');
    expect([reply.status, await reply.json()]).toMatchObject([
      500,
      { error: 'ExecutionError', message: 'no lines', executionId: EXECUTION_ID },
    ]);
  });

  it('is cached for everybody only where everybody may see it', async () => {
    const cache = { ttlSeconds: 60, vary: ['Accept-Language'] };
    const { call, executor } = await mount([
      triggered('a', httpTrigger('/open', { cache })),
      triggered('b', httpTrigger('/closed', { cache, auth: KEYED })),
    ]);
    const open = await call('/open');
    expect([open.headers.get('cache-control'), open.headers.get('vary')]).toEqual([
      'public, max-age=60',
      'Accept-Language',
    ]);
    expect((await call('/closed', as('alice'))).headers.get('cache-control')).toBe('private, max-age=60');
    expect((await call('/closed')).headers.get('cache-control')).toBe('no-store');
    executor.answer = () => completed({}, { headers: { 'set-cookie': 'a=1' } });
    expect((await call('/open')).headers.get('cache-control')).toBe('no-store');
  });

  it('100 concurrent requests over one ensemble do not mix', async () => {
    const { call, executor } = await mount([triggered('a', httpTrigger('/a/:id', { auth: KEYED }))]);
    // All are under way before the first is answered, and they end in another order than they came.
    const waiting: (() => void)[] = [];
    executor.answer = async ({ call: { auth, requestId, visitor }, input }) => {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 100) for (const go of waiting.reverse()) go();
      });
      return completed({ input, user: auth.user?.id ?? null, requestId, country: visitor.country ?? null });
    };
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const key = i % 2 ? 'alice' : 'bob';
        const headers = {
          'x-api-key': key,
          'x-request-id': `r${i}`,
          'x-test-country': `C${i}`,
          'content-type': 'application/json',
        };
        return (await call(`/a/${i}?q=${i}`, { method: 'POST', headers, body: JSON.stringify({ n: i }) })).json();
      }),
    );
    for (const [i, answer] of answers.entries()) {
      expect(answer).toMatchObject({
        input: { n: i, q: `${i}`, params: { id: `${i}` }, body: { n: i } },
        user: i % 2 ? 'key_alice' : 'key_bob',
        requestId: `r${i}`,
        country: `C${i}`,
      });
    }
  });
});

describe('named middleware', () => {
  it('goes around the trigger in the order of the YAML, and an unknown name is a problem', async () => {
    const middleware = new MiddlewareRegistry();
    for (const name of ['outer', 'inner']) {
      middleware.register(name, async (_call, next) => {
        const reply = await next();
        return withHeaders(reply, { 'x-order': `${reply.headers?.['x-order'] ?? ''}${name} ` });
      });
    }
    middleware.register('broken', () => Promise.reject(new Error('boom')));
    const { call, problems } = await mount(
      [
        triggered('a', httpTrigger('/a', { middleware: ['outer', 'inner'] })),
        triggered('b', httpTrigger('/b', { middleware: ['timming'] })),
        triggered('c', httpTrigger('/c', { middleware: ['outer', 'broken'] })),
      ],
      { middleware },
    );
    expect((await call('/a')).headers.get('x-order')).toBe('inner outer');
    expect(problems).toMatchObject([{ message: 'There is no middleware "timming". Did you mean "timing"?' }]);
    const broken = await call('/c');
    expect([broken.status, broken.headers.get('x-order')]).toEqual([500, 'outer']);
    expect(await broken.text()).not.toContain('boom');
  });

  it('comes with logger, timing, secure-headers, pretty-json, etag and compress', async () => {
    const logged: object[] = [];
    const middleware = new MiddlewareRegistry({ error: () => undefined, info: (_, details) => logged.push(details) });
    const names = ['logger', 'timing', 'secure-headers', 'compress', 'etag', 'pretty-json'];
    const { call, executor } = await mount([triggered('a', httpTrigger('/a', { middleware: names }))], { middleware });
    executor.answer = () => completed({ long: 'x'.repeat(3000) });
    const reply = await call('/a?pretty', { headers: { 'accept-encoding': 'gzip' } });
    expect(reply.headers.get('server-timing')).toMatch(/^total;dur=/);
    expect(reply.headers.get('x-frame-options')).toBe('DENY');
    expect(reply.headers.get('content-encoding')).toBe('gzip');
    const text = await new Response(reply.body?.pipeThrough(new DecompressionStream('gzip'))).text();
    expect(text).toMatch(/^\{\n {2}"long"/);
    expect(logged).toMatchObject([{ method: 'GET', path: '/a', status: 200 }]);
    const tag = reply.headers.get('etag') ?? '';
    const again = await call('/a?pretty', { headers: { 'if-none-match': tag } });
    expect([again.status, await again.text(), again.headers.get('content-length')]).toEqual([304, '', null]);
  });
});
