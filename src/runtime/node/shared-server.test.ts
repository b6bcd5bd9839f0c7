// Servers that share one Postgres, and the command line beside them.
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../../../tests/support/postgres-database.ts';
import { sessionName } from '../../access/sessions.ts';
import { runCli, type Stage } from '../../cli/cli.fixture.ts';
import { jsonLog } from '../log.ts';
import { nodeHost } from './cli-host.ts';
import type { RunningServer } from './server-options.ts';
import { startServer } from './start-server.ts';

const MASTER_KEY = Buffer.alloc(32, 7).toString('base64');
const PASSWORD = 'hush-hush-42';

let folder: string;
let url: string;
let logged: string;
const servers: RunningServer[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conductor-shared-'));
  const address = new URL(await createTestDatabase());
  address.password = PASSWORD;
  url = address.href;
  logged = '';
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await rm(folder, { recursive: true });
});

async function start(name: string, over: Partial<Parameters<typeof startServer>[0]> = {}): Promise<RunningServer> {
  const server = await startServer({
    dataDir: join(folder, name),
    port: 0,
    production: true,
    masterKey: MASTER_KEY,
    database: { url, poolSize: 4 },
    log: jsonLog((line) => {
      logged += line;
    }),
    ...over,
  });
  servers.push(server);
  return server;
}

