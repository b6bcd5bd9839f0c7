// Three vaults, three stores, one Postgres: what one process promises, all of them keep together.
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres } from '../../tests/support/postgres-server.ts';
import { compileSpelling } from '../expressions/spelling.ts';
import { EMPTY_OBJECT, Json } from '../model/json.ts';
import type { Run, Task } from '../model/run.ts';
import { workflowDefinitionSchema } from '../model/workflow-definition.ts';
import { BUSY } from '../orchestrator/ports.ts';
import { sampleRun, sampleTask } from '../store/conformance-samples.ts';
import { CALL_LIFE_MS } from './ledger/task-ordinal.ts';
import { openReplicas, type Replicas, startGate } from './replicas.fixture.ts';
import { rowsOf, type TestVault, taskKey } from './vault.fixture.ts';

const CHARGE = 'amount=50&currency=usd';
const LITERAL = '${workflow.vault.stripe.key}';
let r: Replicas;
let runs = 0;

beforeAll(async () => {
  r = await openReplicas(3);
});

afterEach(() => {
  for (const replica of r.all) {
    replica.clock.offsetMs = 0;
    expect(replica.defects.splice(0)).toEqual([]);
  }
});

afterAll(() => r.close());

/** A key that every replica has used, so that each holds a state of it that the others make stale. */
async function knownKey(fields: Record<string, unknown> = {}, of = r) {
  const issued = await of.at(0).issue(fields);
  for (const replica of of.all) expect((await replica.get(issued.text, '/v1/charges')).status).toBe(200);
  return issued;
}

async function usageOf(id: string, of = r) {
  for (const { loop } of of.all) await loop.settled();
  const seen = await Promise.all(of.all.map(({ vault }) => vault.keys.get(id)));
  for (const { usage } of seen) expect(usage).toEqual(seen[0]?.usage);
  return seen[0]?.usage;
}

function chargesOf(keyId: string, { simulator } = r) {
  return simulator.charged.filter(({ idempotencyKey }) => idempotencyKey?.startsWith(`${keyId}-`));
}

