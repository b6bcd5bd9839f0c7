// The seed page's key commands, as printed, typed into a shell beside a running server; and keys that Unkey keeps.
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startUnkeySimulator, type UnkeySimulator } from '../../src/testing/simulators/unkey/index.ts';
import { bodyOf, openSite, type Site } from './project.fixture.ts';

const CLI = fileURLToPath(new URL('../../dist/src/cli/ensemble.js', import.meta.url));
const DAY_MS = 86_400_000;

const flow = (name: string) => `name: ${name}\nflow:\n  - agent: echo\n`;
const PROJECT = {
  'ensembles/my-workflow.yaml': flow('my-workflow'),
  'ensembles/invoice-pdf.yaml': flow('invoice-pdf'),
  'ensembles/billing-invoice.yaml': flow('billing-invoice'),
  'agents/greet/agent.yaml': 'name: greet\noperation: code\nhandler: ./index.ts\n',
  'agents/greet/index.ts': "export default () => 'hello'\n",
};

/** The page's blocks, run by a shell that knows `ensemble` as an installed package would have it. */
async function shell(site: Site, script: string): Promise<string> {
  const bin = join(site.directory, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'ensemble'), `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`);
  chmodSync(join(bin, 'ensemble'), 0o755);
  const env = {
    ...process.env,
    PATH: `${bin}${delimiter}${process.env.PATH}`,
    CONDUCTOR_DATA: join(site.directory, 'data'),
    NO_COLOR: '1',
  };
  return new Promise((resolve, reject) => {
    execFile('sh', ['-ec', script], { env, cwd: site.directory }, (error, out, err) => {
      if (error) reject(new Error(`${error.message}\n${out}\n${err}`));
      else resolve(out);
    });
  });
}

const field = (text: string, name: string) => new RegExp(`^${name}: (.+)$`, 'm').exec(text)?.[1] ?? '';
const call = async (site: Site, key: string, target = 'ensemble/my-workflow') =>
  (await site.post(`/api/v1/execute/${target}`, { input: {} }, { 'x-api-key': key })).status;

const ListedKeys = z.array(
  z.object({ keyId: z.string(), name: z.string(), status: z.string(), permissions: z.array(z.string()) }),
);

