import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { EgressOptions } from './create-egress.ts';
import { safeFetch } from './default-egress.ts';
import type { Bypass } from './egress.ts';
import { type Handler, type LocalServer, type PublicNetwork, publicNetwork, serve } from './public-network.fixture.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function server(handler: Handler): Promise<LocalServer> {
  const made = await serve(handler);
  closers.push(made.close);
  return made;
}

/** A network in which every public name is answered by `handler`. */
async function network(handler: Handler, options: EgressOptions = {}): Promise<PublicNetwork> {
  const { port } = await server(handler);
  const made = publicNetwork(port, {}, options);
  closers.push(() => made.egress.close());
  return made;
}

const echo: Handler = (request, response, body) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }));
};

/** `/<status>/<path>` on a.example.com redirects to b.example.com, everything else echoes. */
const redirector: Handler = (request, response, body) => {
  const [, status, to] = /^\/(30\d)\?(.+)$/.exec(request.url ?? '') ?? [];
  if (status === undefined || to === undefined) echo(request, response, body);
  else response.writeHead(Number(status), { location: decodeURIComponent(to) }).end();
};

/** What the echo saw. */
async function jsonOf(response: Response) {
  return JSON.parse(await response.text());
}

const CREDENTIALS = { Authorization: 'Bearer s', Cookie: 'c=1', 'X-API-Key': 'k', 'Proxy-Authorization': 'p' };

describe('safeFetch is fetch', () => {
  it('takes strings, URLs and Requests, and keeps method, headers and body', async () => {
    const { egress } = await network(echo);
    const init = { method: 'post', headers: { 'x-mine': 'm' }, body: 'payload' };
    const url = 'http://a.example.com/x?y=1';
    for (const response of [
      await egress.safeFetch(url, init),
      await egress.safeFetch(new URL(url), init),
      await egress.safeFetch(new Request(url, init)),
      await egress.safeFetch(new Request(url, { ...init, body: 'other' }), { body: 'payload' }),
    ]) {
      expect(response).toBeInstanceOf(Response);
      expect([response.url, response.redirected, response.ok]).toEqual([url, false, true]);
      expect(await response.clone().json()).toMatchObject({
        method: 'POST',
        body: 'payload',
        headers: {
          'x-mine': 'm',
          'content-length': '7',
          'content-type': 'text/plain;charset=UTF-8',
          host: 'a.example.com',
        },
      });
      expect(response.clone().url).toBe(url);
    }
  });

  it('sends forms, bytes and streams', async () => {
    const { egress } = await network(echo);
    const send = async (body: RequestInit['body']) =>
      jsonOf(await egress.safeFetch('http://a.example.com/', { method: 'POST', body, duplex: 'half' }));
    expect(await send(new URLSearchParams({ a: '1' }))).toMatchObject({ body: 'a=1' });
    expect(await send(new TextEncoder().encode('bytes'))).toMatchObject({ body: 'bytes' });
    expect(await send(new Blob(['a', 'b']).stream())).toMatchObject({ body: 'ab' });
    const form = new FormData();
    form.set('name', 'value');
    expect(await send(form)).toMatchObject({ body: expect.stringContaining('name="name"') });
    const large = new Request('http://a.example.com/', { method: 'PUT', body: 'x'.repeat(3_000_000) });
    expect((await jsonOf(await egress.safeFetch(large))).body).toHaveLength(3_000_000);
  });

  it('unpacks what is packed, keeps every cookie, and knows answers without a body', async () => {
    const { egress } = await network((request, response) => {
      if (request.url === '/empty') response.writeHead(204).end();
      else response.writeHead(200, { 'content-encoding': 'gzip', 'set-cookie': ['a=1', 'b=2'] }).end(gzipSync('plain'));
    });
    const packed = await egress.safeFetch('http://a.example.com/');
    expect([await packed.text(), packed.headers.getSetCookie()]).toEqual(['plain', ['a=1', 'b=2']]);
    const empty = await egress.safeFetch('http://a.example.com/empty');
    expect([empty.status, empty.body]).toEqual([204, null]);
  });

  it('throws TypeError for what fetch does not take, and for a check that it would not make', async () => {
    const { egress, dialled } = await network(echo);
    for (const init of [
      { method: 'CONNECT' },
      { method: 'GET', body: 'x' },
      { headers: { 'bad name': 'x' } },
      { integrity: 'sha256-x' },
    ]) {
      await expect(egress.safeFetch('http://a.example.com/', init)).rejects.toThrow(TypeError);
    }
    expect(dialled).toEqual([]);
  });

  it('chooses the host itself, whatever the headers say', async () => {
    const { egress } = await network(echo);
    const headers = { Host: 'inside.example', 'Transfer-Encoding': 'chunked', 'Content-Length': '999' };
    const seen = await jsonOf(await egress.safeFetch('http://a.example.com/', { method: 'POST', headers, body: 'b' }));
    expect(seen.headers).toMatchObject({ host: 'a.example.com', 'content-length': '1' });
  });

  it('fails as a TypeError that names the host', async () => {
    const { egress } = await network((request) => request.socket.destroy());
    await expect(egress.safeFetch('http://a.example.com/')).rejects.toThrow(TypeError);
    await expect(egress.safeFetch('http://a.example.com/')).rejects.toThrow(/a\.example\.com was closed/);
    const lost = await network(echo, {
      resolve: () => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' })),
    });
    await expect(lost.egress.safeFetch('http://nobody.example.com/')).rejects.toThrow(/could not be resolved/);
  });

  it('says what is wrong with a URL', async () => {
    await expect(safeFetch('nonsense')).rejects.toMatchObject({
      code: 'invalid_request',
      message: 'Invalid URL: nonsense',
    });
    await expect(safeFetch('ftp://example.com')).rejects.toThrow('Unsupported protocol: ftp: Only HTTP(S) is allowed.');
    await expect(safeFetch('http://u:p@example.com')).rejects.toMatchObject({ code: 'egress_denied' });
    await expect(safeFetch('http://10.0.0.1/')).rejects.toThrow(
      'SSRF protection: Blocked request to private/internal address: 10.0.0.1. Use { allowInternalRequests: true } to bypass (not recommended).',
    );
  });
});