async function call(server: RunningServer, method: string, path: string, body?: unknown, key = server.localKey) {
  const response = await fetch(server.url + path, {
    method,
    headers: { 'x-api-key': key, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, json: () => JSON.parse(text) };
}

const cli = (argv: readonly string[], stage: Stage = {}) =>
  runCli([...argv, '--data', join(folder, 'cli')], nodeHost(), {
    ...stage,
    env: { CONDUCTOR_DATABASE: url, CONDUCTOR_MASTER_KEY: MASTER_KEY, ...stage.env },
  });

const READ_ONLY = '-c default_transaction_read_only=on';
const FORGETFUL = '-c synchronous_commit=off';

const DEFINITION = { name: 'greet', tasks: [{ name: 'say', taskReferenceName: 'say', type: 'SIMPLE' }] };

describe('two servers', () => {
  test('are one: what is registered, started, polled and updated at either is so at both', async () => {
    const [a, b] = [await start('a'), await start('b')];
    expect((await call(a, 'POST', '/api/metadata/workflow', DEFINITION)).status).toBe(200);
    expect((await call(b, 'GET', '/api/metadata/workflow/greet')).status).toBe(200);
    const workflowInstanceId = (await call(a, 'POST', '/api/workflow/greet', {})).text;
    const [task] = (await call(b, 'GET', '/api/tasks/poll/batch/say?timeout=5000')).json();
    expect(task).toMatchObject({ workflowInstanceId });
    const result = { taskId: task.taskId, workflowInstanceId, status: 'COMPLETED', outputData: { said: 'hello' } };
    expect((await call(a, 'POST', '/api/tasks', result)).status).toBe(200);
    for (const server of [a, b]) {
      expect((await call(server, 'GET', `/api/workflow/${workflowInstanceId}`)).json().status).toBe('COMPLETED');
    }
  });

  test('a poll that waits at one is answered by a start at the other', async () => {
    const [a, b] = [await start('a'), await start('b')];
    await call(a, 'POST', '/api/metadata/workflow', DEFINITION);
    const waiting = call(b, 'GET', '/api/tasks/poll/batch/say?timeout=5000');
    await expect.poll(() => b.orchestrator.stats().waitingPollers).toBe(1);
    const workflowInstanceId = (await call(a, 'POST', '/api/workflow/greet', {})).text;
    expect((await waiting).json()).toMatchObject([{ workflowInstanceId }]);
  });

  test('a key of either is good at both, and revoked at one is refused at the next request of the other', async () => {
    const [a, b] = [await start('a'), await start('b')];
    const { key, keyId } = (
      await call(a, 'POST', '/api/v1/admin/keys', { name: 'k', permissions: ['*'], expires: '1d' })
    ).json();
    const status = async () => (await call(b, 'GET', '/api/metadata/workflow', undefined, key)).status;
    expect(await status()).toBe(200);
    expect((await call(a, 'DELETE', `/api/v1/admin/keys/${keyId}`)).status).toBe(200);
    expect(await status()).toBe(401);
  });

  test('a token of one is good at the other', async () => {
    const [a, b] = [await start('a'), await start('b')];
    const made = await call(a, 'POST', '/api/v1/admin/keys', { name: 'k', permissions: ['*'], expires: '1d' });
    const { key, keyId } = made.json();
    const { token } = (await call(a, 'POST', '/api/token', { keyId, keySecret: key })).json();
    const reply = await fetch(`${b.url}/api/metadata/workflow`, { headers: { 'x-authorization': token } });
    expect(reply.status).toBe(200);
  });

  test('keep what agents and sessions keep by key in the database: what one keeps, the other finds', async () => {
    const project = { directory: join(folder, 'project') };
    const agent = join(project.directory, 'agents/remember');
    await mkdir(agent, { recursive: true });
    await writeFile(
      join(agent, 'agent.yaml'),
      'name: remember\noperation: storage\nconfig: { backend: kv, binding: SESSIONS, operation: get }\n',
    );
    const session = { userId: 'ada', permissions: ['agent:*:execute'], roles: [], expiresMs: Date.now() + 60_000 };
    const config = { auth: { provider: 'cookie' } };
    await writeFile(join(project.directory, 'conductor.config.json'), JSON.stringify(config));
    const [a, b] = await Promise.all([start('a', { project }), start('b', { project })]);
    const remember = async (at: RunningServer, operation: string, input: object = {}) =>
      (await call(at, 'POST', '/api/v1/execute/agent/remember', { input, config: { operation } })).json().data;
    expect(await remember(a, 'put', { key: 'k', value: { n: 1 } })).toMatchObject({ success: true });
    expect(await remember(b, 'get', { key: 'k' })).toMatchObject({ found: true, value: { n: 1 } });
    expect(await remember(b, 'list')).toMatchObject({ keys: ['k'] });
    await remember(a, 'put', { key: sessionName('a-session'), value: session });
    const asAda = () => fetch(`${b.url}/api/v1/agents`, { headers: { cookie: 'session_token=a-session' } });
    expect((await asAda()).status).toBe(200);
    expect(await remember(a, 'delete', { key: sessionName('a-session') })).toMatchObject({ success: true });
    expect((await asAda()).status).toBe(401);
    expect(await remember(b, 'delete', { key: 'k' })).toMatchObject({ success: true });
    expect(await remember(a, 'get', { key: 'k' })).toMatchObject({ found: false });
  });

  test('leave no connection behind when they end', async () => {
    const both = [await start('a'), await start('b')];
    await Promise.all(both.map((server) => server.close()));
    const client = new pg.Client(url);
    await client.connect();
    const count = async () => {
      const { rows } = await client.query<{ n: number }>(
        'select count(*)::int as n from pg_stat_activity where datname = current_database()',
      );
      return rows[0]?.n;
    };
    // The database takes a moment to notice that a client has said goodbye.
    await expect.poll(count).toBe(1);
    await client.end();
  });

  test('remove what has passed its age, both at once', async () => {
    const [a, b] = [await start('a'), await start('b')];
    await call(a, 'POST', '/api/metadata/workflow', DEFINITION);
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => (await call(a, 'POST', '/api/workflow/greet', {})).text),
    );
    const [open = '', ...ended] = ids;
    for (const id of ended) await call(b, 'DELETE', `/api/workflow/${id}`);
    const ages = { runsEndedBeforeMs: Date.now() + 1, auditBeforeMs: 0 };
    const gone = await Promise.all([a, b].map(({ store }) => store.prune(ages, 200)));
    expect(gone.reduce((sum, n) => sum + n)).toBe(ended.length);
    expect(await a.store.reads.runRowId(open)).not.toBeNull();
    expect(await b.store.reads.runRowId(ended[0] ?? '')).toBeNull();
  });
});

