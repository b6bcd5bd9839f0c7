// Three replicas on one database, thirty workers and a mixed load, while replicas are killed, restarted and suspended.
// CLUSTER_RUNS=2000 for the full load; CLUSTER_SEED repeats the decisions of a run that failed.
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { below, seeded } from '../../src/engine/testing/random.ts';
import { type StripeSimulator, startStripeSimulator } from '../../src/testing/simulators/stripe/index.ts';
import { createTestDatabase } from '../support/postgres-database.ts';
import { Chaos } from './support/chaos.ts';
import { Cluster } from './support/cluster.ts';
import { defectsOf } from './support/complaints.ts';
import { DatabaseLook } from './support/database-look.ts';
import { type EchoServer, startEchoServer } from './support/echo-server.ts';
import { readHistories } from './support/histories.ts';
import { Load } from './support/load.ts';
import { CHARGE_CENTS, CHARGES_ALLOWED } from './support/payer.ts';
import { CHILDREN, shapesFor } from './support/shapes.ts';
import { VendorCalls } from './support/vendor-calls.ts';
import { attemptFaults, endFaults, handOutFaults, resultFaults, timerFaults } from './support/verify.ts';
import type { StoredRun } from './support/wire.ts';
import { Workers } from './support/workers.ts';

const RUNS = Number(process.env.CLUSTER_RUNS ?? 240);
const SEED = Number(process.env.CLUSTER_SEED ?? Math.floor(Math.random() * 2 ** 31));
const WORKERS = 30;
const KILLS_MIN = 3;
/** Past every lease: the response time-out of a task, the silence after which a replica counts as dead, transactions. */
const SUSPENDED_MS = 20_000;
/** Between two starts of one of the callers: the load has to last as long as the disturbances. */
const START_MS_MAX = 800;

let echo: EchoServer;
let simulator: StripeSimulator;
let calls: VendorCalls;
let database: DatabaseLook;
let cluster: Cluster;
let chaos: Chaos;
let workers: Workers;
let load: Load;
let runs: ReadonlyMap<string, StoredRun>;

beforeAll(async () => {
  [echo, simulator] = [await startEchoServer(), await startStripeSimulator()];
  const databaseUrl = await createTestDatabase();
  database = await DatabaseLook.open(databaseUrl);
  cluster = await Cluster.open({
    databaseUrl,
    args: ['--allow-origin', echo.origin, '--stripe-upstream', simulator.origin],
    env: { CONDUCTOR_STRIPE_SECRET: simulator.secret },
  });
  calls = new VendorCalls(cluster);
  workers = new Workers(cluster, calls, WORKERS);
  load = new Load(cluster, shapesFor(`${echo.origin}/`));
}, 60_000);

afterAll(async () => {
  await workers?.stop();
  await calls?.close();
  await cluster?.close();
  await database?.close();
  await simulator?.close();
  echo?.close();
}, 60_000);

async function runLoad(): Promise<void> {
  const random = seeded(SEED);
  let isStarted = false;
  chaos = new Chaos({ cluster, random: seeded(SEED + 1), killsMin: KILLS_MIN, isOver: () => isStarted });
  await load.register();
  const starting = load.start({ runs: RUNS, everyMs: () => below(random, START_MS_MAX) }).then(() => {
    isStarted = true;
  });
  await Promise.all([starting, chaos.kill(), chaos.suspend(SUSPENDED_MS)]);
  await database.untilQuiet();
  await workers.stop();
  runs = await readHistories(cluster, load.started);
}

function figures(seconds: number): string {
  const tasks = [...runs.values()].flatMap((run) => run.tasks);
  const timedOut = tasks.filter(({ status }) => status === 'TIMED_OUT').length;
  const again = tasks.filter(({ taskType, pollCount }) => taskType === 'HTTP' && pollCount > 1).length;
  return (
    `${runs.size} runs, ${tasks.length} tasks in ${seconds.toFixed(0)} s; ${chaos.kills} kills, ${chaos.suspensions} suspended; ` +
    `${workers.handed.size} hand-outs, ${timedOut} timed out; ${again} HTTP tasks carried out anew; ` +
    `${simulator.charged.length} charges; ${cluster.refusals} answers 503; seed ${SEED}`
  );
}

