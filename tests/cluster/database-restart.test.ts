// The database ends under replicas at work, in three ways, and comes back: callers are told to try again, nothing that was
// acknowledged is lost, and no vendor is called while no reservation can be kept.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { below, seeded } from '../../src/engine/testing/random.ts';
import { type StripeSimulator, startStripeSimulator } from '../../src/testing/simulators/stripe/index.ts';
import { startPostgres, type TestPostgres } from '../support/postgres-server.ts';
import { Cluster } from './support/cluster.ts';
import { defectsOf } from './support/complaints.ts';
import { DatabaseLook } from './support/database-look.ts';
import { type EchoServer, startEchoServer } from './support/echo-server.ts';
import { readHistories } from './support/histories.ts';
import { Load } from './support/load.ts';
import { shapesFor } from './support/shapes.ts';
import { VendorCalls } from './support/vendor-calls.ts';
import { attemptFaults, endFaults, handOutFaults, resultFaults, timerFaults } from './support/verify.ts';
import { Workers } from './support/workers.ts';

const REPLICAS = 2;
const RUNS = 150;
const SEED = Math.floor(Math.random() * 2 ** 31);

let postgres: TestPostgres;
let databaseUrl: string;
let echo: EchoServer;
let simulator: StripeSimulator;
let cluster: Cluster;
let calls: VendorCalls;

beforeAll(async () => {
  postgres = await startPostgres();
  databaseUrl = await postgres.createDatabase();
  [echo, simulator] = [await startEchoServer(), await startStripeSimulator()];
  cluster = await Cluster.open({
    databaseUrl,
    replicas: REPLICAS,
    args: ['--allow-origin', echo.origin, '--stripe-upstream', simulator.origin],
    env: { CONDUCTOR_STRIPE_SECRET: simulator.secret },
  });
  calls = new VendorCalls(cluster);
}, 60_000);

afterAll(async () => {
  await calls?.close();
  await cluster?.close();
  await simulator?.close();
  echo?.close();
  await postgres?.stop();
});

async function issueKey(): Promise<string> {
  const body = { vendor: 'stripe', daily_usd_cap: '100.00', allowed_endpoints: ['*'] };
  return JSON.parse(await cluster.ask(0, 'POST', '/vault/keys', body)).vault_key;
}

describe('a database that is restarted, killed and stopped for a while under load', () => {
  test('loses nothing that was acknowledged, and every run ends right', { timeout: 180_000 }, async () => {
    const random = seeded(SEED);
    const pause = () => new Promise((resolve) => setTimeout(resolve, 1_000 + below(random, 2_000)));
    const workers = new Workers(cluster, calls, 12);
    const load = new Load(cluster, shapesFor(`${echo.origin}/`));
    await load.register();
    const starting = load.start({ runs: RUNS, everyMs: () => below(random, 1_000) });
    await pause();
    await postgres.restart();
    await pause();
    await postgres.kill();
    await postgres.restart();
    await pause();
    await postgres.shutDown();
    await pause();
    await postgres.restart();
    await starting;
    const database = await DatabaseLook.open(databaseUrl);
    await database.untilQuiet().finally(() => workers.stop());
    const runs = await readHistories(cluster, load.started);
    const all = [...runs.values()];
    const faults = [
      ...load.started.flatMap(({ id, value, shape }) => {
        const run = runs.get(id);
        return run ? endFaults(run, shape.expected(value)) : [`run ${id} is lost`];
      }),
      ...all.flatMap((run) => [...attemptFaults(run), ...timerFaults(run), ...resultFaults(run, workers.sent)]),
      ...handOutFaults(all, workers.handed),
      ...workers.handedTwice,
      ...workers.oddities,
      ...load.oddities,
      ...cluster.brokenRefusals,
    ];
    expect(faults, `seed ${SEED}`).toEqual([]);
    expect(load.started).toHaveLength(RUNS);
    expect(cluster.refusals).toBeGreaterThan(0);
    const made = Object.values(await database.runsByName()).reduce((sum, n) => sum + n);
    expect(made).toBe(runs.size);
    await database.close();
  });
});

describe('while the database is down', () => {
  const definition = { name: 'plain', tasks: [{ name: 'say', taskReferenceName: 'say', type: 'SIMPLE' }] };

  test('every call is refused with 503 as one to be repeated, and afterwards carried out', async () => {
    await cluster.ask(0, 'POST', '/api/metadata/workflow', definition);
    const runId = await cluster.ask(0, 'POST', '/api/workflow/plain', {});
    const [task] = JSON.parse(await cluster.ask(1, 'GET', '/api/tasks/poll/batch/say?timeout=5000'));
    const result = { taskId: task.taskId, workflowInstanceId: runId, status: 'COMPLETED', outputData: {} };
    const attempts = [
      { method: 'POST', path: '/api/workflow/plain', body: {} },
      { method: 'POST', path: '/api/tasks', body: result },
      { method: 'GET', path: `/api/workflow/${runId}` },
      { method: 'GET', path: '/api/tasks/poll/batch/say?timeout=1000' },
      { method: 'GET', path: '/vault/keys' },
    ].map((call) => ({ ...call, patienceMs: 30_000 }));
    await postgres.shutDown();
    for (let at = 0; at < REPLICAS; at += 1) {
      for (const call of attempts) {
        const answer = await cluster.at(at, call);
        expect([call.path, answer?.status, answer?.text]).toEqual([
          call.path,
          503,
          expect.stringContaining('"retryable":true'),
        ]);
      }
    }
    await postgres.restart();
    for (const call of attempts) expect(await cluster.caller(0).insist(() => call)).toMatchObject({ status: 200 });
    expect(JSON.parse(await cluster.ask(1, 'GET', `/api/workflow/${runId}`)).status).toBe('COMPLETED');
  });

  test('the vault forwards nothing, and forwards again afterwards', async () => {
    const key = await issueKey();
    for (let at = 0; at < REPLICAS; at += 1) {
      expect((await calls.charge(at, { key, customer: 'cus_one' })).status).toBe(200);
    }
    const seen = simulator.requests.length;
    await postgres.shutDown();
    for (let at = 0; at < REPLICAS; at += 1) {
      expect(await calls.charge(at, { key, customer: 'cus_two' })).toEqual({ status: 503, code: 'store_unavailable' });
    }
    expect(simulator.requests).toHaveLength(seen);
    await postgres.restart();
    for (let at = 0; at < REPLICAS; at += 1) {
      await expect.poll(async () => (await calls.charge(at, { key, customer: 'cus_three' })).status).toBe(200);
    }
  });

  test('nothing is logged but that', () => {
    expect(defectsOf(cluster, new Set(cluster.replicas.keys()))).toEqual([]);
  });
});
