import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningServer, type ServerOptions, startServer } from './start-server.ts';
import { packageVersion } from './version.ts';

/** For tests that leave no trace another could see; starting one takes a while. */
let server: RunningServer;
let sharedDir: string;

/** For tests that start, stop or restart their own. */
let dataDir: string;
const running: RunningServer[] = [];

beforeAll(async () => {
  sharedDir = await mkdtemp(join(tmpdir(), 'conductor-shared-'));
  server = await startServer({ dataDir: sharedDir, port: 0 });
});

afterAll(async () => {
  await server.close();
  await rm(sharedDir, { recursive: true });
});

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'conductor-server-'));
});

afterEach(async () => {
  for (const each of running.splice(0)) await each.close();
  await rm(dataDir, { recursive: true });
});

async function start(options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const started = await startServer({ dataDir, port: 0, ...options });
  running.push(started);
  return started;
}

type Headers = Record<string, string>;

async function get(at: RunningServer, path: string, headers: Headers = {}) {
  const response = await fetch(at.url + path, { headers });
  return { status: response.status, text: await response.text() };
}

async function post(at: RunningServer, path: string, body: unknown, headers: Headers = {}, method = 'POST') {
  const response = await fetch(at.url + path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, text, headers: response.headers };
}

const operator = (at: RunningServer): Headers => ({ 'x-api-key': at.localKey });

const WORKFLOW = {
  name: 'greet',
  tasks: [{ name: 'say', taskReferenceName: 'say', type: 'SIMPLE', inputParameters: { to: '${workflow.input.to}' } }],
};

describe('credentials', () => {
  test('every route but the public ones answers 401 without a credential', async () => {
    for (const path of ['/api/metadata/workflow', '/api/tasks/poll/batch/say', '/api/v1/admin/keys', '/metrics']) {
      expect((await get(server, path)).status, path).toBe(401);
    }
    expect((await post(server, '/api/workflow', {})).status).toBe(401);
    expect((await post(server, '/api/tasks', {})).status).toBe(401);
    expect((await get(server, '/health')).status).toBe(200);
  });

  test('a key works from the request after it was made until the request after it was revoked', async () => {
    const made = await post(
      server,
      '/api/v1/admin/keys',
      { name: 'reader', permissions: ['metadata:*:read', 'workflow:*'] },
      operator(server),
    );
    expect(made.status).toBe(201);
    const { key, keyId } = JSON.parse(made.text);
    expect((await get(server, '/api/metadata/workflow', { 'x-api-key': key })).status).toBe(200);
    expect((await get(server, '/api/metadata/workflow', { authorization: `Bearer ${key}` })).status).toBe(200);
    const path = `/api/v1/admin/keys/${keyId}`;
    expect((await post(server, path, '', operator(server), 'DELETE')).status).toBe(200);
    expect((await get(server, '/api/metadata/workflow', { 'x-api-key': key })).status).toBe(401);
  });

  test('an SDK signs in at /api/token, and its token dies with its key', async () => {
    const { key, record } = await server.access.generateKey({ name: 'sdk', permissions: ['*'], expiresMs: 0 });
    const signedIn = await post(server, '/api/token', { keyId: record.id, keySecret: key });
    const { token } = JSON.parse(signedIn.text);
    expect((await get(server, '/api/tasks/queue/all', { 'x-authorization': token })).status).toBe(200);
    await server.access.revokeKey(record.id);
    const refused = await get(server, '/api/tasks/queue/all', { 'x-authorization': token });
    expect(refused.status).toBe(401);
    expect(JSON.parse(refused.text)).toMatchObject({ error: 'INVALID_TOKEN' });
    expect((await post(server, '/api/token', { keyId: record.id, keySecret: key })).status).toBe(401);
  });

  test('an expired key is refused', async () => {
    const { key } = await server.access.generateKey({ name: 'old', permissions: ['*'], expiresMs: Date.now() - 1 });
    expect((await get(server, '/api/metadata/workflow', { 'x-api-key': key })).status).toBe(401);
  });

  test('a key without the permission is told which one it lacks', async () => {
    const { key } = await server.access.generateKey({ name: 'p', permissions: ['task:say:poll'], expiresMs: 0 });
    const refused = await get(server, '/api/v1/admin/keys', { 'x-api-key': key });
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('keys:*:manage');
    expect((await get(server, '/api/tasks/poll/batch/say?timeout=0', { 'x-api-key': key })).status).toBe(200);
    expect((await get(server, '/api/tasks/poll/batch/other?timeout=0', { 'x-api-key': key })).status).toBe(403);
  });

  test('who manages keys cannot make, or rotate into, a key that may do more', async () => {
    const { access } = server;
    const clerk = await access.generateKey({ name: 'clerk', permissions: ['keys:*:manage'], expiresMs: 0 });
    const root = await access.generateKey({ name: 'root', permissions: ['*'], expiresMs: 0 });
    const asClerk = { 'x-api-key': clerk.key };
    const made = await post(server, '/api/v1/admin/keys', { name: 'x', permissions: ['*'] }, asClerk);
    expect(made.status).toBe(403);
    expect((await post(server, `/api/v1/admin/keys/${root.record.id}/rotate`, {}, asClerk)).status).toBe(403);
  });

  test('keys, and the tokens of keys, outlive a restart', async () => {
    const first = await start();
    const { key, record } = await first.access.generateKey({ name: 'k', permissions: ['*'], expiresMs: 0 });
    const { token } = first.access.issueToken(record.id, key);
    await first.close();
    const second = await start();
    expect((await get(second, '/api/metadata/workflow', { 'x-api-key': key })).status).toBe(200);
    expect((await get(second, '/api/metadata/workflow', { 'x-authorization': token })).status).toBe(200);
    expect(second.localKey).toBe(first.localKey);
  });
});