describe('redirects', () => {
  it.each([
    [303, 'PUT', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [301, 'POST', 'GET', ''],
    [301, 'PUT', 'PUT', 'payload'],
    [307, 'POST', 'POST', 'payload'],
    [308, 'POST', 'POST', 'payload'],
  ])('%i turns %s into %s', async (status, method, then, body) => {
    const { egress } = await network(redirector);
    const request = new Request(`http://a.example.com/${status}?/end`, { method, body: 'payload' });
    const response = await egress.safeFetch(request);
    const seen = await jsonOf(response);
    expect(seen).toMatchObject({ method: then, body, url: '/end' });
    expect('content-type' in seen.headers).toBe(body !== '');
    expect([response.redirected, response.url]).toEqual([true, 'http://a.example.com/end']);
  });

  it('drop credentials when they leave the origin, and never take them up again', async () => {
    const { egress } = await network(redirector);
    const get = async (url: string) =>
      (await jsonOf(await egress.safeFetch(url, { headers: { ...CREDENTIALS, 'x-mine': 'm' } }))).headers;
    const names = Object.keys(CREDENTIALS).map((name) => name.toLowerCase());
    const same = await get('https://a.example.com/302?/end');
    expect(names.filter((name) => !(name in same))).toEqual([]);
    const back = encodeURIComponent('https://a.example.com/end');
    for (const to of [
      'https://b.example.com/end',
      'http://a.example.com/end',
      'https://a.example.com:8443/end',
      `https://b.example.com/302?${back}`,
    ]) {
      const seen = await get(`https://a.example.com/302?${encodeURIComponent(to)}`);
      expect(
        names.filter((name) => name in seen),
        to,
      ).toEqual([]);
      expect(seen['x-mine']).toBe('m');
    }
  });

  it('are handed out by manual and refused by error', async () => {
    const { egress } = await network(redirector);
    const url = `http://a.example.com/302?${encodeURIComponent('http://169.254.169.254/')}`;
    const manual = await egress.safeFetch(url, { redirect: 'manual' });
    expect([manual.status, manual.headers.get('location'), manual.redirected]).toEqual([
      302,
      'http://169.254.169.254/',
      false,
    ]);
    expect((await egress.safeFetch(new Request(url, { redirect: 'manual' }))).status).toBe(302);
    await expect(egress.safeFetch(url, { redirect: 'error' })).rejects.toThrow(/not wanted/);
  });

  it('end after twenty', async () => {
    let hops = 0;
    const { egress } = await network((_, response) => {
      hops += 1;
      response.writeHead(302, { location: `/${hops}` }).end();
    });
    await expect(egress.safeFetch('http://a.example.com/')).rejects.toThrow(/more than 20 redirects/);
    expect(hops).toBe(21);
  });

  it('do not repeat a stream', async () => {
    const { egress } = await network(redirector);
    const body = new Blob(['once']).stream();
    const sent = egress.safeFetch('http://a.example.com/307?/end', { method: 'POST', body, duplex: 'half' });
    await expect(sent).rejects.toThrow(/second time/);
  });

  it('to no URL fail', async () => {
    const { egress } = await network((_, response) => response.writeHead(302, { location: 'http://[' }).end());
    await expect(egress.safeFetch('http://a.example.com/')).rejects.toThrow(/no URL/);
  });
});

describe('limits', () => {
  it.each(['declared', 'streamed', 'packed'])('a %s body ends in an error past its size', async (kind) => {
    const { egress } = await network((_, response) => {
      if (kind === 'packed') response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(2_000)));
      else if (kind === 'declared') response.end('x'.repeat(2_000));
      else {
        response.write('x'.repeat(1_000));
        response.end('x'.repeat(1_000));
      }
    });
    const get = (responseBytesMax: number) =>
      egress.fetchFor({ ssrf: true, responseBytesMax })('http://a.example.com/');
    const long = await get(1_500);
    expect(long.status).toBe(200);
    await expect(long.text()).rejects.toThrow('the response of a.example.com is larger than 1500 bytes');
    expect(await (await get(2_000)).text()).toHaveLength(2_000);
  });

  it('ten megabytes unless something else is said', async () => {
    const { egress } = await network((_, response) => response.end(Buffer.alloc(11 * 1024 * 1024)));
    await expect((await egress.safeFetch('http://a.example.com/')).arrayBuffer()).rejects.toThrow(
      /larger than 10485760/,
    );
    const init = { responseBytesMax: 12 * 1024 * 1024 };
    expect((await (await egress.safeFetch('http://a.example.com/', init)).arrayBuffer()).byteLength).toBe(11_534_336);
  });

  it('the time is for everything, also for a body that does not end', async () => {
    const { egress } = await network((request, response) => {
      if (request.url === '/body') response.write('begun');
    });
    const init = { timeoutMs: 50 };
    await expect(egress.safeFetch('http://a.example.com/', init)).rejects.toThrow(
      /no complete answer from a.example.com within 50 ms/,
    );
    const begun = await egress.safeFetch('http://a.example.com/body', { timeoutMs: 500 });
    await expect(begun.text()).rejects.toThrow(/within 500 ms/);
  });

  it("the caller's signal ends it, before, in and after the head", async () => {
    const { egress } = await network((request, response) => {
      if (request.url === '/body') response.write('begun');
      else controller.abort(new Error('enough'));
    });
    const controller = new AbortController();
    const url = 'http://a.example.com/';
    await expect(egress.safeFetch(url, { signal: controller.signal })).rejects.toThrow('enough');
    await expect(egress.safeFetch(new Request(url, { signal: controller.signal }))).rejects.toThrow('enough');
    const later = new AbortController();
    const begun = await egress.safeFetch(`${url}body`, { signal: later.signal });
    later.abort(new Error('enough'));
    await expect(begun.text()).rejects.toThrow('enough');
  });

  it('a body that is left takes its connection with it', async () => {
    let hungUp: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => {
      hungUp = resolve;
    });
    const { egress } = await network((_, response) => {
      response.once('close', hungUp);
      response.write('first');
    });
    const response = await egress.safeFetch('http://a.example.com/');
    await response.body?.cancel();
    await gone;
  });
});