describe('three replicas, killed, restarted and suspended under load', () => {
  test('bring every run to its right end', { timeout: 90_000 + RUNS * 600 }, async () => {
    onTestFailed(() => console.error(`CLUSTER_SEED=${SEED} CLUSTER_RUNS=${RUNS}`));
    const beganMs = Date.now();
    await runLoad();
    expect(load.started).toHaveLength(RUNS);
    const faults = load.started.flatMap(({ id, value, shape }) => {
      const run = runs.get(id);
      return run ? endFaults(run, shape.expected(value)) : [`run ${id} is lost`];
    });
    expect(faults).toEqual([]);
    if (process.env.CLUSTER_RUNS) console.log(figures((Date.now() - beganMs) / 1000));
  });

  test('start every run and every sub-workflow once, whatever is repeated', async () => {
    const expected: Record<string, number> = {};
    for (const { workflowName } of runs.values()) expected[workflowName] = (expected[workflowName] ?? 0) + 1;
    expect(await database.runsByName()).toEqual(expected);
    const children = new Map(CHILDREN.map((shape) => [shape.definition.name, shape]));
    const faults = [...runs.values()].flatMap((run) => {
      const shape = children.get(run.workflowName);
      return shape ? endFaults(run, shape.expected(run.input.value)) : [];
    });
    expect(faults).toEqual([]);
  });

  test('apply no task twice, and try again only what has failed', () => {
    expect([...runs.values()].flatMap(attemptFaults)).toEqual([]);
  });

  test('lose no timer and fire none early', () => {
    expect([...runs.values()].flatMap(timerFaults)).toEqual([]);
  });

  test('keep every acknowledged result, and take none a second time', () => {
    expect(workers.sent.size).toBeGreaterThan(RUNS);
    expect([...runs.values()].flatMap((run) => resultFaults(run, workers.sent))).toEqual([]);
  });

  test('hand no attempt to two workers', () => {
    expect(workers.handedTwice).toEqual([]);
    expect(handOutFaults([...runs.values()], workers.handed)).toEqual([]);
  });

  test('call out for an HTTP task at most once for each time it was handed out', () => {
    for (const run of runs.values()) {
      for (const { taskType, pollCount } of run.tasks) {
        if (taskType === 'HTTP') expect(echo.calls.get(run.workflowId)).toBeLessThanOrEqual(pollCount);
      }
    }
  });

  test('charge what the cap allows, count exactly that, and end the key with the run', async () => {
    const paid = load.started.filter(({ shape }) => shape.definition.budget);
    expect(paid.length).toBeGreaterThan(0);
    const expected = paid.flatMap(({ id }) => Array.from({ length: CHARGES_ALLOWED }, () => id));
    expect(simulator.charged.map(({ customer }) => customer).sort()).toEqual(expected.sort());
    for (const [number, { id }] of paid.entries()) {
      const text = await cluster.ask(number, 'GET', `/vault/keys?agent_run_label=conductor/${id}`);
      const [{ status, spent_usd, reserved_usd }] = JSON.parse(text).keys;
      // A charge stays reserved when its replica was killed between the vendor's answer and the next commit.
      const countedCents = Math.round((spent_usd + reserved_usd) * 100);
      expect({ id, status, countedCents }).toEqual({
        id,
        status: 'revoked',
        countedCents: CHARGES_ALLOWED * CHARGE_CENTS,
      });
    }
  });

  test('answer with nothing but success and 503, and log no defect', () => {
    expect([...workers.oddities, ...load.oddities, ...cluster.brokenRefusals]).toEqual([]);
    expect(defectsOf(cluster, chaos.wereSuspended)).toEqual([]);
  });
});