describe('the master key', () => {
  test('is needed in production, and by who stores a secret', async () => {
    await expect(start('a', { masterKey: undefined })).rejects.toThrow('CONDUCTOR_MASTER_KEY');
    const without = await cli(['secrets', 'set', 'stripe'], { stdin: 'sk_test_1', env: { CONDUCTOR_MASTER_KEY: '' } });
    expect(without.exitCode).toBe(1);
    expect(without.err).toContain('need a master key');
  });

  test('of another server is refused, by servers and by commands', async () => {
    const server = await start('a');
    const other = Buffer.alloc(32, 8).toString('base64');
    await expect(start('b', { masterKey: other })).rejects.toThrow('used with another master key');
    const secret = await cli(['secrets', 'set', 'stripe'], {
      stdin: 'sk_test_1',
      env: { CONDUCTOR_MASTER_KEY: other },
    });
    expect([secret.exitCode, secret.err]).toEqual([1, expect.stringContaining('used with another master key')]);
    expect((await call(server, 'GET', '/vault/secrets')).json().secrets).toEqual([]);
  });
});

describe('the command line', () => {
  test('works on the database, and servers heed it from the next request on', async () => {
    const server = await start('a');
    const made = await cli(['keys', 'generate', '--name', 'k', '--permissions', '*', '--json']);
    expect(made.err).toBe('');
    const { key, keyId } = JSON.parse(made.out);
    const status = async () => (await call(server, 'GET', '/api/metadata/workflow', undefined, key)).status;
    expect(await status()).toBe(200);
    expect((await cli(['keys', 'revoke', keyId])).exitCode).toBe(0);
    expect(await status()).toBe(401);
    expect((await cli(['secrets', 'set', 'stripe'], { stdin: 'sk_test_1' })).exitCode).toBe(0);
    expect((await call(server, 'GET', '/vault/secrets')).json().secrets).toMatchObject([{ vendor: 'stripe' }]);
  });

  test('asks the server of its directory when that works on the same database, and no other', async () => {
    const server = await start('cli');
    await server.access.generateKey({ name: 'shared', permissions: ['*'], expiresMs: 0 });
    expect((await cli(['keys', 'list'])).out).toContain('shared');
    const elsewhere = await cli(['keys', 'list'], { env: { CONDUCTOR_DATABASE: await createTestDatabase() } });
    expect(elsewhere.out).toContain('No API keys');
  });

  test('start serves on it', async () => {
    const printed = await cli(['start', '--port', '0', '--keep-runs', '30d', '--database-pool', '4'], {
      whileRunning: async (out) => {
        const health = await fetch(`${/running at (\S+)/.exec(out)?.[1]}/health`);
        expect(health.status).toBe(200);
      },
    });
    expect(printed.exitCode).toBe(0);
    expect(printed.err).toContain('"message":"started"');
    expect(printed.err).not.toContain(PASSWORD);
  });
});

describe('a database that cannot be used', () => {
  test('ends the start at once with what, where and how to mend it, and without the password', async () => {
    const at = (change: (address: URL) => void) => {
      const address = new URL(url);
      change(address);
      return address.href;
    };
    const cases = [
      [at((address) => (address.port = '1')), /127\.0\.0\.1:1\/\w+ cannot be used: .*ECONNREFUSED.*Start Postgres/],
      [at((address) => (address.pathname = '/nowhere')), /database "nowhere" does not exist\. Make the database first/],
      [at((address) => (address.username = 'nobody')), /role "nobody" does not exist\. Correct the user name/],
      [at((address) => address.searchParams.set('options', READ_ONLY)), /read-only transaction.*one that takes writes/],
      [at((address) => (address.hostname = 'no-such-host.invalid')), /no-such-host\.invalid.*The host name/],
    ] as const;
    for (const [database, words] of cases) {
      const printed = await cli(['start', '--port', '0'], { env: { CONDUCTOR_DATABASE: database } });
      expect(printed).toMatchObject({ exitCode: 1, out: '', err: expect.stringMatching(words) });
      expect(printed.err).not.toContain(PASSWORD);
      const keys = await cli(['keys', 'list'], { env: { CONDUCTOR_DATABASE: database, CONDUCTOR_DEBUG: '1' } });
      expect(keys).toMatchObject({ exitCode: 1, err: expect.stringMatching(words) });
      expect(keys.err).not.toContain(PASSWORD);
    }
  });

  test('needs no right to create tables where all are there', async () => {
    await (await start('a')).close();
    const client = new pg.Client(url);
    await client.connect();
    const role = `user_${randomUUID().replaceAll('-', '')}`;
    await client.query(`create role ${role} login; grant all on all tables in schema public to ${role};
      grant all on all sequences in schema public to ${role}`);
    const address = new URL(url);
    address.username = role;
    await (await start('b', { database: { url: address.href } })).close();
    await client.query(`drop owned by ${role}; drop role ${role}`);
    await client.end();
  });

  test('written by a newer version is left alone', async () => {
    await (await start('a')).close();
    const client = new pg.Client(url);
    await client.connect();
    await client.query("insert into schema_migration (version, file) values (9000, '9000-later.sql')");
    await client.end();
    await expect(start('b')).rejects.toThrow('schema version 9000');
  });
});

