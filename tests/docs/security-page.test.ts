// Every block of the security page as printed, in one project on one server: configuration, YAML, handlers, requests, curl
// and command lines. Its TypeScript is type-checked with that of our own pages. What each of them promises in depth is tested under its name (S1 to S30) elsewhere.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../src/runtime/node/load-config.ts';
import { faultOf, linesOf } from './command-lines.ts';
import { type DocsServer, startDocsServer, writeProject } from './docs-server.ts';
import { COMMANDS, CONFIGS, CURLS, HANDLERS, REQUESTS, YAML } from './security-page.fixture.ts';

const ENVIRONMENT = {
  API_KEY: 'a-static-key-for-simple-setups',
  JWT_SECRET: 'a-jwt-secret-of-thirty-two-characters',
  UNKEY_ROOT_KEY: 'unkey_root_of_the_page',
};

/** What the page takes as given: agents and ensembles that it names, and the functions that its handlers call. */
const GIVEN = {
  'agents/fetch-user/agent.yaml': 'name: fetch-user\noperation: code\n',
  'agents/fetch-user/index.ts': 'export default ({ input }: any) => ({ user: input.params.id });\n',
  'agents/sensitive-operation/index.ts': 'export default () => "done";\n',
  'agents/internal-service-proxy/proxy.ts':
    'export default async ({ input, fetch }: any) => (await fetch(input.url)).text();\n',
  'agents/http/agent.yaml': 'name: http\noperation: code\n',
  'agents/http/index.ts': 'export default ({ input }: any) => ({ asked: input.url });\n',
  'ensembles/given.yaml':
    'name: invoice-pdf\nflow:\n  - agent: echo\n---\nname: my-workflow\nflow:\n  - agent: echo\n    input: { data: ran }\n',
};

function indented(text: string, by: string): string {
  return text.replaceAll(/^(?=.)/gm, by);
}

const files = new Map(
  Object.entries({
    ...GIVEN,
    'conductor.config.ts': CONFIGS.everything,
    'ensembles/public-api.yaml': YAML.publicApi,
    'ensembles/bearer.yaml': `name: bearer\ntrigger:\n  - type: http\n    path: /api/bearer\n${indented(YAML.bearer, '    ')}flow:\n  - agent: echo\n`,
    'ensembles/data.yaml': `name: data\n${YAML.apiKey}flow:\n  - agent: echo\n`,
    'agents/sensitive-operation/agent.yaml': YAML.apiExecutable.split('---\n')[1] ?? '',
    'ensembles/internal-workflow.yaml': YAML.apiExecutable.split('---\n')[0] ?? '',
    'ensembles/strict.yaml': YAML.strict,
    'ensembles/docs-serve.yaml': YAML.docsServe,
    'ensembles/docs-internal.yaml': YAML.docsInternal,
    'agents/internal-service-proxy/agent.yaml': YAML.proxy,
    ...Object.fromEntries(
      Object.entries(HANDLERS).flatMap(([name, text]) => [
        [`agents/${name}/agent.yaml`, `name: ${name}\noperation: code\n`],
        [`agents/${name}/index.ts`, `${text}function processUserData(input: any) { return { processed: input }; }\n`],
      ]),
    ),
  }),
);

