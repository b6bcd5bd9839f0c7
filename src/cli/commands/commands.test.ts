import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodeHost } from '../../runtime/node/cli-host.ts';
import { type RunningServer, startServer } from '../../runtime/node/start-server.ts';
import { runCli, type Stage } from '../cli.fixture.ts';

const host = nodeHost();
let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'conductor-cli-'));
});

afterEach(async () => {
  await rm(dataDir, { recursive: true });
});

const cli = (argv: readonly string[], stage: Stage = {}) =>
  runCli(argv, host, { ...stage, env: { CONDUCTOR_DATA: dataDir, ...stage.env } });

const GENERATE = ['keys', 'generate', '--name', 'billing-service'];
const BILLING = ['--permissions', 'ensemble:billing-*:execute,ensemble:invoice-*:execute', '--expires', '90d'];

function dayAfter(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
}

describe('keys', () => {
  test('S10: generate prints what the documentation prints', async () => {
    const { exitCode, out, err } = await cli([...GENERATE, ...BILLING]);
    expect(err).toBe('');
    expect(exitCode).toBe(0);
    const [headline, id, key, ...rest] = out.split('\n');
    expect(headline).toBe('✓ API Key generated');
    expect(id).toMatch(/^Key ID: key_[0-9A-Za-z]{16}$/);
    expect(key).toMatch(/^Key: cnd_live_[0-9A-Za-z]{49}$/);
    expect(rest).toEqual([
      'Permissions: ensemble:billing-*:execute, ensemble:invoice-*:execute',
      `Expires: ${dayAfter(90)}`,
      "⚠️ Save this key now - it won't be shown again!",
      '',
    ]);
  });

  test('S10: list, info, rotate and revoke work on what generate made, with no server running', async () => {
    const made = JSON.parse((await cli([...GENERATE, ...BILLING, '--json'])).out);
    expect(made).toMatchObject({ success: true, name: 'billing-service', status: 'active' });
    expect((await cli(['keys', 'info', made.keyId])).out).toContain('Name: billing-service\nStatus: active\n');

    const rotated = JSON.parse((await cli(['keys', 'rotate', made.keyId, '--json'])).out);
    expect(rotated).toMatchObject({ name: made.name, permissions: made.permissions, rotatedFrom: made.keyId });
    expect(rotated.key).not.toBe(made.key);

    const listed = JSON.parse((await cli(['keys', 'list', '--json'])).out);
    expect(listed.map((key: { keyId: string; status: string }) => [key.keyId, key.status]).sort()).toEqual(
      [
        [made.keyId, 'revoked'],
        [rotated.keyId, 'active'],
      ].sort(),
    );
    expect(JSON.stringify(listed)).not.toContain('cnd_live_');

    expect((await cli(['keys', 'revoke', rotated.keyId])).out).toBe(
      `✓ API Key revoked\nKey ID: ${rotated.keyId}\nName: billing-service\n`,
    );
    expect((await cli(['keys', 'list'])).out).toMatch(/^KEY ID +NAME +STATUS +CREATED +EXPIRES +PERMISSIONS\n/);
    expect((await cli(['keys', 'info', rotated.keyId])).out).toContain('Status: revoked');
  });

  test('S10: --user-id says whose requests the key’s are, and stays with it', async () => {
    const made = JSON.parse((await cli([...GENERATE, ...BILLING, '--user-id', 'ada', '--json'])).out);
    expect(made).toMatchObject({ success: true, userId: 'ada' });
    expect((await cli(['keys', 'info', made.keyId])).out).toContain('Status: active\nUser: ada\n');
    const rotated = JSON.parse((await cli(['keys', 'rotate', made.keyId, '--json'])).out);
    expect(rotated).toMatchObject({ rotatedFrom: made.keyId, userId: 'ada' });
    const [first] = JSON.parse((await cli(['keys', 'list', '--json'])).out);
    expect(first).toMatchObject({ userId: 'ada' });
    expect((await cli([...GENERATE, ...BILLING, '--user-id', ' '])).err).toContain('user id');
  });

  test('a key may expire never', async () => {
    const { out } = await cli([...GENERATE, '--permissions', '*', '--expires', 'never']);
    expect(out).toContain('Permissions: *\nExpires: never\n');
  });

  test('mistakes are one line on stderr; the exit code tells a wrong command line from a failure', async () => {
    const cases = [
      [[...GENERATE], 2, 'Say what the key may do'],
      [['keys', 'generate', '--permissions', '*'], 2, 'Name the key'],
      [['keys', 'generate', '--nmae', 'x'], 2, "unknown option '--nmae'"],
      [['keys', 'info'], 2, "missing required argument 'id'"],
      [['keys', 'list', 'surplus'], 2, 'too many arguments'],
      [[...GENERATE, '--permissions', '*', '--expires', 'soon'], 1, 'Invalid expiration format: soon'],
      [[...GENERATE, '--permissions', 'billing'], 1, '"billing" is not a permission'],
      [[...GENERATE, '--permissions', 'bogus:perm'], 1, '"bogus:perm" is not a permission'],
      [['keys', 'info', 'key_none'], 1, 'There is no API key key_none. List them: conductor keys list\n'],
      [['keys', 'revoke', 'key_none'], 1, 'There is no API key key_none. List them: conductor keys list\n'],
      [['keys', 'rotate', 'key_none', '--overlap', '15m'], 1, 'key_none. List them: conductor keys list\n'],
      [['keys', 'list', '--url', 'http://127.0.0.1:1'], 1, 'needs a credential'],
      [['keys', 'list', '--url', 'http://127.0.0.1:1', '--api-key', 'x'], 1, 'does not answer'],
    ] as const;
    for (const [argv, exitCode, words] of cases) {
      const printed = await cli(argv);
      expect(printed.exitCode, argv.join(' ')).toBe(exitCode);
      expect(printed.err).toContain(words);
      expect(printed.out).toBe('');
    }
  });

  test('help and version are no errors', async () => {
    expect(await cli(['--version'])).toEqual({ exitCode: 0, out: `${host.version}\n`, err: '' });
    expect((await cli(['version', '--json'])).out).toBe(`{"version":"${host.version}"}\n`);
    const help = await cli(['keys', '--help']);
    expect(help.exitCode).toBe(0);
    expect(help.out).toContain('rotate');
  });
});

