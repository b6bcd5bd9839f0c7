import type { IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createEgress } from '../../egress/create-egress.ts';
import { type Handler, serve } from '../../egress/public-network.fixture.ts';
import { fetchAgent } from '../fetch/fetch.ts';
import { httpRequest } from '../http-request/http-request.ts';
import { AgentError } from '../operation.ts';
import { openBench } from '../testing/operation-context.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function open(handler: Handler) {
  const server = await serve(handler);
  const bench = openBench({ egress: createEgress({ allowOrigins: () => [server.origin] }) });
  closers.push(server.close, bench.close);
  return { ...bench, server, url: `${server.origin}/path` };
}

const asJson: Handler = (request, response, body) => {
  response.writeHead(200, { 'content-type': 'application/json', 'x-seen': 'yes' });
  response.end(JSON.stringify({ ...seen(request), body }));
};

function seen({ headers, method, url }: IncomingMessage) {
  return { method, url, authorization: headers.authorization ?? null, type: headers['content-type'] ?? null };
}

/** Answers with these one after another, then with 200. */
function failing(...statuses: readonly number[]): Handler {
  const left = [...statuses];
  return (_request, response) => response.writeHead(left.shift() ?? 200).end('text');
}

describe('http', () => {
  it('gives status, headers and data', async () => {
    const { context, url } = await open(asJson);
    expect(await httpRequest.run(context({ url }))).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/json', 'x-seen': 'yes' },
      data: { method: 'GET', url: '/path', body: '' },
    });
  });

  it('sends an object as JSON with the headers of its config', async () => {
    const { context, url } = await open(asJson);
    const config = { url, method: 'post', headers: { Authorization: 'Bearer t' } };
    expect(await httpRequest.run(context({ body: { a: 1 } }, config))).toMatchObject({
      data: { method: 'POST', authorization: 'Bearer t', type: 'application/json', body: '{"a":1}' },
    });
  });

  it('lets input choose the address only where the config names none', async () => {
    const { context, url } = await open(asJson);
    const input = { url: 'http://elsewhere.example.com/', query: { q: 'x' }, headers: { authorization: 'caller' } };
    expect(await httpRequest.run(context(input, { url }))).toMatchObject({
      data: { url: '/path', authorization: null },
    });
    expect(await httpRequest.run(context({ url, query: { q: ['a&b', 2] } }))).toMatchObject({
      data: { url: '/path?q=a%26b&q=2' },
    });
  });

  it('throws for what is no success, worth a retry for 429 and 5xx only', async () => {
    for (const [status, retryable] of [
      [400, false],
      [404, false],
      [429, true],
      [503, true],
    ] as const) {
      const { context, url } = await open(failing(status));
      const failure = httpRequest.run(context({ url }));
      await expect(failure).rejects.toMatchObject({ name: 'AgentError', retryable });
      await expect(failure).rejects.toThrow(`HTTP ${status}`);
    }
  });

  it('tries again as often as it is told', async () => {
    const { context, server, url } = await open(failing(503));
    expect(await httpRequest.run(context({ url }, { retries: 1 }))).toMatchObject({ status: 200, data: 'text' });
    expect(server.hits()).toBe(2);
  });

  it('names the key that is wrong, and never its value', async () => {
    const { context } = await open(asJson);
    await expect(httpRequest.run(context({}, { timeout: 'secret' }))).rejects.toThrow(/^config\.timeout: (?!.*secret)/);
    await expect(httpRequest.run(context({}, { urls: 'secret' }))).rejects.toThrow(/Unrecognized key: "urls"/);
    const broken = { url: 'http://a.example.com', headers: { Authorization: 'Bearer secret\n' + 'x' } };
    await expect(httpRequest.run(context({}, broken))).rejects.toThrow(/^(?!.*secret)config\.headers/);
  });

  it('ends when its time is over, and when the execution is', async () => {
    const { context, url } = await open(() => undefined);
    await expect(httpRequest.run(context({ url }, { timeout: 50 }))).rejects.toThrow('within 50 ms');
    const stop = new AbortController();
    const running = httpRequest.run(context({ url }, {}, { signal: stop.signal }));
    stop.abort(new Error('stopped'));
    await expect(running).rejects.toThrow('stopped');
  });

  it('refuses a body that is larger than 10 MB', async () => {
    const { context, url } = await open((_request, response) => response.end('x'.repeat(10 * 1024 * 1024 + 1)));
    await expect(httpRequest.run(context({ url }))).rejects.toThrow(AgentError);
  });
});

describe('fetch', () => {
  it('gives an unwelcome status as an answer', async () => {
    const { context, url } = await open((_request, response) => response.writeHead(404, 'Not Found').end('gone'));
    expect(await fetchAgent.run(context({ url }))).toEqual({
      success: false,
      status: 404,
      statusText: 'Not Found',
      headers: expect.any(Object),
      body: 'gone',
      duration: expect.any(Number),
      attempt: 1,
    });
  });

  it('tries again on 429 and 5xx, and says which attempt it was', async () => {
    const { context, server, url } = await open(failing(500, 429));
    expect(await fetchAgent.run(context({ url }, { retryDelay: 0 }))).toMatchObject({ success: true, attempt: 3 });
    expect(server.hits()).toBe(3);
  });

  it('sends a POST once, unless it is told how often', async () => {
    const once = await open(failing(500, 500));
    expect(await fetchAgent.run(once.context({ url: once.url, body: 'b' }, { method: 'POST' }))).toMatchObject({
      success: false,
      status: 500,
      attempt: 1,
    });
    const often = await open(failing(500, 500));
    const config = { method: 'POST', retry: 2, retryDelay: 0 };
    expect(await fetchAgent.run(often.context({ url: often.url }, config))).toMatchObject({
      success: true,
      attempt: 3,
    });
  });

  it('throws when there is no answer', async () => {
    const { context, server, url } = await open((request) => request.socket.destroy());
    await expect(fetchAgent.run(context({ url }, { retry: 1, retryDelay: 0 }))).rejects.toThrow(AgentError);
    expect(server.hits()).toBe(2);
  });

  it('S20: answers of calls at the same time are not mixed up', async () => {
    const { context, server } = await open((request, response) => response.end(request.url));
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => fetchAgent.run(context({ url: `${server.origin}/${n}` }))),
    );
    answers.forEach((answer, n) => {
      expect(answer).toMatchObject({ body: `/${n}` });
    });
  });
});