describe('S22: allowInternalRequests', () => {
  it('reaches inside for that call only, and is told', async () => {
    const told: Bypass[] = [];
    const inner = await server(echo);
    const { egress } = await network(echo, { onBypass: (bypass) => told.push(bypass) });
    const url = `${inner.origin}/secret?q=1`;
    expect((await egress.safeFetch(url, { allowInternalRequests: true })).status).toBe(200);
    await expect(egress.safeFetch(url)).rejects.toMatchObject({ code: 'egress_denied' });
    await expect(egress.safeFetch(url, { allowInternalRequests: false })).rejects.toMatchObject({
      code: 'egress_denied',
    });
    expect(told).toEqual([{ origin: inner.origin, reason: 'allowInternalRequests' }]);
    expect(inner.hits()).toBe(1);
  });

  it('does not leave an open connection for guarded calls by the same name', async () => {
    const inner = await server(echo);
    const { egress } = await network(echo, { resolve: async () => ['127.0.0.1'] });
    const url = `http://inner.example.com:${inner.port}/`;
    await (await egress.safeFetch(url, { allowInternalRequests: true })).text();
    await expect(egress.safeFetch(url)).rejects.toMatchObject({ code: 'egress_denied' });
    expect(inner.hits()).toBe(1);
  });

  it('trusts redirects that stay on the origin, and no others', async () => {
    const other = await server(echo);
    const inner = await server(redirector);
    const { egress } = await network(redirector);
    const init = { allowInternalRequests: true };
    const to = (url: string) => `${inner.origin}/302?${encodeURIComponent(url)}`;
    expect((await egress.safeFetch(to('/end'), init)).status).toBe(200);
    await expect(egress.safeFetch(to(`${other.origin}/`), init)).rejects.toMatchObject({ code: 'egress_denied' });
    // What comes back from elsewhere was chosen elsewhere.
    const back = `http://b.example.com/302?${encodeURIComponent(`${inner.origin}/end`)}`;
    await expect(egress.safeFetch(to(back), init)).rejects.toMatchObject({ code: 'egress_denied' });
    expect(other.hits()).toBe(0);
  });

  it('lifts neither the protocol rule nor the rule on userinfo', async () => {
    const { egress } = await network(echo);
    const init = { allowInternalRequests: true };
    await expect(egress.safeFetch('file:///etc/passwd', init)).rejects.toMatchObject({ code: 'egress_denied' });
    await expect(egress.safeFetch('http://u:p@127.0.0.1/', init)).rejects.toMatchObject({ code: 'egress_denied' });
  });

  it('works without any server, as the page prints it', async () => {
    const inner = await server(echo);
    const internalServiceUrl = `${inner.origin}/x`;
    const response = await safeFetch(internalServiceUrl, {
      allowInternalRequests: true,
    });
    expect(await response.json()).toMatchObject({ url: '/x' });
    await expect(safeFetch(internalServiceUrl)).rejects.toThrow(/SSRF protection/);
  });
});