describe('against a running server', () => {
  let server: RunningServer;

  beforeEach(async () => {
    server = await startServer({ dataDir, port: 0 });
  });

  afterEach(() => server.close());

  const status = async (key: string) =>
    (await fetch(`${server.url}/api/metadata/workflow`, { headers: { 'x-api-key': key } })).status;

  test('S9: a generated key works at the next request, and not after its revocation', async () => {
    const { key, keyId } = JSON.parse((await cli([...GENERATE, '--permissions', '*', '--json'])).out);
    expect(await status(key)).toBe(200);
    expect((await cli(['keys', 'revoke', keyId])).exitCode).toBe(0);
    expect(await status(key)).toBe(401);
  });

  test('rotation with an overlap keeps both keys alive', async () => {
    const { key, keyId } = JSON.parse((await cli([...GENERATE, '--permissions', '*', '--json'])).out);
    const { out } = await cli(['keys', 'rotate', keyId, '--overlap', '1h']);
    expect(out).toContain('✓ API Key rotated\n');
    expect(out).toContain(`Old key: ${keyId} works for another 1h\n`);
    const fresh = /^Key: (\S+)$/m.exec(out)?.[1] ?? '';
    expect(await status(key)).toBe(200);
    expect(await status(fresh)).toBe(200);
  });

  test('a named server is asked with the given key, which must be allowed to', async () => {
    const weak = JSON.parse((await cli([...GENERATE, '--permissions', 'task:*:poll', '--json'])).out);
    const env = { CONDUCTOR_URL: `${server.url}/api`, CONDUCTOR_API_KEY: weak.key };
    const refused = await cli(['keys', 'list'], { env });
    expect(refused).toMatchObject({ exitCode: 1, err: 'error: Missing required permission: keys:*:manage\n' });
    const own = await cli(['keys', 'list', '--json'], { env: { CONDUCTOR_URL: server.url } });
    expect(JSON.parse(own.out)).toHaveLength(1);
  });

  test('secrets are stored, listed and removed; they are never printed', async () => {
    const secret = 'sk_test_4eC39HqLyjWDarjtT1zdp7dc';
    const stored = await cli(['secrets', 'set', 'stripe'], { stdin: `${secret}\n` });
    expect(stored).toEqual({ exitCode: 0, out: '✓ Secret of stripe stored\n', err: '' });
    const listed = await cli(['secrets', 'list', '--json']);
    expect(JSON.parse(listed.out)).toMatchObject([{ vendor: 'stripe', source: 'store' }]);
    expect(listed.out).not.toContain(secret);
    expect((await cli(['secrets', 'set', 'stripe', '--from-env', 'KEY'], { env: { KEY: secret } })).exitCode).toBe(0);
    const spaced = await cli(['secrets', 'set', 'stripe'], { stdin: `${secret} ${secret}` });
    expect(spaced.exitCode).toBe(1);
    expect(spaced.err).not.toContain(secret);
    expect((await cli(['secrets', 'remove', 'stripe'])).out).toBe('✓ Secret of stripe removed\n');
    expect((await cli(['secrets', 'list'])).out).toContain('No vendor secrets');
    expect((await cli(['secrets', 'remove', 'stripe'])).exitCode).toBe(1);
    expect((await cli(['secrets', 'set', 'stripe', '--from-env', 'NOT_SET'])).err).toContain('NOT_SET is not set');
  });
});

