// The vault over three replicas as processes: one cap, one revocation, one end of a run, whichever replica is asked.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { below, seeded } from '../../src/engine/testing/random.ts';
import { type StripeSimulator, startStripeSimulator } from '../../src/testing/simulators/stripe/index.ts';
import { createTestDatabase } from '../support/postgres-database.ts';
import { Cluster } from './support/cluster.ts';
import { defectsOf } from './support/complaints.ts';
import { type VendorAnswer, VendorCalls } from './support/vendor-calls.ts';

const REPLICAS = 3;
const CHARGE_USD = 0.5;
const SEED = Math.floor(Math.random() * 2 ** 31);

const DEFINITION = {
  name: 'spender',
  tasks: [
    {
      name: 'spend',
      taskReferenceName: 'spend',
      type: 'SIMPLE',
      inputParameters: { key: '${workflow.vault.stripe.key}' },
    },
  ],
  budget: {
    stripe: {
      capUsd: '${workflow.input.cap}',
      allowedEndpoints: ['POST /v1/payment_intents'],
      capWindow: 'lifetime',
      expiresIn: '2h',
    },
  },
};

let simulator: StripeSimulator;
let cluster: Cluster;
let calls: VendorCalls;
let chargedBefore: number;

beforeAll(async () => {
  simulator = await startStripeSimulator();
  cluster = await Cluster.open({
    databaseUrl: await createTestDatabase(),
    replicas: REPLICAS,
    args: ['--stripe-upstream', simulator.origin],
    env: { CONDUCTOR_STRIPE_SECRET: simulator.secret },
  });
  calls = new VendorCalls(cluster);
  await cluster.ask(0, 'POST', '/api/metadata/workflow', DEFINITION);
}, 60_000);

afterAll(async () => {
  await calls?.close();
  await cluster?.close();
  await simulator?.close();
});

beforeEach(() => {
  chargedBefore = simulator.charged.length;
});

/** A run and its key, as its worker is handed it. */
async function startSpender(capUsd: number, at = 0): Promise<{ readonly runId: string; readonly key: string }> {
  const runId = await cluster.ask(at, 'POST', '/api/workflow/spender', { cap: capUsd });
  const [task] = JSON.parse(await cluster.ask(at + 1, 'GET', '/api/tasks/poll/batch/spend?timeout=5000'));
  expect(task.workflowInstanceId).toBe(runId);
  return { runId, key: task.inputData.key };
}

async function spendOf(runId: string, at: number) {
  const path = `/vault/spend?workflowId=${runId}`;
  const { total_usd, allowed, refused } = JSON.parse(await cluster.ask(at, 'GET', path));
  return { total_usd, allowed, refused };
}

async function usageOf(runId: string, at: number) {
  const { keys } = JSON.parse(await cluster.ask(at, 'GET', `/vault/keys?agent_run_label=conductor/${runId}`));
  const [{ spent_usd, reserved_usd }] = keys;
  return { spent_usd, reserved_usd };
}

/** Every replica says so. What a call has cost is written after its answer. */
async function expectSpent(runId: string, usd: number): Promise<void> {
  for (let at = 0; at < REPLICAS; at += 1) {
    await expect.poll(() => usageOf(runId, at), { timeout: 20_000 }).toEqual({ spent_usd: usd, reserved_usd: 0 });
  }
}