describe('what a server refuses to start as', () => {
  test('--open on an address that others can reach', async () => {
    await expect(start({ open: true, host: '0.0.0.0' })).rejects.toThrow('refused on 0.0.0.0');
    await expect(start({ open: true, host: '192.168.1.5' })).rejects.toThrow('--open');
    expect(await readdir(dataDir)).toEqual([]);
  });

  test('production without a master key, and production with --open', async () => {
    await expect(start({ production: true })).rejects.toThrow('CONDUCTOR_MASTER_KEY');
    await expect(start({ production: true, masterKey: 'c2hvcnQ=' })).rejects.toThrow('32 bytes');
    const masterKey = Buffer.alloc(32, 1).toString('base64');
    await expect(start({ production: true, masterKey, open: true })).rejects.toThrow('--open');
    expect((await get(await start({ production: true, masterKey }), '/health')).status).toBe(200);
    expect(await readdir(dataDir)).not.toContain('master.key');
  });

  test('a second server on the same data directory, or on a port that is taken', async () => {
    const first = await start();
    await expect(start()).rejects.toThrow(/open|use/);
    const other = await mkdtemp(join(tmpdir(), 'conductor-other-'));
    const { port } = new URL(first.url);
    await expect(start({ dataDir: other, port: Number(port) })).rejects.toThrow('is taken');
    await rm(other, { recursive: true });
    expect((await get(first, '/health')).status).toBe(200);
  });
});