describe('secrets without a server', () => {
  test('wait in the store for the next start', async () => {
    expect((await cli(['secrets', 'set', 'stripe'], { stdin: 'sk_test_offline' })).exitCode).toBe(0);
    const server = await startServer({ dataDir, port: 0 });
    expect((await cli(['secrets', 'list'])).out).toMatch(/stripe +default +store/);
    await server.close();
  });
});

describe('dev and start', () => {
  test('dev prints a key once, at the first start', async () => {
    let first = '';
    const answered = async (out: string) => {
      const url = /running at (\S+)/.exec(out)?.[1] ?? '';
      first = /^Key: (\S+)$/m.exec(out)?.[1] ?? '';
      const response = await fetch(`${url}/api/metadata/workflow`, { headers: { 'x-api-key': first } });
      expect(response.status).toBe(200);
    };
    const printed = await cli(['dev', '--port', '0'], { whileRunning: answered });
    expect(printed.exitCode).toBe(0);
    expect(first).toMatch(/^cnd_live_/);
    const again = await cli(['dev', '--port', '0']);
    expect(again.out).not.toContain('cnd_live_');
    expect(again.out).toContain('Sign in with an API key');
    expect(again.out).toContain(`lies in ${join(dataDir, 'local.key')}\n`);
  });

  test('dev --open says loudly that nobody is asked for a key', async () => {
    const printed = await cli(['dev', '--open', '--port', '0']);
    expect(printed.err).toContain('AUTHENTICATION IS OFF');
    expect(printed.out).not.toContain('cnd_live_');
  });

  test('dev --open on all addresses is refused', async () => {
    const printed = await cli(['dev', '--open', '--host', '0.0.0.0', '--port', '0']);
    expect(printed).toMatchObject({ exitCode: 1, out: '' });
    expect(printed.err).toContain('refused on 0.0.0.0');
  });

  test('start needs a master key, by environment or file, and knows no --open', async () => {
    const bare = await cli(['start', '--port', '0']);
    expect(bare.exitCode).toBe(1);
    expect(bare.err).toContain('CONDUCTOR_MASTER_KEY');
    expect((await cli(['start', '--open'])).exitCode).toBe(2);
    const key = Buffer.alloc(32, 3).toString('base64');
    expect((await cli(['start', '--port', '0'], { env: { CONDUCTOR_MASTER_KEY: key } })).out).toContain(
      'is running at',
    );
    const file = join(dataDir, 'key-file');
    await writeFile(file, `${key}\n`);
    expect((await cli(['start', '--port', '0', '--master-key-file', file])).exitCode).toBe(0);
    for (const port of ['http', '99999', '65536', '-1']) {
      const refused = await cli(['start', '--port', port]);
      expect(refused, port).toMatchObject({ exitCode: 2, out: '' });
      if (port !== '-1') expect(refused.err).toBe(`error: --port must be a number from 0 to 65535, not "${port}".\n`);
    }
  });
});

