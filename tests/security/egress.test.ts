// The seed page's SSRF protection over a running server: every way out of it, tried with addresses that nobody outside
// may reach. What counts is not the answer but that no connection arrived.
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSite, type Site } from './project.fixture.ts';

interface Listener {
  readonly origin: string;
  readonly port: number;
  hits: number;
}

/** Sends on to `?to=…`, and to `?hops=n` times itself before that. */
async function listen(): Promise<Listener & { close(): void }> {
  const server = createServer((request, response) => {
    listener.hits += 1;
    const url = new URL(request.url ?? '/', listener.origin);
    const hops = Number(url.searchParams.get('hops') ?? '0');
    const to = url.searchParams.get('to');
    if (hops > 0) url.searchParams.set('hops', String(hops - 1));
    const location = hops > 0 ? url.href : to;
    response.writeHead(location ? 302 : 200, {
      'content-type': 'application/json',
      ...(location && { location }),
    });
    response.end('{"from":"inside"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  const listener = { origin: `http://127.0.0.1:${port}`, port, hits: 0, close };
  return listener;
}

const agent = (name: string, code: string, more = '') => ({
  [`agents/${name}/agent.yaml`]: `name: ${name}\noperation: code\nhandler: ./index.ts\n${more}`,
  [`agents/${name}/index.ts`]: code,
});

const FILES = {
  // As the page prints it.
  ...agent(
    'own-handler',
    `// Your custom agent - SSRF protection is automatic
export default async function(context: AgentExecutionContext) {
const { fetch, input } = context
// This fetch is SSRF-protected - blocks private IPs automatically
const response = await fetch(input.userProvidedUrl)
return { data: await response.json() }
}
`,
  ),
  ...agent(
    'package-root',
    `// This happens automatically in agents that accept user URLs
import { safeFetch, validateURL } from '@ensemble-edge/conductor'

export default async ({ input }) => {
  const { url } = input
  if (input.only === 'validate') return { valid: String(validateURL(url)) }
  const response = await safeFetch(url) // Throws if URL is unsafe
  return { status: response.status }
}
`,
  ),
  ...agent(
    'internal-door',
    `import { safeFetch } from '@ensemble-edge/conductor'

// WARNING: Only use this for trusted, hardcoded URLs
// Never use allowInternalRequests with user-provided URLs
export default async ({ input, fetch }) => {
  const internalServiceUrl = input.url
  const door = input.door === 'context' ? fetch : safeFetch
  const response = await door(internalServiceUrl, {
    allowInternalRequests: true,
  })
  return await response.json()
}
`,
  ),
  ...agent(
    'internal-service-proxy',
    'export default async ({ fetch, input }) => (await fetch(input.url)).json()\n',
    'security:\n  ssrf: false # ⚠️ Disables SSRF protection for this agent only\n',
  ),
  'ensembles/inline.yaml': `name: inline
agents:
  - name: guarded
    operation: http
    config:
      url: \${input.url}
  - name: open
    operation: http
    config:
      url: \${input.url}
    security:
      ssrf: false
flow:
  - agent: guarded
    when: \${!input.open}
    input: \${input}
  - agent: open
    when: \${input.open}
    input: \${input}
`,
  'ensembles/step-url.yaml': `name: step-url
flow:
  - agent: fetch
    config:
      url: \${input.url}
      retry: 0
`,
  'ensembles/approve.yaml': `name: approve
flow:
  - agent: hitl
    config:
      approvers: [ada]
      notificationChannel: webhook
      notificationConfig:
        webhookUrl: \${input.url}
`,
};

let inside: Awaited<ReturnType<typeof listen>>;
let outside: Awaited<ReturnType<typeof listen>>;
let site: Site;
let key: string;

beforeAll(async () => {
  inside = await listen();
  outside = await listen();
  const config = `export default { egress: { allowOrigins: ['${outside.origin}'] } }\n`;
  site = await openSite({ ...FILES, 'conductor.config.ts': config });
  key = await site.key('*');
});

afterAll(() => {
  inside.close();
  outside.close();
});

async function execute(path: string, input: object): Promise<{ status: number; text: string }> {
  const answer = await site.post(`/api/v1/execute/${path}`, { input }, { 'x-api-key': key });
  return { status: answer.status, text: await answer.text() };
}

/** Runs a workflow definition with one HTTP task to its end. */
async function httpTask(url: string): Promise<{ status: number; text: string }> {
  const input = { url };
  const inputParameters = { http_request: { uri: '${workflow.input.url}', method: 'GET' } };
  const tasks = [{ name: 'out', taskReferenceName: 'out', type: 'HTTP', retryCount: 0, inputParameters }];
  const workflowDef = { name: 'out', version: 1, tasks, schemaVersion: 2 };
  const started = await site.post('/api/workflow', { name: 'out', workflowDef, input }, { 'x-api-key': key });
  const id = await started.text();
  let text = '';
  await expect
    .poll(
      async () => {
        text = await (await site.get(`/api/workflow/${id}`, { 'x-api-key': key })).text();
        return /^\{[^[]*"status":"(COMPLETED|FAILED)"/.test(text) || text;
      },
      { timeout: 5_000, interval: 10 },
    )
    .toBe(true);
  const { status } = JSON.parse(text);
  return { status: status === 'COMPLETED' ? 200 : 500, text };
}

/** Every way out, by what a caller sends. */
const WAYS: Readonly<Record<string, (url: string) => Promise<{ status: number; text: string }>>> = {
  'context.fetch of a handler': (url) => execute('agent/own-handler', { userProvidedUrl: url }),
  'safeFetch of the package': (url) => execute('agent/package-root', { url }),
  'the fetch agent': (url) => execute('agent/fetch', { url }),
  'the scrape agent': (url) => execute('agent/scrape', { url }),
  'the http agent': (url) => execute('agent/http', { url }),
  'an inline http agent': (url) => execute('ensemble/inline', { url }),
  'a config that input decides': (url) => execute('ensemble/step-url', { url }),
  'an HTTP task of a workflow': httpTask,
};
const WAY_NAMES = Object.keys(WAYS);
const go = (way: string, url: string) => WAYS[way]?.(url) ?? Promise.reject(new Error(way));

describe('every way out', () => {
  test.each(WAY_NAMES)('S20, S22: %s reaches nothing private, however it is spelled', async (way) => {
    const before = inside.hits;
    for (const host of [
      '127.0.0.1',
      'localhost',
      'LOCALHOST.',
      '127.1',
      '2130706433',
      '[::1]',
      '[::ffff:7f00:1]',
      '0.0.0.0',
    ]) {
      const { status, text } = await go(way, `http://${host}:${inside.port}/`);
      expect([host, status]).toEqual([host, 500]);
      expect(text).not.toContain('"from"');
    }
    for (const url of [
      'http://169.254.169.254/latest/meta-data/',
      'http://10.1.2.3/',
      'http://db.internal/',
      'file:///etc/passwd',
    ]) {
      expect([url, (await go(way, url)).status]).toEqual([url, 500]);
    }
    expect(inside.hits).toBe(before);
  });

  test.each(WAY_NAMES.filter((way) => way !== 'safeFetch of the package'))(
    'S20: %s follows a redirect outwards, and none inwards',
    async (way) => {
      const [hits, arrived] = [inside.hits, outside.hits];
      expect((await go(way, `${outside.origin}/?hops=2`)).status).toBe(200);
      const inwards = `${outside.origin}/?hops=1&to=${encodeURIComponent(`${inside.origin}/`)}`;
      const { status, text } = await go(way, inwards);
      expect(status).toBe(500);
      expect(text).not.toContain('"from"');
      expect(outside.hits - arrived).toBeGreaterThanOrEqual(5);
      expect(inside.hits).toBe(hits);
    },
  );

  test.each(WAY_NAMES.filter((way) => way !== 'an HTTP task of a workflow'))(
    'S20: %s does not reach this very server, which is as private as any other',
    async (way) => {
      expect((await go(way, `${site.url}/health`)).status).toBe(500);
    },
  );

  test('S20: a webhook that is told of an approval is behind the rules too', async () => {
    const before = inside.hits;
    expect((await execute('ensemble/approve', { url: inside.origin })).status).toBe(202);
    await expect
      .poll(() => site.log.some(({ message }) => message === 'the approvers could not be notified'), { timeout: 5_000 })
      .toBe(true);
    expect(inside.hits).toBe(before);
  });

  test('S21: safeFetch and validateURL come from the package root, in a handler of a project', async () => {
    const refused = await execute('agent/package-root', { only: 'validate', url: 'http://192.168.0.1/' });
    expect(refused).toMatchObject({ status: 500 });
    expect(refused.text).toContain('SSRF protection: Blocked request to private/internal address: 192.168.0.1');
    const valid = await execute('agent/package-root', { only: 'validate', url: 'https://www.fdic.gov/' });
    expect(JSON.parse(valid.text).data).toEqual({ valid: 'https://www.fdic.gov/' });
  });
});

describe('the doors', () => {
  test('S22: allowInternalRequests opens one call, and it is logged', async () => {
    const before = inside.hits;
    const answer = await execute('agent/internal-door', { url: inside.origin, door: 'context' });
    expect(JSON.parse(answer.text)).toMatchObject({ success: true, data: { from: 'inside' } });
    expect((await execute('agent/internal-door', { url: inside.origin })).status).toBe(200);
    expect(inside.hits).toBe(before + 2);
    const said = { agent: 'internal-door', origin: inside.origin, reason: 'allowInternalRequests' };
    expect(site.log).toContainEqual(expect.objectContaining(said));
    // The same agent's next call is behind the rules again, and so is where the open one is sent on to.
    expect((await execute('agent/own-handler', { userProvidedUrl: inside.origin })).status).toBe(500);
    const onwards = `${outside.origin}/?to=${encodeURIComponent(`${inside.origin}/`)}`;
    expect((await execute('agent/internal-door', { url: onwards, door: 'context' })).status).toBe(500);
    expect(inside.hits).toBe(before + 2);
  });

  test('S23: security.ssrf false opens one agent, from a file or inline, and it is logged', async () => {
    const before = inside.hits;
    const fromFile = await execute('agent/internal-service-proxy', { url: inside.origin });
    expect(JSON.parse(fromFile.text).data).toEqual({ from: 'inside' });
    const inline = await execute('ensemble/inline', { url: inside.origin, open: true });
    expect(inline.status).toBe(200);
    expect(inside.hits).toBe(before + 2);
    for (const name of ['internal-service-proxy', 'inline/open']) {
      const said = { agent: name, origin: inside.origin, reason: 'ssrf: false' };
      expect(site.log).toContainEqual(expect.objectContaining(said));
    }
    expect((await execute('ensemble/inline', { url: inside.origin, open: false })).status).toBe(500);
    expect(inside.hits).toBe(before + 2);
  });

  test('S22, S23: egress.allowOrigins opens one origin to agents and HTTP tasks; each use of a door is logged once', async () => {
    const uses = (said: object) =>
      site.log.filter((line) => Object.entries(said).every(([key, value]) => line[key] === value));
    const listed = { origin: outside.origin, reason: 'allowOrigins' };
    for (const _ of [1, 2]) {
      expect((await execute('agent/own-handler', { userProvidedUrl: outside.origin })).status).toBe(200);
      expect((await httpTask(outside.origin)).status).toBe(200);
      expect((await execute('agent/internal-service-proxy', { url: inside.origin })).status).toBe(200);
      expect((await execute('agent/internal-door', { url: inside.origin, door: 'context' })).status).toBe(200);
      // A redirect to there is a use, too.
      const onwards = `${inside.origin}/?to=${encodeURIComponent(`${outside.origin}/`)}`;
      expect((await execute('agent/internal-door', { url: onwards, door: 'context' })).status).toBe(200);
    }
    expect(uses({ agent: 'own-handler' })).toEqual([expect.objectContaining({ level: 'warn', ...listed })]);
    expect(uses({ agent: 'internal-door', ...listed })).toHaveLength(1);
    expect(uses({ agent: 'internal-door', origin: inside.origin, reason: 'allowInternalRequests' })).toHaveLength(1);
    expect(uses({ agent: 'internal-service-proxy', origin: inside.origin, reason: 'ssrf: false' })).toHaveLength(1);
    expect(uses({ message: 'a request goes out without the address rules', ...listed })).toHaveLength(1);
    expect((await httpTask(inside.origin)).status).toBe(500);
  });

  test('S23: no caller opens it: security is no config, and cannot be overridden', async () => {
    const body = { input: { url: inside.origin }, config: { security: { ssrf: false }, ssrf: false } };
    const before = inside.hits;
    for (const name of ['fetch', 'http', 'scrape']) {
      const answer = await site.post(`/api/v1/execute/agent/${name}`, body, { 'x-api-key': key });
      expect(answer.status).toBe(400);
    }
    const { status } = await execute('agent/own-handler', {
      userProvidedUrl: inside.origin,
      allowInternalRequests: true,
      security: { ssrf: false },
    });
    expect(status).toBe(500);
    expect(inside.hits).toBe(before);
  });
});
