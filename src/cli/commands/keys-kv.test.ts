// Keys in a namespace of Cloudflare KV. wrangler itself needs an account: a program of that name on the PATH stands in
// for it, which keeps the namespace in a file and takes the arguments that wrangler takes.
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hashKey } from '../../access/key-text.ts';
import { nodeHost } from '../../runtime/node/cli-host.ts';
import { runCli } from '../cli.fixture.ts';

const WRANGLER = `#!${process.execPath}
const { readFileSync, writeFileSync, existsSync, appendFileSync } = require('node:fs');
const { parseArgs } = require('node:util');
const file = process.env.FAKE_KV;
appendFileSync(file + '.log', JSON.stringify(process.argv.slice(2)) + '\\n');
const options = Object.fromEntries(['binding', 'namespace-id', 'path', 'prefix'].map((name) => [name, { type: 'string' }]));
const { values, positionals } = parseArgs({
  options: { ...options, remote: { type: 'boolean' }, text: { type: 'boolean' } },
  allowPositionals: true,
});
const [kv, key, verb, name] = positionals;
if (kv !== 'kv' || key !== 'key') throw new Error('unknown command');
if (!values.remote || (!values.binding && !values['namespace-id'])) throw new Error('No namespace');
const data = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
if (verb === 'put') {
  data[name] = readFileSync(values.path, 'utf8');
  writeFileSync(file, JSON.stringify(data));
} else if (verb === 'get') {
  if (!(name in data)) {
    console.error('Error: 404: Not Found');
    process.exit(1);
  }
  process.stdout.write(data[name]);
} else if (verb === 'list') {
  console.log(JSON.stringify(Object.keys(data).filter((each) => each.startsWith(values.prefix)).map((each) => ({ name: each }))));
} else throw new Error('unknown verb');
`;

let directory: string;
let store: string;
const path = process.env.PATH;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'conductor-kv-'));
  store = join(directory, 'kv.json');
  writeFileSync(join(directory, 'package.json'), '{"type":"commonjs"}');
  writeFileSync(join(directory, 'wrangler'), WRANGLER);
  chmodSync(join(directory, 'wrangler'), 0o755);
  process.env.PATH = `${directory}${delimiter}${path}`;
  process.env.FAKE_KV = store;
});

afterEach(() => {
  process.env.PATH = path;
  delete process.env.FAKE_KV;
  rmSync(directory, { recursive: true });
});

const cli = (...argv: string[]) =>
  runCli(['keys', ...argv], nodeHost(), { env: { CONDUCTOR_DATA: join(directory, 'data') } });
const stored = (): Record<string, string> => JSON.parse(readFileSync(store, 'utf8'));

describe('keys in a KV namespace', () => {
  test('S8, S10: a key is stored by its hash, with an index by its id, and its text is nowhere', async () => {
    const { err, exitCode, out } = await cli(
      'generate',
      '--name',
      'svc',
      '--permissions',
      'ensemble:*:execute',
      '--kv',
      'API_KEYS',
    );
    expect(err).toBe('');
    expect(exitCode).toBe(0);
    expect(out).toMatch(
      /^✓ API Key generated\nKey ID: key_\w{16}\nKey: cnd_live_\w{49}\nPermissions: ensemble:\*:execute\nExpires: \d{4}-/,
    );
    const key = /^Key: (\S+)$/m.exec(out)?.[1] ?? '';
    const id = /^Key ID: (\S+)$/m.exec(out)?.[1] ?? '';
    const hash = hashKey(key);
    expect(Object.keys(stored()).sort()).toEqual([`id:${id}`, `key:${hash}`]);
    expect(stored()[`id:${id}`]).toBe(hash);
    expect(JSON.parse(stored()[`key:${hash}`] ?? '')).toMatchObject({
      keyId: id,
      keyHash: hash,
      name: 'svc',
      active: true,
    });
    expect(readFileSync(store, 'utf8') + readFileSync(`${store}.log`, 'utf8')).not.toContain(key);
    expect(existsSync(join(directory, 'data'))).toBe(false);
  });

  test('S10: list, info, rotate and revoke work on it; the metadata stays', async () => {
    const kv = ['--kv', '0123456789abcdef0123456789abcdef'];
    const generate = ['generate', '--name', 'svc', '--permissions', 'agent:*:execute', '--expires', '30d', '--json'];
    const made = JSON.parse((await cli(...generate, '--user-id', 'ada', ...kv)).out);
    expect(made).toMatchObject({ success: true, userId: 'ada' });
    expect((await cli('info', made.keyId, ...kv)).out).toContain('Name: svc\nStatus: active\nUser: ada\n');
    const rotated = JSON.parse((await cli('rotate', made.keyId, '--json', ...kv)).out);
    const kept = { name: 'svc', permissions: ['agent:*:execute'], rotatedFrom: made.keyId, userId: 'ada' };
    expect(rotated).toMatchObject(kept);
    expect(rotated.expiresAt - rotated.createdAt).toBe(30 * 86_400_000);
    expect((await cli('info', made.keyId, ...kv)).out).toContain('Status: revoked');
    const overlapped = JSON.parse((await cli('rotate', rotated.keyId, '--overlap', '24h', '--json', ...kv)).out);
    const old = JSON.parse((await cli('info', rotated.keyId, '--json', ...kv)).out);
    expect(old.status).toBe('active');
    expect(old.expiresAt).toBeLessThanOrEqual(Date.now() + 86_400_000);
    expect((await cli('revoke', overlapped.keyId, ...kv)).out).toContain('✓ API Key revoked');
    expect((await cli('rotate', overlapped.keyId, ...kv)).err).toContain('cannot be rotated');
    const listed = JSON.parse((await cli('list', '--json', ...kv)).out);
    expect(listed).toHaveLength(3);
    expect(JSON.stringify(listed)).not.toContain('cnd_live_');
    expect(readFileSync(`${store}.log`, 'utf8')).toContain('"--namespace-id","0123456789abcdef0123456789abcdef"');
  });

  test('what wrangler says goes to the user; what is no namespace, key or permission never reaches it', async () => {
    const generate = ['generate', '--name', 'a', '--permissions'];
    expect((await cli('info', 'key_none', '--kv', 'API_KEYS')).err).toContain('There is no API key key_none.');
    rmSync(`${store}.log`);
    expect((await cli('list', '--kv', 'a;rm -rf')).err).toContain('neither a binding');
    expect((await cli('info', 'key_1;x', '--kv', 'API_KEYS')).err).toContain('There is no API key');
    expect((await cli(...generate, 'billing', '--kv', 'API_KEYS')).err).toContain('is not a permission');
    expect((await cli(...generate, 'agnet:*', '--kv', 'API_KEYS')).err).toContain('Did you mean "agent:*"?');
    expect((await cli('list', '--kv', 'API_KEYS', '--url', 'http://127.0.0.1:1')).exitCode).toBe(2);
    expect(existsSync(`${store}.log`)).toBe(false);
    writeFileSync(join(directory, 'wrangler'), `#!/bin/sh\necho "You are not signed in" >&2\nexit 1\n`);
    expect((await cli('list', '--kv', 'API_KEYS')).err).toBe('error: wrangler failed: You are not signed in\n');
  });
});