test('the password is in no file, no log and no answer of a server', async () => {
  const server = await start('a');
  const record = await readFile(join(folder, 'a', 'server.json'), 'utf8');
  expect(JSON.parse(record).database).toMatch(/^postgres:\/\/postgres@127\.0\.0\.1:\d+\/test_/);
  expect(logged).toContain('"message":"started"');
  expect(record + logged + (await call(server, 'GET', '/health')).text).not.toContain(PASSWORD);
});

describe('doctor', () => {
  const findings = async (env: Stage['env'] = {}) => {
    const printed = await cli(['doctor', '--json'], { env });
    expect(printed.out + printed.err).not.toContain(PASSWORD);
    const found: { check: string; ok: boolean; detail: string }[] = JSON.parse(printed.out);
    return { exitCode: printed.exitCode, by: Object.fromEntries(found.map((finding) => [finding.check, finding])) };
  };

  test('looks at the database without changing it', async () => {
    const empty = await findings();
    expect(empty.exitCode).toBe(0);
    expect(empty.by.Database?.detail).toMatch(/^postgres:\/\/postgres@127\.0\.0\.1:\d+\/test_\w+; PostgreSQL 1\d/);
    expect(empty.by.Schema?.detail).toContain('none yet');
    expect(empty.by.Writes?.ok).toBe(true);
    expect(empty.by.Durability?.ok).toBe(true);
    expect(empty.by.Clock?.ok).toBe(true);
    expect(empty.by.LISTEN).toMatchObject({ ok: true, detail: 'a notice came through' });
    expect(empty.by.Connections?.detail).toMatch(/^11 of 197 a replica/);
    expect((await findings()).by.Schema?.detail).toContain('none yet');
    await start('a');
    const newest = readdirSync(new URL('../../store/postgres/migrations/', import.meta.url))
      .sort()
      .at(-1);
    expect((await findings()).by.Schema?.detail).toBe(`version ${Number(newest?.slice(0, 4))}`);
  });

  test('says what is wrong with it', async () => {
    const greedy = await findings({ CONDUCTOR_DATABASE_POOL: '500' });
    expect(greedy.exitCode).toBe(1);
    expect(greedy.by.Connections).toMatchObject({
      ok: false,
      detail: expect.stringContaining('lower --database-pool'),
    });
    const away = new URL(url);
    away.port = '1';
    const absent = await findings({ CONDUCTOR_DATABASE: away.href });
    expect(absent.exitCode).toBe(1);
    expect(absent.by.Database).toMatchObject({ ok: false, detail: expect.stringContaining('ECONNREFUSED') });
    const odd = new URL(url);
    odd.searchParams.set('options', READ_ONLY);
    const refusing = await findings({ CONDUCTOR_DATABASE: odd.href });
    expect(refusing.by.Writes).toMatchObject({ ok: false, detail: expect.stringContaining('standby') });
    odd.searchParams.set('options', FORGETFUL);
    const forgetful = await findings({ CONDUCTOR_DATABASE: odd.href });
    expect(forgetful.by.Durability).toMatchObject({ ok: false, detail: expect.stringContaining('synchronous_commit') });
    const deaf = await findings({ CONDUCTOR_DATABASE_LISTEN: await createTestDatabase() });
    expect(deaf.by.LISTEN).toMatchObject({ ok: false, detail: expect.stringContaining('--database-listen') });
  });
});
