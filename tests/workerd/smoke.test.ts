// A built project in bare workerd, over HTTP: the application, keys in a KV namespace and executions in memory need no
// Node. What the edge cannot do is refused in plain words, before anything has happened.
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kvKeyName } from '../../src/access/key-store.ts';
import { hashKey, newKeyText } from '../../src/access/key-text.ts';
import type { Printed } from '../../src/cli/cli.fixture.ts';
import { type Edge, FILES, type Project, startEdge, VARIABLES, writeProject } from './project.fixture.ts';

let project: Project;
let built: Printed;
let edge: Edge;

beforeAll(async () => {
  project = writeProject(FILES);
  built = await project.build();
  edge = startEdge(project.read('dist/cloudflare/worker.js'));
  await edge.miniflare.ready;
});
afterAll(async () => {
  await edge.close();
  project.remove();
});

interface Sent {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cf?: Readonly<Record<string, string>>;
}

async function call(path: string, { body, cf = {}, headers = {}, method }: Sent = {}) {
  const response = await edge.miniflare.dispatchFetch(`http://shop.example.com${path}`, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    cf,
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) };
}

/** A key whose record lies in the namespace, as the command line writes it. */
async function issueKey(permissions: readonly string[], rest: { active?: boolean; expiresAt?: number } = {}) {
  const key = newKeyText();
  const keyHash = hashKey(key);
  const record = { keyId: 'key_1', name: 'edge', keyHash, permissions, createdAt: 1, expiresAt: null, active: true };
  const put = (change: object) => edge.putKey(kvKeyName(keyHash), JSON.stringify({ ...record, ...rest, ...change }));
  await put({});
  return { headers: { 'x-api-key': key }, revoke: () => put({ active: false }) };
}

const asShop = { headers: { 'x-api-key': VARIABLES.API_KEY } };
const run = (kind: 'ensemble' | 'agent', name: string, body: object, { headers }: Sent = asShop) =>
  call(`/api/v1/execute/${kind}/${name}`, { body, headers });

