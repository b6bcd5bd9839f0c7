import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isURLSafe, validateURL } from './address-rules.ts';
import { type LocalServer, PUBLIC, publicNetwork, serve } from './public-network.fixture.ts';
import { createWebSafeFetch } from './safe-fetch-web.ts';
import { ALLOWED, REFUSED } from './ssrf-corpus.fixture.ts';

/** Stands on 127.0.0.1, reached by nothing but an escape. */
let inside: LocalServer;
/** Stands for every public host. */
let outside: LocalServer;

/** `?hop=<url>` redirects there; anything else is answered with the host that was asked for. */
beforeAll(async () => {
  inside = await serve((_, response) => response.end('the secret'));
  outside = await serve((request, response) => {
    const [path, to] = (request.url ?? '').split('?hop=');
    response.setHeader('connection', 'close');
    if (to === undefined) response.end(`${request.headers.host}${path}`);
    else response.writeHead(302, { location: decodeURIComponent(to) }).end();
  });
});
afterAll(async () => {
  await inside.close();
  await outside.close();
});

/** The same URL at the port where the secret is, so that an escape would be seen. */
function atSecretPort(text: string): string {
  if (!URL.canParse(text)) return text;
  const url = new URL(text);
  if (url.protocol.startsWith('http')) url.port = String(inside.port);
  return url.href;
}

const via = (...urls: readonly string[]): string =>
  [...urls].reverse().reduce((then, url) => (then === '' ? url : `${url}?hop=${encodeURIComponent(then)}`), '');