describe('the cap of one key', () => {
  test('is met exactly by 3,000 concurrent charges over three replicas', { timeout: 120_000 }, async () => {
    const [charges, capUsd] = [3_000, 500];
    const { runId, key } = await startSpender(capUsd);
    const answers = await Promise.all(
      Array.from({ length: charges }, (_, i) => calls.charge(i, { key, customer: `cus_${i}` })),
    );
    const allowed = capUsd / CHARGE_USD;
    expect(tally(answers)).toEqual({ '200': allowed, '429 cap_exhausted': charges - allowed });
    expect(simulator.charged.length - chargedBefore).toBe(allowed);
    await expectSpent(runId, capUsd);
    for (let at = 0; at < REPLICAS; at += 1) {
      expect(await spendOf(runId, at)).toEqual({ total_usd: capUsd, allowed, refused: charges - allowed });
    }
  });

  test('holds while a replica is killed again and again under the charges', { timeout: 120_000 }, async () => {
    const [charges, capUsd] = [300, 100];
    const random = seeded(SEED);
    const { runId, key } = await startSpender(capUsd);
    let [open, isOver] = [0, false];
    const killing = (async () => {
      while (!isOver) {
        await new Promise((resolve) => setTimeout(resolve, below(random, 600)));
        await cluster.replica(1).kill();
        await cluster.replica(1).start();
      }
    })();
    const answers = await Promise.all(
      Array.from({ length: charges }, async (_, i) => {
        await new Promise((resolve) => setTimeout(resolve, below(random, 5_000)));
        open += 1;
        return repeated(key, i).finally(() => {
          open -= 1;
        });
      }),
    );
    isOver = true;
    await killing;
    const allowed = capUsd / CHARGE_USD;
    expect([open, tally(answers)], `seed ${SEED}`).toEqual([
      0,
      { '200': allowed, '429 cap_exhausted': charges - allowed },
    ]);
    expect(simulator.charged.length - chargedBefore).toBe(allowed);
    // A charge stays reserved when its replica was killed between the vendor's answer and the next commit.
    for (let at = 0; at < REPLICAS; at += 1) {
      const { spent_usd, reserved_usd } = await usageOf(runId, at);
      expect(spent_usd + reserved_usd).toBe(capUsd);
    }
  });
});

/** As an agent does that has to know: the same call again, at the next replica, until the answer is definite. */
async function repeated(key: string, number: number): Promise<VendorAnswer> {
  const charge = { key, customer: `cus_${number}`, idempotencyKey: `charge-${key.slice(-8)}-${number}` };
  for (let at = number; ; at += 1) {
    const answer = await calls.charge(at, charge).catch(() => null);
    if (answer?.status === 200 || answer?.status === 429) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('what one replica is told, the next call at every other one obeys', () => {
  const turns = Array.from({ length: 9 }, (_, turn) => turn);

  test.each(turns)('a key that is revoked is refused (%i)', async (turn) => {
    const issued = await cluster.ask(turn, 'POST', '/vault/keys', {
      vendor: 'stripe',
      daily_usd_cap: '100.00',
      allowed_endpoints: ['*'],
    });
    const { vault_key: key, key_id: keyId } = JSON.parse(issued);
    for (let at = 0; at < REPLICAS; at += 1) expect(await status(at, key)).toBe(200);
    const charged = simulator.charged.length;
    await cluster.ask(turn, 'DELETE', `/vault/keys/${keyId}`);
    for (let at = 0; at < REPLICAS; at += 1) expect(await status(turn + 1 + at, key)).toBe(401);
    expect(simulator.charged).toHaveLength(charged);
  });

  test.each(turns)('the key of a run that is terminated is refused (%i)', async (turn) => {
    const { runId, key } = await startSpender(100, turn);
    for (let at = 0; at < REPLICAS; at += 1) expect(await status(at, key)).toBe(200);
    const charged = simulator.charged.length;
    await cluster.ask(turn, 'DELETE', `/api/workflow/${runId}`);
    for (let at = 0; at < REPLICAS; at += 1) expect(await status(turn + 1 + at, key)).toBe(401);
    expect(simulator.charged).toHaveLength(charged);
  });

  const status = async (at: number, key: string) => (await calls.charge(at, { key, customer: 'cus_one' })).status;
});

test('no replica has logged a defect', () => {
  expect(defectsOf(cluster)).toEqual([]);
});

function tally(answers: readonly VendorAnswer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, code } of answers) {
    const name = `${status} ${status === 200 ? '' : code}`.trim();
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
