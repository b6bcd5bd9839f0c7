// The connection over which a replica hears of the others is cut, or cannot be had at all: what waits there is served
// within the same poll all the same.
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase } from '../support/postgres-database.ts';
import { Cluster } from './support/cluster.ts';
import { defectsOf } from './support/complaints.ts';

const [STARTER, POLLER] = [0, 1];
const DEFINITION = { name: 'plain', tasks: [{ name: 'say', taskReferenceName: 'say', type: 'SIMPLE' }] };

/** Belongs to the server of all tests: a name of its own. */
const role = `listener_${Math.random().toString(36).slice(2)}`;
let admin: pg.Client;
let cluster: Cluster;

beforeAll(async () => {
  const databaseUrl = await createTestDatabase();
  admin = new pg.Client(databaseUrl);
  await admin.connect();
  await admin.query(`create role ${role} login`);
  const listenUrl = new URL(databaseUrl);
  listenUrl.username = role;
  cluster = await Cluster.open({ databaseUrl, replicas: 2, env: { CONDUCTOR_DATABASE_LISTEN: listenUrl.href } });
  await cluster.ask(STARTER, 'POST', '/api/metadata/workflow', DEFINITION);
}, 60_000);

afterAll(async () => {
  await cluster?.close();
  await admin?.query(`drop role ${role}`);
  await admin?.end();
});

async function cutListeners(): Promise<number> {
  const { rowCount } = await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [
    role,
  ]);
  return rowCount ?? 0;
}

async function listening(): Promise<number> {
  const { rows } = await admin.query('select 1 from pg_stat_activity where usename = $1', [role]);
  return rows.length;
}

/** One poll; resolves with the run whose task it was given, null when it was given none. */
async function poll(): Promise<string | null> {
  const tasks = JSON.parse(await cluster.ask(POLLER, 'GET', '/api/tasks/poll/batch/say?timeout=5000'));
  for (const { taskId, workflowInstanceId } of tasks) {
    await cluster.ask(POLLER, 'POST', '/api/tasks', { taskId, workflowInstanceId, status: 'COMPLETED' });
  }
  return tasks[0]?.workflowInstanceId ?? null;
}

async function untilPollWaits(): Promise<void> {
  const waiting = async () =>
    /^conductor_waiting_pollers (\d+)$/m.exec(await cluster.ask(POLLER, 'GET', '/metrics'))?.[1];
  await expect.poll(waiting).toBe('1');
}

test.each([1, 2, 3, 4, 5])(
  'a poll that waits while the listeners are cut is given what is then made ready elsewhere (%i)',
  { timeout: 60_000 },
  async () => {
    await expect.poll(listening, { timeout: 20_000 }).toBe(2);
    const polled = poll();
    await untilPollWaits();
    expect(await cutListeners()).toBe(2);
    const runId = await cluster.ask(STARTER, 'POST', '/api/workflow/plain', {});
    expect(await polled).toBe(runId);
  },
);

test('without any listener each poll is given what is made ready elsewhere while it waits', {
  timeout: 60_000,
}, async () => {
  await admin.query(`alter role ${role} nologin`);
  await cutListeners();
  await expect.poll(listening).toBe(0);
  for (let i = 0; i < 5; i += 1) {
    const polled = poll();
    await untilPollWaits();
    const runId = await cluster.ask(STARTER, 'POST', '/api/workflow/plain', {});
    expect(await polled).toBe(runId);
  }
  expect(await listening()).toBe(0);
  await admin.query(`alter role ${role} login`);
  await expect.poll(listening, { timeout: 20_000 }).toBe(2);
});

test('no replica has logged a defect', () => {
  expect(defectsOf(cluster)).toEqual([]);
});