describe('the cap', () => {
  test('600 concurrent charges over three replicas take exactly the cap', async () => {
    const { text, key } = await knownKey({ daily_usd_cap: '100.00' });
    const before = r.simulator.charged.length;
    const answers = await Promise.all(
      Array.from({ length: 600 }, (_, i) => r.at(i).post(text, '/v1/payment_intents', `${CHARGE}&customer=cus_${i}`)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(200);
    expect(answers.filter(({ status, text: body }) => status === 429 && body.includes('cap_exhausted'))).toHaveLength(
      400,
    );
    expect(r.simulator.charged.length - before).toBe(200);
    expect(await usageOf(key.id)).toEqual({ capMicros: 100_000_000, spentMicros: 100_000_000, reservedMicros: 0 });
    expect((await rowsOf(r.at(1), key)).totalMicros).toBe(100_000_000);
  });

  test('what one replica settles, another sees at its next reservation', async () => {
    const { text, key } = await knownKey({ daily_usd_cap: 1 });
    const cost = (replica: number, amount: number) =>
      r.at(replica).post(text, '/v1/charges', `amount=${amount}&currency=usd&customer=cus_ok`);
    expect((await cost(0, 60)).status).toBe(200);
    expect((await cost(1, 60)).status).toBe(429);
    expect((await r.at(1).post(text, '/v1/charges', 'amount=40&currency=usd&customer=cus_declined')).status).toBe(402);
    await usageOf(key.id);
    expect((await cost(2, 40)).status).toBe(200);
    expect((await cost(0, 1)).status).toBe(429);
    expect(await usageOf(key.id)).toMatchObject({ spentMicros: 1_000_000, reservedMicros: 0 });
  });

  test('an amount authorised at one replica and captured at another days later is counted once', async () => {
    const { text, key } = await r.at(0).issue({ daily_usd_cap: 4, expires_in: '30d' });
    const intent = async (replica: number) =>
      (await r.at(replica).post(text, '/v1/payment_intents', 'amount=300&currency=usd&capture_method=manual')).json.id;
    const [first, raised] = [await intent(0), 'amount=400'];
    for (const { clock } of r.all) clock.offsetMs += 2 * 86_400_000;
    expect((await r.at(1).post(text, `/v1/payment_intents/${first}/confirm`, '')).status).toBe(200);
    expect((await usageOf(key.id))?.spentMicros).toBe(0);
    const path = `/v1/payment_intents/${first}/increment_authorization`;
    expect((await r.at(0).post(text, path, raised)).status).toBe(200);
    for (const { clock } of r.all) clock.offsetMs += 2 * 86_400_000;
    await intent(1);
    const capture = await r.at(2).post(text, `/v1/payment_intents/${first}/capture`, 'amount_to_capture=350');
    expect(capture.status).toBe(200);
    expect((await rowsOf(r.at(2), key)).totalMicros).toBe(7_000_000);
  });

  test('holds over random amounts, caps and outcomes at random replicas, and every charge of the vendor is counted', async () => {
    // Its own: lost answers are asked for again while later tests count what the vendor sees.
    const own = await openReplicas(3);
    const call = fc.record({
      amount: fc.integer({ min: 1, max: 300 }),
      kind: fc.constantFrom('pay', 'pay', 'decline', 'repeat'),
      replica: fc.integer({ min: 0, max: 2 }),
    });
    const faults = fc.array(fc.constantFrom('error-after', 'reset-after', 'reset-before', 'rate-limit'), {
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(call, { minLength: 1, maxLength: 30 }),
        fc.nat(2000),
        faults,
        async (calls, cap, bad) => {
          const { text, key } = await knownKey({ daily_usd_cap: cap / 100 }, own);
          for (const fault of bad) own.simulator.inject(fault);
          await Promise.all(
            calls.map(({ amount, kind, replica }, i) => {
              const name = kind === 'repeat' ? `${key.id}-same-${amount}` : `${key.id}-${i}`;
              const customer = kind === 'decline' ? '&customer=cus_declined' : '';
              const headers = ['idempotency-key', name];
              return own.at(replica).post(text, '/v1/charges', `amount=${amount}&currency=usd${customer}`, headers);
            }),
          );
          const usage = await usageOf(key.id, own);
          const counted = (usage?.spentMicros ?? 0) + (usage?.reservedMicros ?? 0);
          expect(counted).toBeLessThanOrEqual(cap * 10_000);
          expect((await rowsOf(own.at(0), key)).totalMicros).toBe(counted);
          const charged = chargesOf(key.id, own).reduce((sum, { amount }) => sum + amount * 10_000, 0);
          expect(charged).toBeLessThanOrEqual(counted);
          expect(charged).toBeGreaterThanOrEqual(usage?.spentMicros ?? 0);
          const other = await own.at(0).issue();
          while (own.simulator.pendingFaults > 0)
            await own.at(0).post(other.text, '/v1/charges', 'amount=1&currency=usd');
        },
      ),
      { numRuns: 6 },
    );
    await own.close();
  });

  test('a cap that is raised at one replica is raised at all of them', async () => {
    const { text, key } = await knownKey({ daily_usd_cap: 0.5, expires_in: '1m' });
    await r.at(0).post(text, '/v1/charges', CHARGE);
    expect((await r.at(1).post(text, '/v1/charges', CHARGE)).status).toBe(429);
    await r.at(2).vault.keys.patch(key.id, { daily_usd_cap: 1, expires_in: '1h' });
    for (const replica of r.all) replica.clock.offsetMs = 120_000;
    expect((await r.at(1).post(text, '/v1/charges', CHARGE)).status).toBe(200);
    expect((await r.at(0).post(text, '/v1/charges', CHARGE)).status).toBe(429);
  });
});

test('what a lost round decided is forgotten, and the next one counts anew', async () => {
  const { text, key } = await knownKey({ daily_usd_cap: 1 });
  await r.at(0).post(text, '/v1/charges', CHARGE);
  await usageOf(key.id);
  r.at(0).store.failing = () => 'before writing';
  expect((await r.at(0).post(text, '/v1/charges', CHARGE)).status).toBe(503);
  r.at(0).store.failing = () => null;
  expect((await r.at(1).post(text, '/v1/charges', 'amount=30&currency=usd')).status).toBe(200);
  expect((await r.at(0).post(text, '/v1/charges', 'amount=21&currency=usd')).status).toBe(429);
  expect((await r.at(0).post(text, '/v1/charges', 'amount=20&currency=usd')).status).toBe(200);
  expect(await usageOf(key.id)).toMatchObject({ spentMicros: 1_000_000, reservedMicros: 0 });
});

describe('revocation', () => {
  const calls: Record<string, (replica: TestVault, key: string) => Promise<{ status: number }>> = {
    charge: (replica, key) => replica.post(key, '/v1/charges', CHARGE),
    read: (replica, key) => replica.get(key, '/v1/charges'),
    'zero-cost call': (replica, key) => replica.post(key, '/v1/customers', 'name=A'),
    'look at what a refund costs': (replica, key) => replica.post(key, '/v1/refunds', 'charge=ch_1'),
  };

  test.each(Object.keys(calls))('at one replica refuses the next %s at every other', async (kind) => {
    const { text, key } = await knownKey();
    await r.at(0).vault.keys.revoke(key.id);
    const seen = r.simulator.requests.length;
    for (const replica of r.all) expect((await calls[kind]?.(replica, text))?.status).toBe(401);
    expect(r.simulator.requests).toHaveLength(seen);
    expect((await r.at(1).vault.keys.get(key.id)).key.revokedMs).toBeGreaterThan(0);
  });

  test('by label holds everywhere', async () => {
    const label = `label-${crypto.randomUUID()}`;
    const keys = await Promise.all(r.all.map((replica) => replica.issue({ agent_run_label: label })));
    expect(await r.at(2).vault.keys.vendorsOfLabel(label)).toEqual(['stripe']);
    expect(await r.at(1).vault.keys.revokeLabel(label)).toHaveLength(3);
    for (const [i, { text }] of keys.entries()) {
      expect((await r.at(i).post(text, '/v1/charges', CHARGE)).status).toBe(401);
    }
    await expect(r.at(0).vault.keys.resolve({ label, vendor: null, task: null })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  test('a call that races it is either made and counted, or refused and not made', async () => {
    const { text, key } = await knownKey();
    const before = r.simulator.charged.length;
    const racing = Array.from({ length: 30 }, (_, i) => r.at(i).post(text, '/v1/charges', CHARGE));
    const revoked = r.at(1).vault.keys.revoke(key.id);
    const late = revoked.then(() => r.at(2).post(text, '/v1/charges', CHARGE));
    const statuses = (await Promise.all(racing)).map(({ status }) => status);
    expect((await late).status).toBe(401);
    expect(r.simulator.charged.length - before).toBe(statuses.filter((status) => status === 200).length);
    expect(statuses.every((status) => status === 200 || status === 401)).toBe(true);
  });
});

describe('a run', () => {
  const definition = workflowDefinitionSchema.parse({
    name: 'billing',
    tasks: [{ name: 'a', taskReferenceName: 'a' }],
    budget: { stripe: { capUsd: 1, allowedEndpoints: ['*'] } },
  });

  async function started(): Promise<{ run: Run; task: Task }> {
    const rowId = r.at(0).store.newRowId('run');
    const run = sampleRun({ rowId, id: `run-${crypto.randomUUID()}`, input: EMPTY_OBJECT });
    await r.at(0).runLoop.transact((batch, now) => {
      batch.newRuns.push(run);
      r.at(0).vault.hooks.started(run, definition, batch, now);
    });
    return { run: { ...run, rootId: run.id }, task: sampleTask(run, { ref: 'a' }) };
  }

  const end = (replica: TestVault, run: Run) =>
    replica.runLoop.submit({
      load: async (round) => {
        const { busy } = await round.loadRuns([{ rowId: run.rowId, revision: 0 }]);
        return busy.length > 0 ? BUSY : undefined;
      },
      decide: (batch, now) => {
        const ended = { ...run, status: 'COMPLETED' as const, endedMs: now };
        batch.changedRuns.push(ended);
        replica.vault.hooks.ended(run, batch, now);
        return ended;
      },
    });

  async function keyAt(replica: TestVault, run: Run, task: Task): Promise<string> {
    await replica.vault.hooks.prepare([run]);
    const filled = replica.vault.hooks.fill(Json.of({ key: LITERAL }), run, task, compileSpelling({ key: LITERAL }));
    return String(filled.object.key);
  }

  test('that one replica started spends at every other, within one cap, until it ends anywhere', async () => {
    const { run, task } = await started();
    const keys = await Promise.all(r.all.map((replica) => keyAt(replica, run, task)));
    expect(new Set(keys).size).toBe(1);
    expect((await r.at(1).post(keys[1] ?? '', '/v1/charges', CHARGE)).status).toBe(200);
    expect((await r.at(2).post(keys[2] ?? '', '/v1/charges', 'amount=51&currency=usd')).status).toBe(429);
    const labelled = await r.at(2).issue({ agent_run_label: `conductor/${run.id}` });
    await end(r.at(1), run);
    for (const replica of r.all) {
      for (const text of [keys[0] ?? '', labelled.text]) {
        expect((await replica.post(text, '/v1/charges', 'amount=1&currency=usd')).status).toBe(401);
        expect((await replica.get(text, '/v1/charges')).status).toBe(401);
      }
      await expect(replica.issue({ agent_run_label: `conductor/${run.id}` })).rejects.toMatchObject({
        code: 'conflict',
      });
    }
  });

  test('that goes on at any replica spends what is left of it at every other', async () => {
    const { run, task } = await started();
    const key = await keyAt(r.at(0), run, task);
    expect((await r.at(0).post(key, '/v1/charges', CHARGE)).status).toBe(200);
    const revoked = await r.at(0).issue({ agent_run_label: `conductor/${run.id}` });
    await r.at(1).vault.keys.revoke(revoked.key.id);
    const ended = await end(r.at(1), run);
    for (const replica of r.all) expect((await replica.post(key, '/v1/charges', CHARGE)).status).toBe(401);
    const reopen = await r.at(2).vault.hooks.reopening(run.id);
    await r.at(2).runLoop.transact((batch, now) => reopen(ended, batch, now));
    expect((await r.at(1).post(revoked.text, '/v1/charges', CHARGE)).status).toBe(401);
    const other = await keyAt(r.at(1), run, { ...task, ref: 'b' });
    expect((await r.at(1).post(other, '/v1/charges', CHARGE)).status).toBe(200);
    expect((await r.at(0).post(other, '/v1/charges', 'amount=1&currency=usd')).status).toBe(429);
  });

  test('that goes on in the round in which it ended keeps its keys', async () => {
    const { run, task } = await started();
    const key = await keyAt(r.at(0), run, task);
    const reopen = await r.at(0).vault.hooks.reopening(run.id);
    await r.at(0).runLoop.transact((batch, now) => {
      r.at(0).vault.hooks.ended(run, batch, now);
      reopen({ ...run, endedMs: now }, batch, now);
    });
    expect((await r.at(1).post(key, '/v1/charges', CHARGE)).status).toBe(200);
    await r.at(0).runLoop.transact((batch, now) => {
      r.at(0).vault.hooks.ended(run, batch, now);
      reopen({ ...run, endedMs: now }, batch, now);
      r.at(0).vault.hooks.ended(run, batch, now);
    });
    expect((await r.at(1).post(key, '/v1/charges', CHARGE)).status).toBe(401);
  });

  test('that ends while a key is issued for it leaves no live key', async () => {
    for (let i = 0; i < 5; i += 1) {
      const { run } = await started();
      const label = `conductor/${run.id}`;
      const issued = r.all.map((replica) => replica.issue({ agent_run_label: label }).catch(() => undefined));
      await Promise.all([end(r.at(i), run), ...issued]);
      expect(await r.at(0).store.reads.vaultKeys({ runLabel: label, liveAtMs: Date.now(), limit: 10 })).toEqual([]);
    }
  });
});

describe('issuing', () => {
  test('the same Idempotency-Key at all replicas at once gives one vault key', async () => {
    const name = crypto.randomUUID();
    const issued = await Promise.all([0, 1, 2, 0, 1, 2].map((i) => r.at(i).issue({}, name)));
    expect(new Set(issued.map(({ text }) => text)).size).toBe(1);
    expect(issued.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(issued.map(({ key }) => key.expiresMs)).size).toBe(1);
  });

  test('the same Idempotency-Key with other requests at once: one is issued, the others are refused', async () => {
    const name = crypto.randomUUID();
    const issued = await Promise.allSettled([1, 2, 3].map((cap, i) => r.at(i).issue({ daily_usd_cap: cap }, name)));
    expect(issued.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('a unique label at all replicas at once gives one vault key', async () => {
    const fields = { agent_run_label: `unique-${crypto.randomUUID()}`, unique_label: true };
    const issued = await Promise.all(r.all.map((replica) => replica.issue(fields)));
    expect(new Set(issued.map(({ key }) => key.id)).size).toBe(1);
  });
});

describe('idempotency', () => {
  test("a caller's own key at all replicas at once charges once", async () => {
    const { text, key } = await knownKey({ daily_usd_cap: 1 });
    const headers = ['idempotency-key', `${key.id}-once`];
    const answers = await Promise.all([0, 1, 2].map((i) => r.at(i).post(text, '/v1/charges', CHARGE, headers)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(chargesOf(key.id)).toHaveLength(1);
    expect(await usageOf(key.id)).toMatchObject({ spentMicros: 500_000, reservedMicros: 0 });
    const other = await r.at(1).post(text, '/v1/charges', 'amount=51&currency=usd', headers);
    expect(other.json.error?.type).toBe('idempotency_error');
  });
});

describe('calls of a task without a key of their own', () => {
  async function labelled() {
    runs += 1;
    const label = `task-${runs}-${crypto.randomUUID()}`;
    const { key } = await r.at(0).issue({ agent_run_label: label });
    const post = async (replica: number, attempt: number, body: string, path = '/v1/charges', made?: string) =>
      (await r.at(replica).post(await taskKey(r.at(replica), label, attempt, label), path, body, sdk(made))).json.id;
    return { key, post };
  }

  const sdk = (made?: string) => (made ? ['idempotency-key', `stripe-node-retry-${made}`] : []);

  test('are as many charges as calls over all replicas, and a retried attempt repeats them anywhere', async () => {
    const { key, post } = await labelled();
    const first = [await post(0, 0, CHARGE), await post(1, 0, CHARGE), await post(2, 0, CHARGE)];
    expect(new Set(first).size).toBe(3);
    const again = [await post(2, 1, CHARGE), await post(1, 1, CHARGE), await post(0, 1, CHARGE)];
    expect(again).toEqual(first);
    expect(first).not.toContain(await post(1, 1, CHARGE));
    // An attempt that was given up and still goes on charges nothing that its successor has.
    expect(first).toContain(await post(2, 0, CHARGE));
    expect(await usageOf(key.id)).toMatchObject({ spentMicros: 2_000_000, reservedMicros: 0 });
  });

  test('at the same time at several replicas are different charges', async () => {
    const { key, post } = await labelled();
    const ids = await Promise.all([0, 1, 2, 0, 1, 2].map((i) => post(i, 0, CHARGE)));
    expect(new Set(ids).size).toBe(6);
    expect(await usageOf(key.id)).toMatchObject({ spentMicros: 3_000_000, reservedMicros: 0 });
  });

  test("an SDK's own retry at another replica is the same call, also when its answer was lost on the way", async () => {
    const { post } = await labelled();
    const x = await post(0, 0, CHARGE, '/v1/charges', 'x');
    const y = await post(1, 0, CHARGE, '/v1/charges', 'y');
    expect(await post(2, 0, CHARGE, '/v1/charges', 'x')).toBe(x);
    expect(await post(0, 0, CHARGE, '/v1/charges', 'y')).toBe(y);
    expect(x).not.toBe(y);
  });

  test('whose answer was lost are asked again at another replica, and charged once', async () => {
    const { key, post } = await labelled();
    const before = r.simulator.charged.length;
    r.simulator.inject('reset-after');
    expect(await post(0, 0, CHARGE)).toBeUndefined();
    const id = await post(1, 0, CHARGE);
    expect(r.simulator.charged.slice(before).map((charge) => charge.id)).toEqual([id]);
    expect(await post(2, 0, CHARGE)).not.toBe(id);
    expect(await usageOf(key.id)).toMatchObject({ spentMicros: 1_000_000, reservedMicros: 0 });
  });

  test('that the vendor did not take are made anew under the same key; declined ones are answered', async () => {
    const { key, post } = await labelled();
    r.simulator.inject('rate-limit');
    expect(await post(0, 0, CHARGE)).toBeUndefined();
    const id = await post(1, 0, CHARGE);
    expect(await post(2, 1, CHARGE)).toBe(id);
    const seen = r.simulator.requests.length;
    for (const replica of [0, 1]) await post(replica, 0, `${CHARGE}&customer=cus_declined`);
    const names = r.simulator.requests.slice(seen).map(({ headers }) => headers['idempotency-key']);
    expect(new Set(names).size).toBe(2);
    expect(await usageOf(key.id)).toMatchObject({ spentMicros: 500_000, reservedMicros: 0 });
  });

  test('that cost nothing are told apart as well', async () => {
    const { key, post } = await labelled();
    const made = [await post(0, 0, 'name=A', '/v1/customers'), await post(1, 0, 'name=A', '/v1/customers')];
    expect(new Set(made).size).toBe(2);
    expect([await post(2, 1, 'name=A', '/v1/customers'), await post(0, 1, 'name=A', '/v1/customers')]).toEqual(made);
    expect(await usageOf(key.id)).toMatchObject({ spentMicros: 0, reservedMicros: 0 });
  });
});

describe('a replica that dies', () => {
  test('between forward and settle: another resolves the charge, once it is older than any call', async () => {
    const dying = await r.open();
    const { text, key } = await r.at(0).issue({ daily_usd_cap: 1 });
    r.simulator.inject('hang');
    const before = r.simulator.charged.length;
    void dying.post(text, '/v1/charges', 'amount=60&currency=usd');
    while (r.simulator.charged.length === before) await new Promise((resolve) => setImmediate(resolve));
    await r.at(0).vault.recover();
    expect(await usageOf(key.id)).toMatchObject({ spentMicros: 0, reservedMicros: 600_000 });
    expect((await r.at(1).post(text, '/v1/charges', CHARGE)).status).toBe(429);
    for (const replica of [r.at(0), r.at(1)]) replica.clock.offsetMs = CALL_LIFE_MS;
    await Promise.all([r.at(0).vault.recover(), r.at(1).vault.recover()]);
    expect(await usageOf(key.id)).toMatchObject({ spentMicros: 600_000, reservedMicros: 0 });
    expect(r.simulator.charged.length - before).toBe(1);
    const rows = await r.at(0).store.reads.audit({ keyId: key.id, verdict: 'allowed', limit: 10 });
    expect(rows.map(({ costMicros }) => costMicros)).toEqual([600_000]);
  });

  test('no: one that is only slow does not take the answer to the others for a charge counted elsewhere', async () => {
    const gate = await startGate(r.simulator.origin);
    const slow = await r.open({ upstream: gate.origin });
    const { text, key } = await r.at(0).issue({ daily_usd_cap: 1 });
    const call = slow.post(text, '/v1/charges', 'amount=60&currency=usd', ['idempotency-key', `${key.id}-slow`]);
    await gate.arrived;
    // Another replica's caller repeats it, and the vendor carries out that one.
    const repeated = r.at(0).post(text, '/v1/charges', 'amount=60&currency=usd', ['idempotency-key', `${key.id}-slow`]);
    expect((await repeated).status).toBe(200);
    gate.open();
    const late = await call;
    expect([late.status, late.headers['idempotent-replayed']]).toEqual([200, 'true']);
    expect(await usageOf(key.id)).toMatchObject({ spentMicros: 600_000, reservedMicros: 0 });
    expect(chargesOf(key.id)).toHaveLength(1);
    gate.close();
  });
});

test('a vendor secret that one replica stores is used by all of them', async () => {
  const { text } = await r.at(0).issue();
  await r.at(0).vault.secrets.put('stripe', 'sk_test_of_nobody', 'default');
  await r.at(1).freshness?.ensure();
  expect((await r.at(1).get(text, '/v1/charges')).status).toBe(401);
  await r.at(0).vault.secrets.remove('stripe');
  await r.at(1).freshness?.ensure();
  expect((await r.at(1).get(text, '/v1/charges')).status).toBe(200);
});

test('fails closed: without the database nothing is forwarded, and it goes on when it is back', async () => {
  const postgres = await startPostgres();
  const lone = await openReplicas(1, await postgres.createDatabase());
  const t = lone.at(0);
  const { text, key } = await t.issue();
  expect((await t.post(text, '/v1/charges', CHARGE)).status).toBe(200);
  await t.loop.settled();
  const seen = lone.simulator.requests.length;
  await postgres.shutDown();
  const down = [await t.post(text, '/v1/charges', CHARGE), await t.get(text, '/v1/charges')];
  for (const answer of down) expect([answer.status, answer.json.error?.code]).toEqual([503, 'store_unavailable']);
  expect(lone.simulator.requests).toHaveLength(seen);
  await postgres.restart();
  expect((await t.post(text, '/v1/charges', CHARGE)).status).toBe(200);
  expect((await t.vault.keys.get(key.id)).usage).toMatchObject({ spentMicros: 1_000_000, reservedMicros: 0 });
  await lone.close();
  await postgres.stop();
});