describe('the security page', () => {
  let docs: DocsServer;
  let token: string;

  beforeAll(async () => {
    Object.assign(process.env, ENVIRONMENT);
    docs = await startDocsServer(files);
    const secret = new TextEncoder().encode(ENVIRONMENT.JWT_SECRET);
    token = await new SignJWT({ sub: 'ada' }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('5m').sign(secret);
  });
  afterAll(async () => {
    await docs.close();
    for (const name of Object.keys(ENVIRONMENT)) delete process.env[name];
  });

  const get = async (path: string, headers: Record<string, string> = {}) => {
    const reply = await fetch(docs.server.url + path, { headers });
    return { status: reply.status, text: await reply.text() };
  };
  const agent = async (name: string, input: object) => {
    const { status, text } = await docs.call('POST', `/api/v1/execute/agent/${name}`, { input });
    return { status, body: JSON.parse(text) };
  };

  it('has YAML that loads side by side', async () => {
    const { ensembles, problems } = docs.server.project();
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    const own = [...ensembles.values()].filter(({ origin }) => origin === 'file').map(({ name }) => name);
    expect(own).toEqual(expect.arrayContaining(['public-api', 'docs-internal', 'docs-serve', 'internal-only']));
  });

  it('has triggers that let in whom they say', async () => {
    expect(await get('/api/users/42')).toEqual({ status: 200, text: '{"user":"42"}' });
    for (const path of ['/api/bearer', '/api/data', '/docs/internal']) expect((await get(path)).status).toBe(401);
    expect((await get('/api/bearer', { authorization: `Bearer ${token}` })).status).toBe(200);
    expect((await get('/api/data', { 'x-api-key': ENVIRONMENT.API_KEY })).status).toBe(200);
    expect((await get('/docs/internal', { 'x-api-key': ENVIRONMENT.API_KEY })).text).toContain(
      'Internal Documentation',
    );
    expect((await get('/docs')).text).toContain('<html');
  });

  it('has apiExecutable that counts', async () => {
    const run = (kind: string, name: string) => docs.call('POST', `/api/v1/execute/${kind}/${name}`, { input: {} });
    expect((await run('ensemble', 'internal-workflow')).status).toBe(403);
    for (const name of ['public-workflow', 'internal-only']) expect((await run('ensemble', name)).status).toBe(200);
    expect((await run('agent', 'sensitive-operation')).status).toBe(200);
  });

  it.each(Object.entries(CONFIGS))('has a configuration that loads: %s', async (_name, text) => {
    const directory = mkdtempSync(join(tmpdir(), 'conductor-page-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    writeProject(directory, new Map([['conductor.config.ts', text]]));
    const { origins } = await loadConfig(directory, {});
    expect([...origins.values()]).toContain('file:conductor.config.ts');
  });

  it('has handlers that run', async () => {
    expect((await agent('jurisdiction', { a: 1 })).body.data).toEqual({ processed: { a: 1 } });
    expect((await agent('consent', {})).body.data).toEqual({
      consentModel: 'none',
      requiredConsents: [],
      jurisdiction: null,
    });
    expect((await agent('bots', {})).body.data).toEqual({ action: 'warn', reason: 'legacy_tls' });
    const inside = { userProvidedUrl: docs.server.url.replace('127.0.0.1', '127.0.0.2') };
    expect((await agent('fetches', inside)).body.message).toContain('SSRF protection: Blocked request');
    const proxied = await agent('internal-service-proxy', { url: `${docs.server.url}/health` });
    expect(proxied.body.data).toContain('"healthy":true');
  });

  it('has requests that are answered as its reference says', async () => {
    const requests = [...REQUESTS.matchAll(/^POST (\S+)\n[\s\S]*?\n\n(\{.*\})$/gm)];
    const metadata = {
      executionId: expect.stringMatching(/^req_[0-9a-f]{32}$/),
      duration: expect.any(Number),
      timestamp: expect.any(Number),
    };
    const answers = await Promise.all(
      requests.map(async ([, path = '', body]) => {
        const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
        const reply = await fetch(docs.server.url + path, { method: 'POST', headers, body: body ?? '' });
        return { status: reply.status, body: JSON.parse(await reply.text()) };
      }),
    );
    expect(answers).toEqual([
      {
        status: 200,
        body: { success: true, output: expect.objectContaining({ echo: { orderId: '12345' } }), metadata },
      },
      { status: 200, body: { success: true, data: { asked: 'https://api.example.com/data' }, metadata } },
    ]);
  });

  it('has curl lines that work', async () => {
    const script = CURLS.replaceAll('https://your-worker.workers.dev', docs.server.url)
      .replace('eyJhbGciOiJIUzI1NiIs...', token)
      .replace('cnd_live_xxxxxxxxxxxx', docs.server.localKey);
    const { code, output } = await docs.shell(script);
    expect(code).toBe(0);
    expect(output.match(/"success":true/g)).toHaveLength(2);
  });

  it.each(linesOf(COMMANDS))('has a command line that is one: %s', async (line) => {
    expect(await faultOf(line, {})).toBeUndefined();
  });
});