describe('--open', () => {
  test('asks for no credential, but refuses pages and names from elsewhere', async () => {
    const own = await start({ open: true });
    expect((await get(own, '/api/metadata/workflow')).status).toBe(200);
    expect((await get(own, '/api/metadata/workflow', { origin: 'https://evil.example' })).status).toBe(403);
    const rebound = await new Promise<number>((resolve, reject) => {
      const headers = { host: 'evil.example' };
      httpRequest(`${own.url}/api/metadata/workflow`, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .on('error', reject)
        .end();
    });
    expect(rebound).toBe(403);
  });
});

describe('files', () => {
  test('secrets are readable by their owner alone, and the address is there while it runs', async () => {
    const own = await start();
    for (const name of ['master.key', 'local.key', 'server.json']) {
      expect((await stat(join(dataDir, name))).mode & 0o777, name).toBe(0o600);
    }
    expect(JSON.parse(await readFile(join(dataDir, 'server.json'), 'utf8'))).toEqual({
      pid: process.pid,
      url: own.url,
    });
    await own.close();
    expect(await readdir(dataDir)).not.toContain('server.json');
  });
});

describe('the version of the project', () => {
  test('is told by /health, the docs and inspect-context, and is not the server’s', async () => {
    const directory = join(dataDir, 'project');
    await mkdir(directory);
    await writeFile(join(directory, 'conductor.config.ts'), "export default { name: 'shop', version: '1.4.2' };");
    const at = await start({ dataDir: join(dataDir, 'data'), project: { directory } });
    for (const path of ['/health', '/api/health']) {
      expect(JSON.parse((await get(at, path)).text)).toMatchObject({ healthy: true, version: '1.4.2' });
    }
    expect((await get(at, '/docs')).text).toContain('1.4.2');
    const inspected = await post(at, '/api/v1/execute/agent/inspect-context', { input: {} }, operator(at));
    expect(JSON.parse(inspected.text).data.project).toMatchObject({ name: 'shop', version: '1.4.2' });
    expect((await get(at, '/api/version', operator(at))).text).toBe(packageVersion());
    expect(JSON.parse((await get(server, '/health')).text)).not.toHaveProperty('version');
  });
});

describe('both mounts', () => {
  test('a workflow runs over the fast routes, and history reads are recorded', async () => {
    const as = operator(server);
    expect((await post(server, '/api/metadata/workflow', WORKFLOW, as)).status).toBe(200);
    const started = await post(server, '/api/workflow/greet', { to: 'Ada' }, as);
    expect(started.status).toBe(200);
    expect(started.headers.get('content-type')).toContain('text/plain');
    const workflowId = started.text;
    const [task] = JSON.parse((await get(server, '/api/tasks/poll/batch/say?timeout=1000', as)).text);
    expect(task).toMatchObject({ inputData: { to: 'Ada' }, workflowInstanceId: workflowId });
    const result = { taskId: task.taskId, workflowInstanceId: workflowId, status: 'COMPLETED', outputData: { ok: 1 } };
    const updated = await post(server, '/api/tasks/update-v2', result, as);
    expect(updated.status).toBe(204);
    expect(updated.headers.get('content-type')).toBeNull();
    expect(JSON.parse((await get(server, `/api/workflow/${workflowId}`, as)).text).status).toBe('COMPLETED');
    const reads = await get(server, `/api/v1/admin/history-reads?workflowId=${workflowId}`, as);
    expect(JSON.parse(reads.text).historyReads).toMatchObject([{ principal: 'local', workflowId }]);
  });

  test('a fast route and a slow one give the same headers, and errors of the same shape', async () => {
    const as = operator(server);
    const fast = await fetch(`${server.url}/api/tasks/poll/batch/x?timeout=0`, { headers: as });
    const slow = await fetch(`${server.url}/api/metadata/workflow`, { headers: as });
    const names = (headers: globalThis.Headers) =>
      [...headers.keys()].filter((name) => name !== 'transfer-encoding').sort();
    expect(names(fast.headers)).toEqual(names(slow.headers));
    const refusedFast = JSON.parse((await post(server, '/api/workflow', '{', as)).text);
    const refusedSlow = JSON.parse((await post(server, '/api/metadata/workflow', '{', as)).text);
    expect(Object.keys(refusedFast)).toEqual(Object.keys(refusedSlow));
    expect(refusedFast.code).toBe('malformed_json');
  });

  test('a body over the limit is refused whether or not its length is announced', async () => {
    const as = operator(server);
    const large = 'x'.repeat(11 * 1024 * 1024);
    expect((await post(server, '/api/workflow', large, as)).status).toBe(413);
    const status = await new Promise<number>((resolve, reject) => {
      const headers = { ...as, 'transfer-encoding': 'chunked', 'content-type': 'application/json' };
      const sent = httpRequest(`${server.url}/api/workflow`, { method: 'POST', headers }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      sent.on('error', reject);
      sent.end(large);
    });
    expect(status).toBe(413);
  });

  test('an absolute-form target reaches the same routes', async () => {
    const { host, hostname, port } = new URL(server.url);
    const reply = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), hostname);
      let received = '';
      socket.on('data', (chunk) => {
        received += chunk.toString();
      });
      socket.on('end', () => resolve(received));
      socket.on('error', reject);
      socket.write(`GET http://${host}/api/metadata/workflow HTTP/1.1\r\nHost: ${host}\r\n`);
      socket.write(`X-API-Key: ${server.localKey}\r\nConnection: close\r\n\r\n`);
    });
    expect(reply).toMatch(/^HTTP\/1\.1 200/);
  });
});

