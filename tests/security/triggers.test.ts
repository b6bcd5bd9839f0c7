// The seed page's triggers, as printed, over HTTP: who gets in, who does not, and what comes out.
import { createHmac } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { YAML } from '../docs/security-page.fixture.ts';
import { openSite } from './project.fixture.ts';

const JWT_SECRET = 'a-secret-of-more-than-thirty-two-bytes!';

const FETCH_USER = {
  'agents/fetch-user/agent.yaml': 'name: fetch-user\noperation: code\nhandler: ./index.ts\n',
  'agents/fetch-user/index.ts': `export default async function (context) {
  return { id: context.input.params.id, name: 'Ada' }
}
`,
};

describe('triggers', () => {
  test('S1: a trigger without public: true or auth does not load, and the rest of the project does', async () => {
    const site = await openSite({
      ...FETCH_USER,
      'ensembles/public-api.yaml': YAML.publicApi,
      'ensembles/naked.yaml': 'name: naked\ntrigger:\n  - type: http\n    path: /naked\nflow:\n  - agent: fetch-user\n',
    });
    expect((await site.get('/naked')).status).toBe(404);
    const answer = await site.get('/api/users/7');
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ id: '7', name: 'Ada' });
    const [problem] = site.server.project().problems;
    expect(problem?.message).toContain('must have auth configuration or explicit public: true');
    expect(problem?.position).toMatchObject({ file: 'ensembles/naked.yaml', line: 3 });
  });

  test('S2, S18, S19: docs-internal as printed asks for a credential, and then serves the page itself', async () => {
    const site = await openSite({
      'docs/index.md': '# Hello docs\n',
      'ensembles/docs-internal.yaml': YAML.docsInternal,
    });
    const refused = await site.get('/docs/internal');
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ success: false, error: 'Unauthorized' });
    const key = await site.key('ensemble:*');
    const shown = await site.get('/docs/internal', { 'x-api-key': key });
    expect(shown.status).toBe(200);
    expect(shown.headers.get('content-type')).toContain('text/html');
    expect(await shown.text()).toContain('Internal Documentation');
    expect((await site.get('/docs/internal', { authorization: `Bearer ${key}` })).status).toBe(200);
  });

  test('S17, S30: docs-serve is there without a file, and public on both of its paths', async () => {
    const site = await openSite({ 'docs/index.md': '# Start\n', 'docs/guide.md': '# The guide\n\nText.\n' });
    for (const [path, text] of [
      ['/docs', 'Start'],
      ['/docs/guide', 'The guide'],
    ] as const) {
      const page = await site.get(path);
      expect(page.status).toBe(200);
      expect(page.headers.get('content-type')).toContain('text/html');
      expect(await page.text()).toContain(text);
    }
    expect((await site.get('/docs/no-such-page')).status).toBe(404);
  });

  test('S3: one trigger has its own paths, methods, CORS and rate limit', async () => {
    const site = await openSite({
      'ensembles/limited.yaml': `name: limited
trigger:
  - type: http
    path: /limited/:word
    methods: [GET, POST]
    public: true
    cors:
      origin: https://app.example.com
      credentials: true
    rateLimit:
      requests: 2
      window: 3600
flow:
  - name: say
    agent: echo
    input:
      data: \${input.params.word}
output:
  word: \${say.output.echo}
`,
    });
    const preflight = await fetch(`${site.url}/limited/a`, {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example.com', 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
    expect(preflight.headers.get('access-control-allow-methods')).toContain('POST');
    const foreign = await fetch(`${site.url}/limited/a`, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example.com', 'access-control-request-method': 'POST' },
    });
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
    const first = await site.get('/limited/a', { origin: 'https://app.example.com' });
    expect(await first.json()).toEqual({ word: 'a' });
    expect(first.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
    expect(first.headers.get('ratelimit-remaining')).toBe('1');
    await site.post('/limited/b', {});
    const third = await site.get('/limited/c');
    expect(third.status).toBe(429);
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await site.get('/limited')).status).toBe(404);
    expect((await fetch(`${site.url}/limited/a`, { method: 'DELETE' })).status).toBe(405);
  });

  test('S7: auth bearer with a secret takes JWTs that it signed, and no others', async () => {
    process.env.PAGE_JWT_SECRET = JWT_SECRET;
    const site = await openSite({
      'ensembles/signed.yaml': `name: signed
trigger:
  - type: http
    path: /signed
    auth:
      type: bearer
      secret: \${env.PAGE_JWT_SECRET}
flow:
  - name: say
    agent: echo
`,
    });
    const sign = (secret: string, expires: string) =>
      new SignJWT({})
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject('u1')
        .setExpirationTime(expires)
        .sign(new TextEncoder().encode(secret));
    const get = async (token: string) => (await site.get('/signed', { authorization: `Bearer ${token}` })).status;
    expect(await get(await sign(JWT_SECRET, '1h'))).toBe(200);
    expect(await get(await sign('another-secret-of-thirty-two-bytes!!', '1h'))).toBe(401);
    expect(await get(await sign(JWT_SECRET, '-1h'))).toBe(401);
    const unsigned = [{ alg: 'none' }, { sub: 'u1' }].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    );
    expect(await get(`${unsigned.join('.')}.`)).toBe(401);
    expect((await site.get('/signed')).status).toBe(401);
  });

  test('an unset secret is an error at the start, never a password', async () => {
    const site = await openSite({
      'ensembles/unset.yaml': `name: unset
trigger:
  - type: http
    path: /unset
    auth:
      type: bearer
      secret: \${env.THIS_IS_NOT_SET}
flow:
  - agent: echo
`,
    });
    for (const token of ['${env.THIS_IS_NOT_SET}', '$env.THIS_IS_NOT_SET', 'undefined', '']) {
      expect((await site.get('/unset', { authorization: `Bearer ${token}` })).status).toBe(404);
    }
    expect(site.server.project().problems.some(({ message }) => message.includes('THIS_IS_NOT_SET'))).toBe(true);
  });

  test('S8: auth apiKey takes a live key until it is revoked', async () => {
    const site = await openSite({
      'ensembles/data.yaml': `name: data
trigger:
- type: http
  path: /api/data
  auth:
    type: apiKey # Uses API_KEYS KV namespace
flow:
- agent: echo
`,
    });
    const { key, record } = await site.server.access.generateKey({ name: 'k', permissions: ['*'], expiresMs: 0 });
    expect((await site.get('/api/data')).status).toBe(401);
    expect((await site.get('/api/data', { 'x-api-key': `${key.slice(0, -1)}0` })).status).toBe(401);
    expect((await site.get('/api/data', { 'x-api-key': key })).status).toBe(200);
    await site.server.access.revokeKey(record.id);
    expect((await site.get('/api/data', { 'x-api-key': key })).status).toBe(401);
  });

  test('webhooks are verified over the bytes as sent, once each', async () => {
    process.env.PAGE_HOOK_SECRET = 'whsec_0123456789abcdef';
    const site = await openSite({
      'ensembles/hook.yaml': `name: hook
trigger:
  - type: webhook
    path: /hooks/gh
    auth:
      type: signature
      preset: github
      secret: \${env.PAGE_HOOK_SECRET}
flow:
  - name: say
    agent: echo
    input:
      data: \${input.body.n}
output:
  n: \${say.output.echo}
`,
    });
    const body = '{ "n" :  1 }';
    const signature = `sha256=${createHmac('sha256', 'whsec_0123456789abcdef').update(body).digest('hex')}`;
    const post = (text: string) => site.post('/hooks/gh', text, { 'x-hub-signature-256': signature });
    const taken = await post(body);
    expect(taken.status).toBe(200);
    expect(await taken.json()).toEqual({ n: 1 });
    expect((await post('{"n":1}')).status).toBe(401);
    expect((await site.post('/hooks/gh', body)).status).toBe(401);
  });

  test('a body that is no JSON is refused with 400, not read as {}', async () => {
    const site = await openSite({
      'ensembles/in.yaml':
        'name: in\ntrigger:\n  - type: http\n    methods: [POST]\n    public: true\nflow:\n  - agent: echo\n',
    });
    const answer = await site.post('/in', '{"a":');
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ success: false, code: 'malformed_json' });
  });
});
