import { afterEach, describe, expect, it } from 'vitest';
import { type Handler, PUBLIC, publicNetwork, serve } from '../../egress/public-network.fixture.ts';
import type { JsonObject } from '../../model/json.ts';
import { fetchAgent } from '../fetch/fetch.ts';
import { httpRequest } from '../http-request/http-request.ts';
import { AgentError, type Operation } from '../operation.ts';
import { redirect } from '../redirect/redirect.ts';
import { scrape } from '../scrape/scrape.ts';
import { agentOf, type Bench, openBench } from '../testing/operation-context.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const REACHING_OUT: readonly (readonly [string, Operation])[] = [
  ['http', httpRequest],
  ['fetch', fetchAgent],
  ['scrape', scrape],
];

/** A public host that answers as told, beside `inside.example.com`, whose name leads to a private address. */
async function network(handler: Handler = (_request, response) => response.end('secret')) {
  const server = await serve(handler);
  closers.push(server.close);
  const { dialled, egress } = publicNetwork(server.port, { 'inside.example.com': async () => ['10.0.0.7'] });
  const bench = openBench({ egress });
  closers.push(bench.close);
  return { bench, server, dialled };
}

async function failureOf(operation: Operation, bench: Bench, input: JsonObject): Promise<unknown> {
  try {
    await operation.run(bench.context(input));
  } catch (error) {
    return error;
  }
  return 'no failure';
}

describe.each(REACHING_OUT)('S20: %s behind the address rules', (_name, operation) => {
  it.each([
    'http://127.0.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[::ffff:127.0.0.1]/',
    'http://2130706433/',
    'http://localhost./',
    'http://inside.example.com/',
  ])('fails the step for %s, without a retry and without a connection', async (url) => {
    const { bench, dialled, server } = await network();
    const failure = await failureOf(operation, bench, { url });
    expect(failure).toBeInstanceOf(AgentError);
    expect(failure).toMatchObject({ retryable: false, message: expect.stringContaining('SSRF protection: Blocked') });
    expect(dialled).toEqual([]);
    expect(server.hits()).toBe(0);
  });

  it('fails the step when a redirect leads inside', async () => {
    const { bench, dialled, server } = await network((_request, response) => {
      response.writeHead(302, { location: 'http://169.254.169.254/latest/' }).end();
    });
    const failure = await failureOf(operation, bench, { url: 'http://shop.example.com/' });
    expect(failure).toMatchObject({ retryable: false, message: expect.stringContaining('SSRF protection: Blocked') });
    expect(dialled).toEqual([PUBLIC]);
    expect(server.hits()).toBe(1);
  });

  it('refuses other protocols and credentials in the URL', async () => {
    const { bench, server } = await network();
    for (const url of ['file:///etc/passwd', 'ftp://a.example.com/', 'http://user:pass@a.example.com/']) {
      expect(await failureOf(operation, bench, { url })).toMatchObject({ name: 'AgentError', retryable: false });
    }
    expect(server.hits()).toBe(0);
  });

  it('reaches a public host', async () => {
    const { bench, dialled } = await network((_request, response) => response.end('hello'));
    expect(await operation.run(bench.context({ url: 'http://shop.example.com/' }))).toMatchObject({ status: 200 });
    expect(dialled).toEqual([PUBLIC]);
  });
});

describe('S20: redirect', () => {
  it('makes no short link to a private address, unless its agent may', async () => {
    const { bench } = await network();
    for (const url of ['http://10.0.0.1/admin', 'http://localhost/', 'http://[fd00::1]/', 'http://0x7f000001/']) {
      const refused = await redirect.run(bench.context({ action: 'create', url }));
      expect(refused).toEqual({ success: false, error: 'invalid_url' });
    }
    const trusted = bench.context(
      { action: 'create', url: 'http://10.0.0.1/wiki' },
      {},
      { agent: agentOf({ ssrf: false }) },
    );
    expect(await redirect.run(trusted)).toMatchObject({ success: true, url: 'http://10.0.0.1/wiki' });
  });
});
