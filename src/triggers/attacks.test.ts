// Attacks through a trigger: each fails when its defence is taken out.
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { completed, httpTrigger, triggered } from '../http/project.fixture.ts';
import type { JsonObject, JsonValue } from '../model/json.ts';
import { mount } from './mount.fixture.ts';

const one = triggered('a', httpTrigger('/a'));

async function sent(output: JsonValue, response: JsonObject) {
  const { call, executor } = await mount([one]);
  executor.answer = () => completed(output, response);
  const reply = await call('/a');
  return { status: reply.status, headers: reply.headers, text: await reply.text() };
}

describe('headers of an output', () => {
  test.each(['a\r\nset-cookie: admin=1', 'a\nb', 'a\rb', 'a\0b', 'x'.repeat(9000), '\u{1f600}'])(
    'a value like %j is refused, not sent',
    async (value) => {
      const { headers, status, text } = await sent({}, { headers: { 'x-name': value } });
      expect(status).toBe(500);
      expect(JSON.parse(text)).toMatchObject({ error: 'ExecutionError', reason: 'INVALID_HEADER' });
      expect(headers.get('x-name')).toBeNull();
      expect(headers.get('set-cookie')).toBeNull();
    },
  );

  test.each(['a b', 'a:b', 'a\r\nb', ''])('a name like %j is refused', async (name) => {
    expect((await sent({}, { headers: { [name]: 'x' } })).status).toBe(500);
  });

  it('framing, cross-origin rules and nosniff are not the output’s to set', async () => {
    const given = {
      'Content-Length': '1',
      'Transfer-Encoding': 'chunked',
      Connection: 'close',
      'Access-Control-Allow-Origin': '*',
      'X-Content-Type-Options': 'off',
      'X-Mine': 'yes',
      'X-Request-Id': 'fake',
    };
    const { headers, text } = await sent({ a: 1 }, { headers: given });
    expect(text).toBe('{"a":1}');
    expect([
      headers.get('x-mine'),
      headers.get('x-content-type-options'),
      headers.get('access-control-allow-origin'),
      headers.get('transfer-encoding'),
    ]).toEqual(['yes', 'nosniff', null, null]);
    expect(headers.get('x-request-id')).not.toBe('fake');
  });

  it('no text gets more than its own line into a reply', async () => {
    const { call, executor } = await mount([one]);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 20 }), async (value) => {
        executor.answer = () => completed({}, { headers: { 'x-v': value }, redirect: { url: value, status: 302 } });
        const reply = await call('/a');
        expect([302, 500]).toContain(reply.status);
        const location = reply.headers.get('location');
        if (location === null) return;
        expect(location).toMatch(/^[\x21-\x7e]+$/);
        expect(['http:', 'https:']).toContain(new URL(location, 'http://here.example/').protocol);
      }),
      { numRuns: 200 },
    );
  });
});

describe('redirects of an output', () => {
  test.each([
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\tscript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    'https:evil.example',
    'http:/\\evil.example',
    'https://\\evil.example',
    '/a\r\nset-cookie: a=1',
    '',
    '/\t/evil.example',
  ])('to %j are refused', async (url) => {
    const { headers, status, text } = await sent({}, { redirect: { url, status: 302 } });
    expect([status, headers.get('location')]).toEqual([500, null]);
    expect(JSON.parse(text).reason).toBe('INVALID_REDIRECT');
  });

  test.each([['https://example.com/a?b=c#d'], ['/next?x=1'], ['next'], ['?page=2'], ['/ä b']])(
    'to %j pass',
    async (url) => {
      const { headers, status } = await sent({}, { redirect: { url, status: 308 } });
      expect(status).toBe(308);
      expect(decodeURIComponent(headers.get('location') ?? '')).toBe(url);
    },
  );

  it('an odd status is 302', async () => {
    for (const status of [200, 304, 'x', null])
      expect((await sent({}, { redirect: { url: '/x', status } })).status).toBe(302);
  });
});

describe('bodies of an output', () => {
  it('a raw string is plain text, never a page', async () => {
    const { headers, text } = await sent('<script>alert(1)</script>', { raw: true });
    expect([headers.get('content-type'), headers.get('x-content-type-options'), text]).toEqual([
      'text/plain; charset=utf-8',
      'nosniff',
      '<script>alert(1)</script>',
    ]);
  });

  it('a page says its type, and gets a policy without foreign or inline scripts', async () => {
    const page = { html: '<h1>Docs</h1>', contentType: 'text/html; charset=utf-8', status: 203 };
    const { headers, status, text } = await sent(page, { raw: true });
    expect([status, text, headers.get('content-type')]).toEqual([203, '<h1>Docs</h1>', 'text/html; charset=utf-8']);
    expect(headers.get('content-security-policy')).toMatch(/script-src 'self';.*frame-ancestors 'none'/);
    expect((await sent({ ...page, contentType: 'text/html\r\nx: y' }, { raw: true })).status).toBe(500);
  });

  it('other raw values are JSON', async () => {
    for (const value of [{ html: 5, contentType: 'text/html' }, [1], 7, null]) {
      const { headers, text } = await sent(value, { raw: true });
      expect([headers.get('content-type'), JSON.parse(text)]).toEqual(['application/json', value]);
    }
  });
});