describe('conductor build --target cloudflare', () => {
  test('writes one module that needs nothing of Node', () => {
    expect(built).toMatchObject({ exitCode: 0 });
    const text = project.read('dist/cloudflare/worker.js');
    const imported = [...text.matchAll(/^\s*(?:import|export)\b[^;]*?\bfrom\s*["']([^"']+)["']/gm)].map(
      ([, from]) => from,
    );
    expect(new Set(imported)).toEqual(new Set(['cloudflare:workers']));
    expect(text).not.toMatch(/\bimport\(|["']node:|\brequire\(["']|\bnew WebAssembly\b/);
  });

  test('writes the wrangler.toml of the page, with the namespaces that the project uses', () => {
    const text = project.read('dist/cloudflare/wrangler.toml');
    expect(text).toContain('name = "edge-shop"\nmain = "worker.js"\n');
    expect(text).toContain('[[kv_namespaces]]\nbinding = "API_KEYS"\nid = "your-kv-namespace-id"\n');
    expect(text).toContain('[[kv_namespaces]]\nbinding = "NOTES"\n');
    expect(text).not.toContain('nodejs_compat');
    for (const name of ['API_KEY', 'JWT_SECRET']) expect(text).toContain(`#   ${name}\n`);
    expect(text).not.toContain(VARIABLES.API_KEY);
  });

  test('says which ensembles will not run there', () => {
    expect(built.err).toContain('release cannot run at the edge: its step approve (APPROVAL) has to wait');
  });

  test('leaves a wrangler.toml alone that somebody wrote or changed', async () => {
    const other = writeProject({ 'ensembles/a.yaml': 'name: a\nflow:\n  - agent: echo\n' });
    try {
      expect((await other.build()).exitCode).toBe(0);
      const path = 'dist/cloudflare/wrangler.toml';
      const changed = other.read(path).replace('your-kv-namespace-id', 'abc123');
      other.write(path, changed);
      const again = await other.build();
      expect(again.out).toContain('was changed since it was written, and is left as it is');
      expect(other.read(path)).toBe(changed);
      other.write(path, 'name = "mine"\n');
      const refused = await other.build();
      expect([refused.exitCode, refused.err]).toEqual([
        1,
        expect.stringContaining('was not written by conductor build'),
      ]);
      expect(other.read(path)).toBe('name = "mine"\n');
    } finally {
      other.remove();
    }
  });

  test('refuses a project with errors, and a handler that needs Node, naming both', async () => {
    const other = writeProject({
      'ensembles/a.yaml': 'name: a\nflow:\n  - agent: reader\n',
      'agents/reader/agent.yaml': 'name: reader\noperation: code\nhandler: ./index.ts\n',
      'agents/reader/index.ts': `import { readFileSync } from 'node:fs'\nexport default () => readFileSync('/etc/hosts', 'utf8')\n`,
    });
    try {
      const refused = await other.build();
      expect(refused.exitCode).toBe(1);
      expect(refused.err).toMatch(/agents\/reader\/index\.ts imports node:fs, which Workers do not have/);
      other.write('agents/reader/index.ts', `import x from 'not-installed'\nexport default () => x\n`);
      expect((await other.build()).err).toContain("Could not resolve 'not-installed' in agents/reader/index.ts");
      other.write('ensembles/b.yaml', 'name: b\nflow:\n  - agent: nobody\n');
      const faulty = await other.build();
      expect(faulty.exitCode).toBe(1);
      expect(faulty.err).toContain('ensembles/b.yaml:3');
      expect(() => other.read('dist/cloudflare/worker.js')).toThrow('ENOENT');
    } finally {
      other.remove();
    }
  });
});

describe('in workerd', () => {
  test('a public trigger answers, with the handler, its environment and the place of the caller', async () => {
    const answer = await call('/api/users/42', { cf: { country: 'DE', colo: 'FRA' } });
    expect([answer.status, answer.json()]).toEqual([
      200,
      { id: '42', greeting: VARIABLES.GREETING, country: 'DE', gdpr: true, colo: 'FRA' },
    ]);
  });

  test('the execute API asks for a key, and takes one whose record is in the namespace', async () => {
    const body = { input: { orderId: '12345' } };
    const nobody = await run('ensemble', 'invoice-pdf', body, {});
    expect([nobody.status, nobody.json().code]).toEqual([401, 'unauthenticated']);
    const key = await issueKey(['ensemble:*:execute']);
    const answer = await run('ensemble', 'invoice-pdf', body, key);
    expect(answer.status).toBe(200);
    expect(answer.json()).toMatchObject({ success: true, output: { orderId: '12345', total: 8 } });
    expect(answer.json().metadata.executionId).toMatch(/^req_[0-9a-f]{32}$/);
    expect((await run('ensemble', 'invoice-pdf', body, { headers: { 'x-api-key': newKeyText() } })).status).toBe(401);
    expect((await run('ensemble', 'invoice-pdf', body)).status).toBe(200);
  });

  test('a key that is revoked or expired is refused at the next request', async () => {
    const key = await issueKey(['*']);
    expect((await call('/api/data', key)).json()).toMatchObject({ echo: { who: 'fixed' } });
    await key.revoke();
    const refused = await call('/api/data', key);
    expect([refused.status, refused.json().message]).toEqual([401, 'The API key is revoked.']);
    expect((await call('/api/data', await issueKey(['*'], { expiresAt: 1 }))).status).toBe(401);
    expect((await call('/api/data')).status).toBe(401);
  });

  test('a trigger that asks for a token takes those of its secret alone', async () => {
    const sign = (secret: string) =>
      new SignJWT({ sub: 'ann' }).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret));
    const bearer = async (secret: string) => ({ headers: { authorization: `Bearer ${await sign(secret)}` } });
    const answer = await call('/api/account', await bearer(VARIABLES.JWT_SECRET));
    expect([answer.status, answer.json()]).toEqual([200, { user: 'ann', method: 'jwt' }]);
    expect((await call('/api/account', await bearer('another-secret-of-32-characters!'))).status).toBe(401);
    expect((await call('/api/account')).status).toBe(401);
  });

  test('docs, health and the description of the API answer; what is not there, or needs a server, is 404', async () => {
    const docs = await call('/docs/guide');
    expect([docs.status, docs.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(docs.text).toContain('Written in Markdown.');
    expect((await call('/health')).json()).toMatchObject({ healthy: true });
    expect(Object.keys((await call('/openapi.json', asShop)).json().paths)).toContain(
      '/api/v1/execute/ensemble/{name}',
    );
    for (const path of ['/nothing', '/api/workflow/x', '/vault/keys', '/admin/keys', '/api/v1/executions/x']) {
      expect((await call(path, asShop)).status).toBe(404);
    }
    expect((await run('ensemble', 'none', {})).json().message).toBe('Ensemble not found: none');
  });

  test('no agent reaches a private address, by its context, by safeFetch, by the fetch agent or by a redirect', async () => {
    const metadata = 'http://169.254.169.254/';
    const hop = `https://hop.example.com/?to=${encodeURIComponent(metadata)}`;
    for (const input of [
      { url: metadata },
      { url: metadata, own: true },
      { url: hop },
      { url: 'http://[::ffff:10.0.0.1]/' },
    ]) {
      const answer = await run('agent', 'reach', { input });
      expect([answer.status, answer.json().message]).toEqual([
        500,
        expect.stringMatching(/private|internal|not allowed/i),
      ]);
    }
    expect((await run('agent', 'fetch', { input: { url: metadata } })).status).toBe(500);
    const url = 'https://open.example.com/';
    expect((await run('agent', 'reach', { input: { url } })).json().data).toEqual({
      status: 200,
      text: `answer of ${url}`,
      safe: true,
    });
    expect(edge.asked.filter((one) => !/\.example\.com\//.test(one))).toEqual([]);
  });

  test('callers are told apart by the address that the platform gives, and limited each by itself', async () => {
    const from = (address: string, forwarded: string) =>
      call('/limited', { headers: { 'cf-connecting-ip': address, 'x-forwarded-for': forwarded } });
    expect((await from('198.51.100.1', '203.0.113.1')).status).toBe(200);
    expect((await from('198.51.100.1', '203.0.113.2')).status).toBe(429);
    expect((await from('198.51.100.2', '203.0.113.1')).status).toBe(200);
  });

  test('20 requests at once see nothing of each other', async () => {
    const places = ['DE', 'US', 'BR', 'JP'];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        call(`/api/users/${i}?wait=${(i * 7) % 40}`, { cf: { country: places[i % 4] ?? '' } }),
      ),
    );
    expect(answers.map(({ json }) => [json().id, json().country])).toEqual(
      answers.map((_, i) => [String(i), places[i % 4]]),
    );
  });

  test('work that an agent hands over goes on after the answer', async () => {
    const url = 'https://collector.example.com/afterwards';
    expect((await run('agent', 'afterwards', { input: {} })).json().data).toBe('answered');
    await edge.untilAsked(url);
  });

  test('the storage operation keeps values in a bound namespace; what is not bound or not atomic is refused', async () => {
    const remember = (input: object, config: object) => run('agent', 'remember', { input, config });
    expect((await remember({ key: 'a', value: { n: 1 } }, { operation: 'put' })).status).toBe(200);
    expect((await remember({ key: 'a' }, { operation: 'get' })).json().data).toEqual({
      key: 'a',
      value: { n: 1 },
      found: true,
    });
    const unbound = await remember({ key: 'a' }, { operation: 'get', binding: 'OTHER' });
    expect(unbound.json().message).toContain('There is no KV namespace OTHER');
    const link = { input: { action: 'create', url: 'https://a.example.com/' }, config: { kvBinding: 'NOTES' } };
    expect((await run('agent', 'redirect', link)).json().message).toContain('cannot compare and write in one step');
  });

  test('what has to wait is refused in plain words before its first step begins', async () => {
    const counted = () => edge.asked.filter((url) => url.endsWith('/counted')).length;
    for (const answer of [await call('/release', { body: {} }), await run('ensemble', 'release', {})]) {
      expect([answer.status, answer.json().code]).toEqual([501, 'not_implemented']);
      expect(answer.json().message).toContain('durable executions need a server');
    }
    expect(counted()).toBe(0);
  });

  test('a Worker that is not configured rightly answers nothing, public or not', async () => {
    const { JWT_SECRET: _, ...withoutSecret } = VARIABLES;
    for (const lacking of [withoutSecret, { ...VARIABLES, API_KEY: '' }]) {
      const other = startEdge(project.read('dist/cloudflare/worker.js'), lacking);
      try {
        const answer = await other.miniflare.dispatchFetch('http://shop.example.com/api/users/1');
        expect(answer.status).toBe(500);
        expect(await answer.text()).not.toMatch(/JWT_SECRET|API_KEY|apiKeys/);
      } finally {
        await other.close();
      }
    }
  });
});
