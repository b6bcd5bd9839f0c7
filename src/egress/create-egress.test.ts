import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { AppError } from '../model/error.ts';
import { checkedLookup, guardedConnector } from './connector.ts';
import { createEgress, type EgressOptions } from './create-egress.ts';
import type { Egress, OutboundRequest, OutboundResponse } from './egress.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function listen(server: Server | TcpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

async function serve(handler: Handler): Promise<{ origin: string; port: number }> {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => handler(request, response, body));
  });
  const port = await listen(server);
  return { origin: `http://127.0.0.1:${port}`, port };
}

function open(options: EgressOptions = {}): Egress {
  const egress = createEgress(options);
  closers.push(() => egress.close());
  return egress;
}

function get(egress: Egress, url: string, more: Partial<OutboundRequest> = {}): Promise<OutboundResponse> {
  return egress.request({
    url,
    method: 'GET',
    headers: {},
    body: null,
    connectTimeoutMs: 3_000,
    timeoutMs: 10_000,
    responseBytesMax: 1_000_000,
    signal: new AbortController().signal,
    ...more,
  });
}

function echo(request: IncomingMessage, response: ServerResponse, body: string): void {
  response.setHeader('x-twice', ['a', 'b']);
  response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }));
}

async function freePort(): Promise<number> {
  const server = createTcpServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('address rules at connect time', () => {
  it('refuses internal URLs before anything is resolved', async () => {
    const asked: string[] = [];
    const egress = open({
      resolve: async (host) => {
        asked.push(host);
        return ['127.0.0.1'];
      },
    });
    for (const url of ['http://127.0.0.1:1/', 'http://localhost/', 'http://[::ffff:7f00:1]/', 'file:///etc/passwd']) {
      await expect(get(egress, url)).rejects.toMatchObject({ code: 'egress_denied' });
    }
    expect(asked).toEqual([]);
  });

  it.each([[['127.0.0.1']], [['10.0.0.7', '93.184.216.34']], [['93.184.216.34', '::1']], [['::ffff:169.254.169.254']]])(
    'refuses a public name that leads to %j',
    async (addresses) => {
      let reached = 0;
      const { port } = await serve((_, response) => {
        reached += 1;
        response.end();
      });
      const egress = open({ resolve: async () => addresses });
      const refused = get(egress, `http://rebind.example.com:${port}/`);
      await expect(refused).rejects.toBeInstanceOf(AppError);
      await expect(refused).rejects.toMatchObject({ code: 'egress_denied' });
      await expect(refused).rejects.not.toThrow(/10\.0\.0\.7/);
      expect(reached).toBe(0);
    },
  );

  it('gives the socket the answer that it checked, however often the name changes', async () => {
    const answers = [['93.184.216.34', '2606:2800:21f:cb07::1'], ['127.0.0.1']];
    const lookup = checkedLookup(async () => answers.shift() ?? [], 'operator');
    const ask = (all: boolean) =>
      new Promise((resolve) =>
        lookup('rebind.example.com', { all }, (error, found) => resolve(error?.message ?? found)),
      );
    expect(await ask(true)).toEqual([
      { address: '93.184.216.34', family: 4 },
      { address: '2606:2800:21f:cb07::1', family: 6 },
    ]);
    expect(await ask(true)).toMatch(/SSRF protection/);
    expect(await ask(false)).toMatch(/no address/);
  });

  it.each(['127.0.0.1', '[::1]', '[::ffff:7f00:1]', '169.254.169.254'])(
    'refuses %s at the socket too',
    async (hostname) => {
      const connect = guardedConnector(async () => [], 1_000, 'operator');
      const error = await new Promise((resolve) =>
        connect({ hostname, protocol: 'http:', port: '1' }, (...[failed]) => resolve(failed)),
      );
      expect(error).toMatchObject({ code: 'egress_denied' });
    },
  );

  it('connects by the injected resolver alone', async () => {
    const { port } = await serve(echo);
    const origin = `http://app.example.com:${port}`;
    const egress = open({ resolve: async () => ['127.0.0.1'], allowOrigins: () => [origin] });
    const answer = await get(egress, `${origin}/x`);
    expect(JSON.parse(answer.body).headers.host).toBe(`app.example.com:${port}`);
  });

  it('reaches allowed origins and exactly those', async () => {
    const allowed = await serve(echo);
    const other = await serve(echo);
    const egress = open({ allowOrigins: () => [`${allowed.origin}/`] });
    await expect(get(egress, `${allowed.origin}/x`)).resolves.toMatchObject({ status: 200 });
    await expect(get(egress, `${other.origin}/x`)).rejects.toMatchObject({ code: 'egress_denied' });
    await expect(get(egress, `http://localhost:${allowed.port}/x`)).rejects.toMatchObject({ code: 'egress_denied' });
  });
});

describe('redirects', () => {
  it('are checked at every hop', async () => {
    const { origin } = await serve((request, response) => {
      response.writeHead(302, {
        location: request.url === '/meta' ? 'http://169.254.169.254/' : 'gopher://x.example/',
      });
      response.end('moved');
    });
    const egress = open({ allowOrigins: () => [origin] });
    await expect(get(egress, `${origin}/meta`)).rejects.toMatchObject({ code: 'egress_denied' });
    await expect(get(egress, `${origin}/scheme`)).rejects.toMatchObject({ code: 'egress_denied' });
  });

  it('keep credentials at home and take them nowhere else', async () => {
    const far = await serve(echo);
    const near = await serve((request, response, body) => {
      if (request.url === '/same') response.writeHead(307, { location: '/end' }).end();
      else if (request.url === '/far') response.writeHead(307, { location: `${far.origin}/end` }).end();
      else echo(request, response, body);
    });
    const egress = open({ allowOrigins: () => [near.origin, far.origin] });
    const headers = {
      Authorization: 'Bearer s',
      cookie: 'c=1',
      'X-API-Key': 'k',
      'Proxy-Authorization': 'p',
      'X-Mine': 'm',
    };
    const send = async (path: string) =>
      JSON.parse((await get(egress, near.origin + path, { method: 'POST', headers, body: 'payload' })).body);
    const same = await send('/same');
    expect(same).toMatchObject({ method: 'POST', body: 'payload' });
    expect(same.headers).toMatchObject({ authorization: 'Bearer s', cookie: 'c=1', 'x-api-key': 'k' });
    const crossed = await send('/far');
    expect(crossed).toMatchObject({ method: 'POST', body: 'payload', headers: { 'x-mine': 'm' } });
    for (const name of ['authorization', 'cookie', 'x-api-key', 'proxy-authorization']) {
      expect(crossed.headers).not.toHaveProperty(name);
    }
  });

  it.each([
    [303, 'PUT', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [301, 'PUT', 'PUT', 'payload'],
    [308, 'POST', 'POST', 'payload'],
  ])('%i turns %s into %s', async (status, method, then, body) => {
    const { origin } = await serve((request, response, text) => {
      if (request.url === '/') response.writeHead(status, { location: '/end' }).end();
      else echo(request, response, text);
    });
    const egress = open({ allowOrigins: () => [origin] });
    const answer = await get(egress, `${origin}/`, { method, body: 'payload', headers: { 'content-type': 'text/x' } });
    const seen = JSON.parse(answer.body);
    expect(seen).toMatchObject({ method: then, body });
    expect(seen.headers['content-type']).toBe(body === '' ? undefined : 'text/x');
  });

  it('stop after five', async () => {
    let hops = 0;
    const { origin } = await serve((_, response) => {
      hops += 1;
      response.writeHead(302, { location: `/${hops}` }).end();
    });
    await expect(get(open({ allowOrigins: () => [origin] }), origin)).rejects.toThrow(/more than 5 redirects/);
    expect(hops).toBe(6);
  });
});

describe('requests', () => {
  it('give lower-case header names with all of their values', async () => {
    const { origin } = await serve(echo);
    const answer = await get(open({ allowOrigins: () => [origin] }), `${origin}/a?b=c`);
    expect(answer).toMatchObject({ status: 200, statusText: 'OK', headers: { 'x-twice': ['a', 'b'] } });
  });

  it('leave the connection headers to the connection', async () => {
    const { origin, port } = await serve(echo);
    const headers = {
      Host: 'inside.example',
      'Content-Length': '3',
      'Transfer-Encoding': 'chunked',
      Connection: 'upgrade',
    };
    const answer = await get(open({ allowOrigins: () => [origin] }), origin, {
      method: 'POST',
      headers,
      body: 'longer',
    });
    const seen = JSON.parse(answer.body);
    expect(seen.body).toBe('longer');
    expect(seen.headers).toMatchObject({ host: `127.0.0.1:${port}`, 'content-length': '6' });
  });

  it.each(['declared', 'streamed'])('refuse a %s response over the limit', async (kind) => {
    const { origin } = await serve((_, response) => {
      if (kind === 'declared') response.end('x'.repeat(2_000));
      else {
        response.write('x'.repeat(600));
        response.end('x'.repeat(600));
      }
    });
    const egress = open({ allowOrigins: () => [origin] });
    await expect(get(egress, origin, { responseBytesMax: 1_000 })).rejects.toThrow(/larger than 1000 bytes/);
    await expect(get(egress, origin, { responseBytesMax: 2_000 })).resolves.toMatchObject({ status: 200 });
  });

  it('end at the total time limit, also in the middle of a body', async () => {
    const { origin } = await serve((request, response) => {
      if (request.url === '/slow-body') response.write('begun');
    });
    const egress = open({ allowOrigins: () => [origin] });
    for (const path of ['/silent', '/slow-body']) {
      await expect(get(egress, origin + path, { timeoutMs: 100 })).rejects.toThrow(
        /no complete answer .* within 100 ms/,
      );
    }
  });

  it('end at the wait for an answer', async () => {
    const { origin } = await serve(() => undefined);
    const egress = open({ allowOrigins: () => [origin] });
    await expect(get(egress, origin, { readTimeoutMs: 100 })).rejects.toThrow(/no answer .* within 100 ms/);
  });

  it('end when they are cancelled', async () => {
    const controller = new AbortController();
    const { origin } = await serve(() => controller.abort());
    const egress = open({ allowOrigins: () => [origin] });
    await expect(get(egress, origin, { signal: controller.signal })).rejects.toThrow(/cancelled/);
    await expect(get(egress, origin, { signal: controller.signal })).rejects.toThrow(/cancelled/);
  });

  it('say what went wrong', async () => {
    const closed = await freePort();
    const egress = open({
      allowOrigins: () => [`http://127.0.0.1:${closed}`],
      resolve: async () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })),
    });
    await expect(get(egress, `http://127.0.0.1:${closed}/`)).rejects.toThrow(/connection refused by 127/);
    await expect(get(egress, 'http://nobody.example.com/')).rejects.toThrow(/nobody.example.com could not be resolved/);
    await expect(get(egress, 'nonsense')).rejects.toMatchObject({ code: 'invalid_request' });
  });
});