describe('a master key file that is of no use', () => {
  test.each([
    ['none', 'cannot be read: there is no such file.'],
    ['.', 'cannot be read: it is a directory.'],
    ['short', 'holds 5 bytes; it must be 32 in base64.'],
    ['empty', 'holds 0 bytes; it must be 32 in base64.'],
  ])('%s', async (name, words) => {
    await writeFile(join(dataDir, 'short'), 'c2hvcnQ=\n');
    await writeFile(join(dataDir, 'empty'), '');
    const file = join(dataDir, name);
    const refused = await cli(['start', '--port', '0', '--master-key-file', file]);
    expect(refused).toEqual({ exitCode: 1, out: '', err: `error: The master key file ${file} ${words}\n` });
    const { exitCode, out } = await cli(['doctor', '--master-key-file', file]);
    expect(exitCode).toBe(1);
    expect(out).toContain(`✗ Master key: The master key file ${file} ${words}`);
  });
});

describe('a data directory that is of no use', () => {
  test.each([
    ['a file', 'file', 'there is a file at '],
    ['below a file', 'file/data', 'there is a file on the way to '],
    ['where nothing can be made', '/proc/conductor/data', ''],
  ])('%s', async (_what, path, words) => {
    await writeFile(join(dataDir, 'file'), '');
    const data = resolve(dataDir, path);
    for (const command of [
      ['dev', '--port', '0'],
      ['keys', 'list'],
    ]) {
      const refused = await cli([...command, '--data', data]);
      expect(refused).toMatchObject({ exitCode: 1, out: '' });
      expect(refused.err).toContain(`error: The data directory ${data} cannot be used: ${words}`);
      expect(refused.err).toMatch(/\. Choose another with --data \(CONDUCTOR_DATA\)/);
    }
    expect((await cli(['doctor', '--data', data])).exitCode).toBe(1);
  });
});

describe('doctor', () => {
  test('tells a master key that dev has made from none', async () => {
    expect((await cli(['doctor'])).out).toContain('✓ Master key: not set: `dev` makes one in the data directory');
    await cli(['dev', '--port', '0']);
    const file = join(dataDir, 'master.key');
    expect((await cli(['doctor'])).out).toContain(`✓ Master key: not set: \`dev\` uses ${file}, \`start\` refuses`);
  });

  test('finds nothing wrong with a new directory, and names what is wrong with a short master key', async () => {
    const well = await cli(['doctor', '--json']);
    expect(JSON.parse(well.out).filter((finding: { ok: boolean }) => !finding.ok)).toEqual([]);
    expect(well.exitCode).toBe(0);
    const ill = await cli(['doctor'], { env: { CONDUCTOR_MASTER_KEY: 'c2hvcnQ=' } });
    expect(ill.exitCode).toBe(1);
    expect(ill.out).toContain('✗ Master key: 5 bytes');
  });
});