describe('requests', () => {
  const secret = triggered('secret', httpTrigger('/files/secret', { auth: { type: 'apiKey' } }));
  const open = triggered('open', httpTrigger('/files/:name'));

  test.each([
    '/files/%73ecret',
    '/files/secre%74',
    '/%66iles/secret',
    '/files/./secret',
    '/files/x/../secret',
    '/files/%2e/secret',
    '/x/%2e%2e/files/secret',
    '\\files\\secret',
  ])('%s is the guarded path, not the open one', async (path) => {
    const { call, executor } = await mount([secret, open]);
    expect((await call(new URL(path, 'http://h').href)).status).toBe(401);
    expect(executor.asked).toEqual([]);
  });

  test.each([
    ['/files//secret', 404],
    ['/files/secret/', 404],
    ['/files%2Fsecret', 404],
    ['//files/secret', 404],
    ['/files/..%2fsecret', 200],
    ['/files/SECRET', 200],
  ])('%s is another path', async (path, status) => {
    const { call, executor } = await mount([secret, open]);
    expect((await call(`http://h${path}`)).status).toBe(status);
    expect(executor.asked.map(({ what }) => what)).toEqual(status === 200 ? ['ensemble open'] : []);
  });

  it('a body over the limit is 413 and starts nothing', async () => {
    const { call, executor } = await mount([one]);
    for (const type of [
      'application/json',
      'text/plain',
      'multipart/form-data; boundary=x',
      'application/x-www-form-urlencoded',
    ]) {
      const reply = await call('/a', {
        method: 'POST',
        body: `"${'x'.repeat(3000)}"`,
        headers: { 'content-type': type },
      });
      expect(reply.status).toBe(413);
      expect(await reply.json()).toMatchObject({ error: 'PayloadTooLarge' });
    }
    expect(executor.asked).toEqual([]);
  });

  it('a body that nests too deeply is 400', async () => {
    const { call } = await mount([one]);
    const body = '['.repeat(900) + ']'.repeat(900);
    expect((await call('/a', { method: 'POST', body, headers: { 'content-type': 'application/json' } })).status).toBe(
      400,
    );
  });

  it('prototype keys stay data, and do not reach the root', async () => {
    const { call, executor } = await mount([one]);
    const body =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":{"__proto__":{"polluted":1}}}';
    await call('/a?__proto__=1&__proto__[polluted]=1&toString=x', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', cookie: '__proto__=1; a=b' },
    });
    await call('/a', {
      method: 'POST',
      body: '__proto__=1&a=2',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(executor.asked).toHaveLength(2);
    for (const { input } of executor.asked) {
      expect(Object.getPrototypeOf(input)).toBe(Object.prototype);
      expect(Object.hasOwn(Object(input), '__proto__')).toBe(false);
      expect(Reflect.get(Object(input), 'polluted')).toBeUndefined();
    }
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it('no credential is in the input, wherever it was sent', async () => {
    const { call, executor } = await mount([one]);
    const headers = {
      authorization: 'Bearer s3cret',
      'x-api-key': 's3cret',
      'x-authorization': 's3cret',
      'proxy-authorization': 's3cret',
      cookie: 'session_token=s3cret; api_key=s3cret; theme=dark',
      'stripe-signature': 's3cret',
      'x-hub-signature-256': 's3cret',
    };
    await call('/a', { headers });
    const [asked] = executor.asked;
    expect(JSON.stringify(asked)).not.toContain('s3cret');
    expect(asked?.input).toMatchObject({ cookies: { theme: 'dark' } });
  });

  it('whatever is sent, the server answers and never with its own failure', async () => {
    const { call } = await mount([one]);
    const types = [
      'application/json',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=b',
      'text/plain',
      ';;;',
      'application/json; charset=utf-16',
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(...types),
        fc.webQueryParameters(),
        async (body, type, query) => {
          const reply = await call(`/a?${query}`, {
            method: 'POST',
            body: new Uint8Array(body),
            headers: { 'content-type': type },
          });
          expect([200, 400]).toContain(reply.status);
        },
      ),
      { numRuns: 300 },
    );
  });
});