describe('S22: the corpus of addresses', () => {
  it('is large, and without repetition', () => {
    expect(new Set([...REFUSED, ...ALLOWED]).size).toBe(REFUSED.length + ALLOWED.length);
    expect(REFUSED.length).toBeGreaterThanOrEqual(150);
    expect(ALLOWED.length).toBeGreaterThanOrEqual(50);
  });

  it('has zero escapes through validateURL and zero false refusals', () => {
    expect(REFUSED.filter((url) => isURLSafe(url) || isURLSafe(atSecretPort(url)))).toEqual([]);
    expect(ALLOWED.filter((url) => !isURLSafe(url))).toEqual([]);
    expect(() => validateURL(new URL('http://10.0.0.1'))).toThrow(/SSRF protection/);
  });

  it('has zero escapes through safeFetch, whatever a resolver says', async () => {
    const network = publicNetwork(inside.port, {});
    for (const url of REFUSED.flatMap((each) => [each, atSecretPort(each)])) {
      const outcome = await network.egress.safeFetch(url).catch((error: unknown) => error);
      expect(outcome, url).toMatchObject({
        name: 'AppError',
        code: expect.stringMatching(/egress_denied|invalid_request/),
      });
    }
    await network.egress.close();
    expect({ hits: inside.hits(), asked: network.asked, dialled: network.dialled }).toEqual({
      hits: 0,
      asked: [],
      dialled: [],
    });
  });

  it('has zero escapes as the target of a redirect', async () => {
    const network = publicNetwork(outside.port);
    for (const url of REFUSED.map(atSecretPort)) {
      // A relative target stays at the public host, which is no escape.
      if (!URL.canParse(url)) continue;
      const outcome = await network.egress
        .safeFetch(via('http://open.example.com/', url))
        .catch((error: unknown) => error);
      expect(outcome, url).toMatchObject({ name: 'AppError', code: 'egress_denied' });
    }
    await network.egress.close();
    expect(inside.hits()).toBe(0);
    expect(new Set(network.dialled)).toEqual(new Set([PUBLIC]));
  });

  it('has zero false refusals through safeFetch', async () => {
    const network = publicNetwork(outside.port);
    for (const url of ALLOWED) {
      const response = await network.egress.safeFetch(url);
      expect([response.status, response.url], url).toEqual([200, validateURL(url).href.replace(/#.*$/, '')]);
    }
    await network.egress.close();
    expect(network.dialled).toHaveLength(ALLOWED.length);
  });

  it('holds where names cannot be pinned, too', async () => {
    const sent: string[] = [];
    const fetch = createWebSafeFetch({
      fetch: async (url) => {
        sent.push(url);
        return new Response('ok');
      },
    });
    for (const url of REFUSED) {
      await expect(fetch(url), url).rejects.toMatchObject({ name: 'AppError' });
    }
    expect(sent).toEqual([]);
    for (const url of ALLOWED) await (await fetch(url)).text();
    expect(sent).toHaveLength(ALLOWED.length);
  });
});

describe('S20: names that lead inside', () => {
  it('are refused when a resolver gives a private address, alone or among public ones', async () => {
    const inner = [
      ['127.0.0.1'],
      [PUBLIC, '10.0.0.7'],
      ['::1'],
      ['::ffff:7f00:1'],
      ['fd00::1', PUBLIC],
      ['169.254.169.254'],
    ];
    for (const addresses of inner) {
      const network = publicNetwork(inside.port, { 'nip.example.com': async () => addresses });
      await expect(network.egress.safeFetch(`http://nip.example.com:${inside.port}/`)).rejects.toThrow(
        'SSRF protection: Blocked request to private/internal address: nip.example.com. Use { allowInternalRequests: true } to bypass (not recommended).',
      );
      expect(network.dialled).toEqual([]);
      await network.egress.close();
    }
    expect(inside.hits()).toBe(0);
  });

  it('are refused when they change between two requests, and the first goes where it was checked', async () => {
    const answers = [[PUBLIC], ['127.0.0.1']];
    const network = publicNetwork(outside.port, { 'rebind.example.com': async () => answers.shift() ?? ['127.0.0.1'] });
    expect(await (await network.egress.safeFetch('http://rebind.example.com/a')).text()).toBe('rebind.example.com/a');
    await expect(network.egress.safeFetch('http://rebind.example.com/b')).rejects.toMatchObject({
      code: 'egress_denied',
    });
    expect(network.dialled).toEqual([PUBLIC]);
    // One question per connection: what was checked is what was dialled.
    expect(network.asked).toHaveLength(2);
    await network.egress.close();
  });

  it('are refused in the middle of a chain', async () => {
    const network = publicNetwork(outside.port, { 'inner.example.com': async () => ['127.0.0.1'] });
    const chain = via('http://a.example.com/', 'http://inner.example.com/', 'http://b.example.com/');
    await expect(network.egress.safeFetch(chain)).rejects.toMatchObject({ code: 'egress_denied' });
    expect(network.asked).toEqual(['a.example.com', 'inner.example.com']);
    await network.egress.close();
  });
});

describe('S20: redirect chains', () => {
  it.each([
    ['to the metadata service', 'http://169.254.169.254/latest/meta-data/'],
    ['scheme-relative', '//127.0.0.1/x'],
    ['to userinfo', 'http://user:pass@example.org/'],
    ['to userinfo that hides the host', 'http://example.org@127.0.0.1/'],
    ['to another protocol', 'ftp://example.org/x'],
    ['to a file', 'file:///etc/passwd'],
    ['through a public host', via('http://b.example.com/', 'http://10.0.0.1/')],
    ['private and public again', via('http://192.168.0.1/', 'http://b.example.com/')],
  ])('%s are refused', async (_name, to) => {
    const network = publicNetwork(outside.port);
    await expect(network.egress.safeFetch(via('https://a.example.com/', to))).rejects.toMatchObject({
      code: 'egress_denied',
    });
    expect(new Set(network.dialled)).toEqual(new Set([PUBLIC]));
    await network.egress.close();
  });

  it('between public hosts are followed', async () => {
    const network = publicNetwork(outside.port);
    const response = await network.egress.safeFetch(via('http://a.example.com/', '//b.example.com/x', '/end'));
    expect([await response.text(), response.url, response.redirected]).toEqual([
      'b.example.com/end',
      'http://b.example.com/end',
      true,
    ]);
    await network.egress.close();
  });
});