describe('upstream', () => {
  const call = {
    method: 'POST',
    path: '/v1/x?y=%2F',
    headers: ['X-Case', 'Kept', 'x-two', '1', 'x-two', '2'],
    body: 'data',
    timeoutMs: 5_000,
  };

  it('sends as given and streams what comes back', async () => {
    let raw: readonly string[] = [];
    const { origin } = await serve((request, response, body) => {
      raw = request.rawHeaders;
      response.writeHead(402, { 'set-cookie': ['a', 'b'] }).end(`${request.url} ${body}`);
    });
    const upstream = open().upstream(origin);
    const answer = await upstream.send(call);
    expect(answer.status).toBe(402);
    expect(answer.headers['set-cookie']).toEqual(['a', 'b']);
    expect(new TextDecoder().decode(await answer.body.bytes())).toBe('/v1/x?y=%2F data');
    expect(raw.join(' ')).toContain('X-Case Kept x-two 1 x-two 2');
  });

  it('follows no redirect and keeps its connections', async () => {
    const ports = new Set<number | undefined>();
    const { origin } = await serve((request, response) => {
      ports.add(request.socket.remotePort);
      response.writeHead(302, { location: '/elsewhere' }).end('moved');
    });
    const upstream = open().upstream(origin);
    for (let i = 0; i < 20; i += 1) {
      const answer = await upstream.send(call);
      expect(answer.status).toBe(302);
      await answer.body.bytes();
    }
    // A connection is free a moment after its body ended, so a second one may be made.
    expect(ports.size).toBeLessThanOrEqual(2);
  });

  it('knows that nothing left when there was no connection', async () => {
    const refused = open().upstream(`http://127.0.0.1:${await freePort()}`);
    await expect(refused.send(call)).rejects.toMatchObject({ name: 'UpstreamError', sent: false });
    const unresolved = open({ resolve: () => Promise.reject(new Error('no such name')) }).upstream(
      'https://v.example.com',
    );
    await expect(unresolved.send(call)).rejects.toMatchObject({ sent: false });
    const plain = await serve(echo);
    const untrusted = open().upstream(plain.origin.replace('http:', 'https:'));
    await expect(untrusted.send(call)).rejects.toMatchObject({ sent: false });
    const forbidden = open().upstream(plain.origin);
    await expect(forbidden.send({ ...call, headers: ['x', 'a\r\nb'] })).rejects.toMatchObject({ sent: false });
  });

  it('assumes the worst once a request may have left', async () => {
    const cut = await serve((request) => request.socket.destroy());
    await expect(open().upstream(cut.origin).send(call)).rejects.toMatchObject({ sent: true });
    const silent = await serve(() => undefined);
    await expect(
      open()
        .upstream(silent.origin)
        .send({ ...call, timeoutMs: 100 }),
    ).rejects.toMatchObject({ sent: true });
    const garbage = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('nonsense\r\n\r\n'));
    });
    const port = await listen(garbage);
    await expect(open().upstream(`http://127.0.0.1:${port}`).send(call)).rejects.toMatchObject({ sent: true });
  });

  it('sends each request once when kept connections are cut', async () => {
    let seen = 0;
    const { origin } = await serve((request, response) => {
      seen += 1;
      if (seen === 2) request.socket.destroy();
      else response.end('ok');
    });
    const upstream = open().upstream(origin);
    await (await upstream.send(call)).body.bytes();
    await expect(upstream.send({ ...call, method: 'GET', body: null })).rejects.toMatchObject({ sent: true });
    expect(seen).toBe(2);
  });

  it('gives an answer that has no end at its head, and hangs up when it is left', async () => {
    let hungUp: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => {
      hungUp = resolve;
    });
    const { origin } = await serve((_request, response) => {
      response.once('close', hungUp);
      response.writeHead(200).write('first');
    });
    const answer = await open().upstream(origin).send(call);
    for await (const chunk of answer.body) {
      expect(new TextDecoder().decode(chunk)).toBe('first');
      break;
    }
    await gone;
  });

  it('gives a large answer whole to a reader that comes late', async () => {
    const { origin } = await serve((_request, response) => response.end(Buffer.alloc(3_000_000, 'x')));
    const upstream = open().upstream(origin);
    const answer = await upstream.send(call);
    await (await upstream.send(call)).body.bytes();
    expect(new TextDecoder().decode(await answer.body.bytes())).toBe('x'.repeat(3_000_000));
  });

  it('never lets an answer that broke off look whole', async () => {
    const short = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 10 }).write('half', () => response.destroy());
    });
    await expect(open().upstream(short.origin).send(call)).rejects.toMatchObject({ sent: true });
    const chunked = await serve((_request, response) => {
      response.writeHead(200).write('half', () => response.destroy());
    });
    const answer = await open().upstream(chunked.origin).send(call);
    await expect(answer.body.bytes()).rejects.toThrow();
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['identity', (text: string) => Buffer.from(text)],
  ])('gives an answer that came packed with %s as it was said, short or streamed', async (encoding, pack) => {
    const { origin } = await serve((_request, response, body) => {
      response.writeHead(200, {
        'content-encoding': encoding,
        ...(body === 'long' ? {} : { 'content-length': pack('said').length }),
      });
      response.end(pack(body === 'long' ? 'x'.repeat(3_000_000) : 'said'));
    });
    const upstream = open().upstream(origin);
    const short = await upstream.send(call);
    expect(new TextDecoder().decode(await short.body.bytes())).toBe('said');
    if (encoding !== 'identity') expect(Object.keys(short.headers)).not.toContain('content-encoding');
    const long = await upstream.send({ ...call, body: 'long' });
    expect(new TextDecoder().decode(await long.body.bytes())).toBe('x'.repeat(3_000_000));
  });

  it('takes an answer that it cannot unpack for none', async () => {
    const unknown = await serve((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'zip' }).end('?'),
    );
    await expect(open().upstream(unknown.origin).send(call)).rejects.toMatchObject({ sent: true });
    const broken = await serve((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('?'),
    );
    const answer = await open().upstream(broken.origin).send(call);
    await expect(Promise.resolve(answer.body.bytes())).rejects.toThrow();
  });

  it('is refused at construction when its origin is no HTTP URL', () => {
    expect(() => open().upstream('vendor.example.com')).toThrow(AppError);
  });
});
