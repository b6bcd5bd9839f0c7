// The surface of a process whose database others share, and which may go away: with a real Postgres that really does.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startPostgres, type TestPostgres } from '../../tests/support/postgres-server.ts';
import { createAccess } from '../access/create-access.ts';
import { Loop } from '../orchestrator/loop.ts';
import { Freshness } from '../store/freshness.ts';
import type { Store } from '../store/port.ts';
import { createPostgresStore } from '../store/postgres/store.ts';
import { ROOT } from './access.fixture.ts';
import { createApp } from './app.ts';
import { type Route, text } from './route.ts';
import { keyRoutes } from './routes/admin/keys.ts';
import { healthRoutes } from './routes/conductor/server.ts';

const clock = { now: () => Date.now() };

let server: TestPostgres;
let one: Replica;
let other: Replica;

type Replica = Awaited<ReturnType<typeof openReplica>>;

beforeAll(async () => {
  server = await startPostgres();
  const url = await server.createDatabase();
  one = await openReplica(url);
  other = await openReplica(url);
}, 120_000);

afterAll(async () => {
  await one?.store.close();
  await other?.store.close();
  await server?.stop();
});

async function openReplica(url: string) {
  const store: Store = await createPostgresStore({ url, connectTimeoutMs: 500 });
  const freshness = store.shared && (await Freshness.open(store.shared));
  const access = await createAccess({
    transactor: new Loop(store, clock),
    reads: store.reads,
    freshness,
    clock,
    tokenSecret: new Uint8Array(32).fill(7),
    localKey: ROOT,
  });
  const who: Route = {
    method: 'GET',
    path: '/api/who',
    requires: () => 'workflow:billing:read',
    dialect: 'conductor',
    summary: '',
    handle: ({ principal }) => text(principal.id),
  };
  const routes = [who, ...keyRoutes(access, clock), ...healthRoutes(store.reads)];
  const app = createApp({ routes, access, freshness });
  const call = async (method: string, path: string, key = ROOT, body?: object) =>
    app.request(path, { method, headers: { 'x-api-key': key }, ...(body ? { body: JSON.stringify(body) } : {}) });
  return { store, call };
}

async function generate({ call }: Replica): Promise<{ key: string; keyId: string }> {
  const made = await call('POST', '/api/v1/admin/keys', ROOT, { name: 'a', permissions: ['workflow:*:read'] });
  expect(made.status).toBe(201);
  return z.object({ key: z.string(), keyId: z.string() }).parse(await made.json());
}

describe('a process that shares its database', () => {
  test('lets in at once who was given a key by another, and refuses at once whose key another revoked', async () => {
    const { key, keyId } = await generate(one);
    const welcome = await other.call('GET', '/api/who', key);
    expect([welcome.status, await welcome.text()]).toEqual([200, keyId]);
    expect((await other.call('DELETE', `/api/v1/admin/keys/${keyId}`)).status).toBe(200);
    expect((await one.call('GET', '/api/who', key)).status).toBe(401);
  });

  test('answers 503 while its database is away, says so in its health, and goes on when it is back', async () => {
    const { key, keyId } = await generate(one);
    await server.shutDown();
    for (const [method, path] of [
      ['GET', '/api/who'],
      ['GET', '/api/v1/admin/keys'],
      ['DELETE', `/api/v1/admin/keys/${keyId}`],
    ] as const) {
      const refused = await one.call(method, path, path === '/api/who' ? key : ROOT);
      expect(refused.status, path).toBe(503);
      expect(refused.headers.get('retry-after')).toBe('1');
      const body = await refused.json();
      expect(body).toMatchObject({ code: 'store_unavailable', retryable: true });
      expect(JSON.stringify(body)).not.toContain('127.0.0.1');
    }
    const health = await one.call('GET', '/health', '');
    expect(health.status).toBe(503);
    expect(await health.json()).toEqual({
      healthy: false,
      healthResults: [{ healthy: false, details: { component: 'store' } }],
    });
    await server.restart();
    expect((await one.call('GET', '/health', '')).status).toBe(200);
    expect((await one.call('GET', '/api/who', key)).status).toBe(200);
  });
});