describe('keys from the command line', () => {
  let site: Site;

  beforeAll(async () => {
    site = await openSite({
      ...PROJECT,
      'conductor.config.ts': 'export default { security: { autoPermissions: true } }\n',
    });
  });

  test('S9: a key that is generated beside a running server works at its next request, until it is revoked', async () => {
    const out = await shell(
      site,
      'ensemble conductor keys generate --name "my-service" --permissions "ensemble:*:execute"',
    );
    const key = field(out, 'Key');
    expect(key).toMatch(/^cnd_live_/);
    expect(await call(site, key)).toBe(200);
    const bearer = await site.post('/api/v1/execute/ensemble/my-workflow', {}, { authorization: `Bearer ${key}` });
    expect(bearer.status).toBe(200);
    expect(await call(site, key, 'agent/greet')).toBe(403);
    await shell(site, `ensemble conductor keys revoke ${field(out, 'Key ID')}`);
    expect(await call(site, key)).toBe(401);
  });

  test('S10: generate, list, info, rotate and revoke, as the page prints them', async () => {
    const generated = await shell(
      site,
      `# Scoped key for specific ensembles
ensemble conductor keys generate \\
--name "billing-service" \\
--permissions "ensemble:billing-*:execute,ensemble:invoice-*:execute" \\
--expires "90d"
# Key that never expires
ensemble conductor keys generate \\
--name "internal-service" \\
--permissions "ensemble:*:execute" \\
--expires "never"`,
    );
    const [scoped = '', never = ''] = generated.split(/(?<=shown again!\n)/);
    const id = field(scoped, 'Key ID');
    expect(scoped).toBe(
      `✓ API Key generated
Key ID: ${id}
Key: ${field(scoped, 'Key')}
Permissions: ensemble:billing-*:execute, ensemble:invoice-*:execute
Expires: ${new Date(Date.now() + 90 * DAY_MS).toISOString().slice(0, 10)}
⚠️ Save this key now - it won't be shown again!
`,
    );
    expect(id).toMatch(/^key_/);
    expect(field(never, 'Expires')).toBe('never');

    const shown = await shell(
      site,
      `ensemble conductor keys list
# Output as JSON
ensemble conductor keys list --json
ensemble conductor keys info ${id}`,
    );
    const [listed = '', json = '', info = ''] = shown.split(/^(?=\[|Key ID: )/m);
    expect(listed).toContain('billing-service');
    const found = ListedKeys.parse(JSON.parse(json)).find(({ keyId }) => keyId === id);
    expect(found).toMatchObject({ name: 'billing-service', status: 'active' });
    expect(info).toContain('Name: billing-service\nStatus: active\n');
    expect(shown).not.toContain('cnd_live_');

    const rotated = await shell(site, `ensemble conductor keys rotate ${id}`);
    expect(field(rotated, 'Permissions')).toBe(field(scoped, 'Permissions'));
    expect(field(rotated, 'Expires')).toBe(field(scoped, 'Expires'));
    expect(await call(site, field(scoped, 'Key'), 'ensemble/billing-invoice')).toBe(401);
    expect(await call(site, field(rotated, 'Key'), 'ensemble/billing-invoice')).toBe(200);
    expect(await call(site, field(rotated, 'Key'))).toBe(403);
    await shell(site, `ensemble conductor keys revoke ${field(rotated, 'Key ID')}`);
    expect(await call(site, field(rotated, 'Key'), 'ensemble/billing-invoice')).toBe(401);
  });

  test.each([
    // Permission, then: the ensembles billing-invoice, invoice-pdf, my-workflow; the agents greet, http.
    ['*', [true, true, true, true, true]],
    ['ensemble:*', [true, true, true, false, false]],
    ['ensemble:*:execute', [true, true, true, false, false]],
    ['ensemble:invoice-pdf:execute', [false, true, false, false, false]],
    ['ensemble:billing-*:execute', [true, false, false, false, false]],
    ['agent:*:execute', [false, false, false, true, true]],
    ['agent:http:execute', [false, false, false, false, true]],
    ['ensemble:*:read', [false, false, false, false, false]],
  ])('S11: %s opens what the page says and nothing else', async (permission, expected) => {
    const key = await site.key(permission);
    const targets = [
      'ensemble/billing-invoice',
      'ensemble/invoice-pdf',
      'ensemble/my-workflow',
      'agent/greet',
      'agent/http',
    ];
    const statuses = await Promise.all(targets.map((target) => call(site, key, target)));
    expect(statuses.map((status) => status !== 403)).toEqual(expected);
    expect(statuses).not.toContain(401);
  });
});

describe('Unkey', () => {
  let unkey: UnkeySimulator;
  let site: Site;

  beforeAll(async () => {
    unkey = await startUnkeySimulator(Date.now);
    process.env.UNKEY_ROOT_KEY = unkey.rootKey;
    site = await openSite({
      ...PROJECT,
      'ensembles/data.yaml':
        'name: data\ntrigger:\n  - type: http\n    path: /api/data\n    public: false\nflow:\n  - agent: echo\n',
      'conductor.config.ts': `// conductor.config.ts
export default {
  auth: {
    provider: 'unkey',
    rootKey: process.env.UNKEY_ROOT_KEY,
    unkeyUrl: '${unkey.origin}',
  },
  security: { autoPermissions: true },
  egress: { allowOrigins: ['${unkey.origin}'] },
}
`,
    });
  });

  afterAll(async () => {
    delete process.env.UNKEY_ROOT_KEY;
    await unkey.close();
  });

  test('S16: keys of Unkey open the execute API and triggers, with the permissions that Unkey gives them', async () => {
    unkey.keys.set('uk_billing_key', { keyId: 'key_unkey1', permissions: ['ensemble:my-*:execute'] });
    expect(await call(site, 'uk_billing_key')).toBe(200);
    expect(await call(site, 'uk_billing_key', 'ensemble/invoice-pdf')).toBe(403);
    expect(await call(site, 'uk_billing_key', 'agent/greet')).toBe(403);
    expect((await site.get('/api/data', { authorization: 'Bearer uk_billing_key' })).status).toBe(200);
    expect((await site.get('/api/data', { 'x-api-key': 'uk_unknown_key' })).status).toBe(401);
    unkey.keys.set('uk_billing_key', { keyId: 'key_unkey1', permissions: ['ensemble:*'], enabled: false });
    expect(await call(site, 'uk_billing_key')).toBe(401);
    // Our own keys go on working beside it, and are shown to nobody else.
    const own = await site.key('ensemble:*:execute');
    expect(await call(site, own)).toBe(200);
    expect(unkey.asked.map(({ key }) => key)).not.toContain(own);
  });

  test('S16: its rate limit is ours, and without its verdict nobody is let in', async () => {
    unkey.keys.set('uk_busy_key', {
      keyId: 'key_busy',
      permissions: ['*'],
      ratelimit: { limit: 1, durationMs: 3_600_000 },
    });
    expect(await call(site, 'uk_busy_key')).toBe(200);
    const limited = await site.post('/api/v1/execute/ensemble/my-workflow', {}, { 'x-api-key': 'uk_busy_key' });
    expect(limited.status).toBe(429);
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
    unkey.keys.set('uk_good_key', { keyId: 'key_good', permissions: ['*'] });
    unkey.fault = 'error';
    const answer = await site.post('/api/v1/execute/ensemble/my-workflow', {}, { 'x-api-key': 'uk_good_key' });
    unkey.fault = null;
    expect(answer.status).toBe(503);
    expect(JSON.stringify(await bodyOf(answer))).not.toContain(unkey.rootKey);
    expect(await call(site, 'uk_good_key')).toBe(200);
  });

  test('S16: the provider without its root key is an error at the start', async () => {
    delete process.env.UNKEY_ROOT_KEY;
    const config = "export default { auth: { provider: 'unkey', rootKey: process.env.NO_SUCH_ROOT } }\n";
    const start = openSite({ 'conductor.config.ts': config });
    await expect(start).rejects.toThrow('auth.rootKey');
  });
});