describe('the end', () => {
  test('a waiting poll is answered before the server is gone', async () => {
    const own = await start();
    const as = operator(own);
    const waiting = get(own, '/api/tasks/poll/batch/nothing?timeout=5000', as);
    await expect.poll(() => own.orchestrator.stats().waitingPollers).toBe(1);
    const closed = own.close();
    expect(await waiting).toEqual({ status: 200, text: '[]' });
    await closed;
    await expect(get(own, '/health')).rejects.toThrow();
  });

  test('closing twice is closing once', async () => {
    const own = await start();
    await Promise.all([own.close(), own.close()]);
  });
});

describe('HTTP tasks', () => {
  test('reach this server itself, and no other private address', async () => {
    const as = operator(server);
    const outside = createServer((_request, response) => response.end('inside'));
    await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve));
    const address = outside.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const http = (ref: string, uri: string) => ({
      name: ref,
      taskReferenceName: ref,
      type: 'HTTP',
      optional: true,
      retryCount: 0,
      inputParameters: { http_request: { uri, method: 'GET' } },
    });
    const tasks = [http('own', `${server.url}/health`), http('other', `http://127.0.0.1:${port}/`)];
    await post(server, '/api/metadata/workflow', { name: 'calls', tasks }, as);
    const { text: id } = await post(server, '/api/workflow/calls', {}, as);
    const run = async () => JSON.parse((await get(server, `/api/workflow/${id}`, as)).text);
    await expect.poll(async () => (await run()).status, { timeout: 10_000 }).not.toBe('RUNNING');
    const byRef = Object.fromEntries(
      (await run()).tasks.map((task: { referenceTaskName: string }) => [task.referenceTaskName, task]),
    );
    expect(byRef.own).toMatchObject({ status: 'COMPLETED', outputData: { response: { statusCode: 200 } } });
    expect(byRef.other.status).not.toBe('COMPLETED');
    await new Promise((resolve) => outside.close(resolve));
  });
});

describe('the vault', () => {
  const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

  test('issues a key over HTTP, and its proxy refuses a call with no key in the shape of the vendor', async () => {
    const body = { vendor: 'stripe', daily_usd_cap: 5, allowed_endpoints: ['POST /v1/charges'], expires_in: '1h' };
    const issued = await post(server, '/vault/keys', body, operator(server));
    expect(issued.status).toBe(201);
    expect(JSON.parse(issued.text).vault_key).toMatch(/^vault_key_/);
    const refused = await post(server, '/stripe/v1/charges', 'amount=100', { ...FORM, authorization: 'Bearer nope' });
    expect(refused.status).toBe(401);
    expect(JSON.parse(refused.text).error).toMatchObject({ type: expect.any(String), message: expect.any(String) });
  });

  test('an operator key opens nothing at the proxy, and a vault key no route', async () => {
    const body = { vendor: 'stripe', daily_usd_cap: 5, allowed_endpoints: ['POST /v1/charges'], expires_in: '1h' };
    const issued = JSON.parse((await post(server, '/vault/keys', body, operator(server))).text);
    const call = await post(server, '/v1/charges', 'amount=100', {
      ...FORM,
      authorization: `Bearer ${server.localKey}`,
    });
    expect(call.status).toBe(401);
    expect((await get(server, '/vault/keys', { authorization: `Bearer ${issued.vault_key}` })).status).toBe(401);
  });
});