describe('S23: fetchFor', () => {
  it('lifts the rules for every hop of one agent, and tells of each hop', async () => {
    const told: Bypass[] = [];
    const other = await server(echo);
    const inner = await server(redirector);
    const { egress } = await network(echo);
    const open = egress.fetchFor({ ssrf: false, onBypass: (bypass) => told.push(bypass) });
    const guarded = egress.fetchFor({ ssrf: true, onBypass: (bypass) => told.push(bypass) });
    const url = `${inner.origin}/302?${encodeURIComponent(`${other.origin}/end`)}`;
    expect((await open(url)).url).toBe(`${other.origin}/end`);
    expect(told).toEqual([inner, other].map(({ origin }) => ({ origin, reason: 'ssrf: false' })));
    await expect(guarded(url)).rejects.toMatchObject({ code: 'egress_denied' });
    expect(told).toHaveLength(2);
  });

  it("reaches the operator's origins, and speaks to whom it is told to", async () => {
    const inner = await server(echo);
    const { egress } = await network(echo, { allowOrigins: () => [inner.origin] });
    expect((await egress.fetchFor({ ssrf: true })(inner.origin)).status).toBe(200);
    const fetch = egress.fetchFor({ ssrf: true, advice: 'operator' });
    await expect(fetch('http://10.0.0.1/')).rejects.toThrow(/let the operator allow/);
  });
});
