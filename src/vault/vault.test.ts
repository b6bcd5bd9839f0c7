// The vault as its users see it: promises of the seed, over the official SDK and a real database.
import { randomBytes, randomInt } from 'node:crypto';
import { cpSync, mkdtempSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import Stripe from 'stripe';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openTestVault, rowsOf, TASK, type TestVault, taskKey } from './vault.fixture.ts';

const CHARGE = 'amount=50&currency=usd&customer=cus_1';
const LABEL = `conductor/${TASK.runId}`;
let t: TestVault;

beforeEach(async () => {
  t = await openTestVault();
});

afterEach(async () => {
  expect(t.defects).toEqual([]);
  await t.close();
  for (const old of crashed.splice(0)) await old.close();
});

/** The three ways the SDK reaches the proxy. */
function clients(key: string): Stripe[] {
  const rewriting = (base: string) =>
    new Stripe(key, {
      httpClient: Stripe.createFetchHttpClient((input: string | URL | Request, init?: RequestInit) => {
        const url = new URL(input instanceof Request ? input.url : input);
        // Node's fetch computes the length itself, and would send the SDK's beside it.
        const headers = new Headers(init?.headers);
        headers.delete('content-length');
        return fetch(base + url.pathname + url.search, { ...init, headers });
      }),
    });
  return [
    new Stripe(key, { host: t.host, port: t.port, protocol: 'http' }),
    rewriting(`${t.origin}/stripe`),
    rewriting(`${t.origin}/stripe/v1`),
  ];
}

async function failure(call: Promise<unknown>): Promise<InstanceType<typeof Stripe.errors.StripeError>> {
  const error = await call.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Stripe.errors.StripeError)) throw error;
  return error;
}

describe('the official SDK', () => {
  test('K16: reaches the vendor by host, by /stripe and by /stripe/v1, with bearer and with basic', async () => {
    const { text } = await t.issue();
    for (const stripe of clients(text)) {
      const intent = await stripe.paymentIntents.create({
        amount: 50,
        currency: 'usd',
        customer: 'cus_1',
        metadata: { order: 'a b&c' },
      });
      expect(intent.id).toMatch(/^pi_/);
      expect((await stripe.paymentIntents.retrieve(intent.id)).metadata).toEqual({ order: 'a b&c' });
      expect((await stripe.paymentIntents.list({ limit: 3 })).data[0]?.id).toBe(intent.id);
    }
    const basic = await t.send('GET', '/stripe/v1/payment_intents', ['authorization', `Basic ${btoa(`${text}:`)}`]);
    expect(basic.status).toBe(200);
    expect(t.simulator.charged).toHaveLength(3);
    for (const { headers } of t.simulator.requests) expect(headers.authorization).toBe(`Bearer ${t.simulator.secret}`);
  });

  test('K24: every refusal is the SDK error class it should be, carries its word, and is not retried', async () => {
    const { text, key } = await t.issue({
      daily_usd_cap: 1,
      allowed_endpoints: ['payment_intents.create', 'POST /v1/subscriptions'],
    });
    const charge = { amount: 100, currency: 'usd' };
    for (const [i, stripe] of clients(text).entries()) {
      if (i === 0) await stripe.paymentIntents.create(charge);
      const seen = t.simulator.requests.length;
      const capped = await failure(stripe.paymentIntents.create(charge));
      expect(capped).toBeInstanceOf(Stripe.errors.StripeRateLimitError);
      expect(String(capped)).toContain('cap_exhausted');
      expect(capped.code).toBe('cap_exhausted');
      const denied = await failure(stripe.refunds.create({ charge: 'ch_1' }));
      expect(denied).toBeInstanceOf(Stripe.errors.StripePermissionError);
      expect(denied.message).toContain('endpoint_not_allowed');
      const uncosted = await failure(stripe.subscriptions.create({ customer: 'cus_1', items: [{ price: 'price_1' }] }));
      expect(uncosted.message).toContain('cost_unknown');
      const foreign = await failure(stripe.paymentIntents.create({ amount: 1000, currency: 'jpy' }));
      expect(foreign.message).toContain('currency_unsupported: the call is for 1000 JPY');
      expect(t.simulator.requests.length).toBe(seen);
    }
    await t.vault.keys.revoke(key.id);
    for (const stripe of clients(text)) {
      const revoked = await failure(stripe.paymentIntents.create(charge));
      expect(revoked).toBeInstanceOf(Stripe.errors.StripeAuthenticationError);
      expect(revoked.message).toContain('key_revoked');
    }
    // One audit row per refusal: a retried one would have two.
    await t.loop.settled();
    const rows = await t.store.reads.audit({ keyId: key.id, limit: 100 });
    expect(rows.filter(({ verdict }) => verdict.startsWith('denied_'))).toHaveLength(3 * 5);
  });

  test('a card decline stays a card error and counts nothing', async () => {
    const { text, key } = await t.issue();
    const [stripe] = clients(text);
    const error = await failure(
      stripe?.paymentIntents.create({ amount: 50, currency: 'usd', customer: 'cus_declined' }) ?? Promise.resolve(),
    );
    expect(error).toBeInstanceOf(Stripe.errors.StripeCardError);
    expect((await t.vault.keys.get(key.id)).usage).toEqual({
      capMicros: 500_000_000,
      spentMicros: 0,
      reservedMicros: 0,
    });
  });

  test('reads are not held back by an exhausted cap', async () => {
    const { text } = await t.issue({ daily_usd_cap: 0 });
    const [stripe] = clients(text);
    expect((await stripe?.customers.create({ name: 'A' }))?.id).toMatch(/^cus_/);
    expect((await stripe?.customers.list())?.data).toHaveLength(1);
  });
});

describe('the cap', () => {
  test('K17, K18: a thousand concurrent calls on one key spend the cap to the cent, and no more', async () => {
    const { text, key } = await t.issue({ daily_usd_cap: '100.00' });
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, i) =>
        t.post(text, '/stripe/v1/payment_intents', `amount=50&currency=usd&customer=cus_${i}`),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(200);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(800);
    for (const { text: body } of refused) expect(body).toContain('cap_exhausted');
    expect(t.simulator.charged).toHaveLength(200);
    expect((await t.vault.keys.get(key.id)).usage).toEqual({
      capMicros: 100_000_000,
      spentMicros: 100_000_000,
      reservedMicros: 0,
    });
    expect((await rowsOf(t, key)).totalMicros).toBe(100_000_000);
  });

  test('a call that does not fit is refused, a smaller one still passes', async () => {
    const { text } = await t.issue({ daily_usd_cap: 5 });
    expect((await t.post(text, '/stripe/v1/charges', 'amount=480&currency=usd')).status).toBe(200);
    const big = await t.post(text, '/stripe/v1/charges', 'amount=21&currency=usd');
    expect(big.status).toBe(429);
    expect(big.json.keybrake).toMatchObject({
      code: 'cap_exhausted',
      cap_usd: 5,
      spent_usd: 4.8,
      attempted_usd: 0.21,
      remaining_usd: 0.2,
    });
    expect(big.headers).toMatchObject({
      'keybrake-error': 'cap_exhausted',
      'keybrake-remaining-usd': '0.20',
      'stripe-should-retry': 'false',
    });
    expect((await t.post(text, '/stripe/v1/charges', 'amount=20&currency=usd')).status).toBe(200);
  });

  test('answers 402 where the issuer asked for it', async () => {
    const { text } = await t.issue({ daily_usd_cap: 0.1, cap_status: 402 });
    expect((await t.post(text, '/v1/charges', 'amount=50&currency=usd')).status).toBe(402);
  });

  test('a daily cap starts anew at midnight UTC, a rolling one a day after each charge, a lifetime one never', async () => {
    t.clock.fixedMs = Date.UTC(2030, 0, 1, 23, 0);
    const keys = await Promise.all(
      ['utc_day', 'rolling_24h', 'lifetime'].map((cap_window) =>
        t.issue({ daily_usd_cap: 1, cap_window, expires_in: '5d' }),
      ),
    );
    const spend = () =>
      Promise.all(keys.map(async ({ text }) => (await t.post(text, '/v1/charges', 'amount=60&currency=usd')).status));
    expect(await spend()).toEqual([200, 200, 200]);
    expect(await spend()).toEqual([429, 429, 429]);
    t.clock.fixedMs += 2 * 3_600_000;
    expect(await spend()).toEqual([200, 429, 429]);
    t.clock.fixedMs += 22 * 3_600_000;
    expect(await spend()).toEqual([429, 200, 429]);
  });

  test('a raised cap lets calls pass without giving back what was spent', async () => {
    const { text, key } = await t.issue({ daily_usd_cap: 1 });
    await t.post(text, '/v1/charges', 'amount=100&currency=usd');
    expect((await t.post(text, '/v1/charges', 'amount=50&currency=usd')).status).toBe(429);
    await t.vault.keys.patch(key.id, { daily_usd_cap: 1.5 });
    expect((await t.post(text, '/v1/charges', 'amount=50&currency=usd')).status).toBe(200);
    expect((await t.post(text, '/v1/charges', 'amount=50&currency=usd')).status).toBe(429);
  });
});

describe('policy', () => {
  test('K19: an endpoint outside allowed_endpoints never reaches the vendor', async () => {
    const { text } = await t.issue({ allowed_endpoints: ['POST /v1/payment_intents'] });
    const denied = await t.post(text, '/stripe/v1/charges', CHARGE);
    expect(denied.status).toBe(403);
    expect(denied.json.error?.code).toBe('endpoint_not_allowed');
    expect(t.simulator.requests).toHaveLength(0);
    expect((await t.post(text, '/stripe/v1/payment_intents', CHARGE)).status).toBe(200);
  });

  test('K20: an expired key is refused', async () => {
    const { text } = await t.issue({ expires_in: '1m' });
    t.clock.offsetMs = 61_000;
    const denied = await t.post(text, '/v1/charges', CHARGE);
    expect([denied.status, denied.json.error?.code]).toEqual([401, 'key_expired']);
  });

  test('K21: a revoked key is refused at the next call', async () => {
    const { text, key } = await t.issue();
    expect((await t.post(text, '/v1/charges', CHARGE)).status).toBe(200);
    await t.vault.keys.revoke(key.id);
    await t.vault.keys.revoke(text);
    const denied = await t.post(text, '/v1/charges', CHARGE);
    expect([denied.status, denied.json.error?.code]).toEqual([401, 'key_revoked']);
    expect((await t.get(text, '/v1/charges')).status).toBe(401);
    expect(t.simulator.charged).toHaveLength(1);
  });

  test('K21: a call that races a revocation is either made and counted, or refused and not made', async () => {
    const { text, key } = await t.issue();
    const calls = Array.from({ length: 50 }, () => t.post(text, '/v1/charges', CHARGE));
    const revoked = t.vault.keys.revoke(key.id).then(() => t.simulator.charged.length);
    const late = revoked.then(() => t.post(text, '/v1/charges', CHARGE));
    const statuses = (await Promise.all(calls)).map(({ status }) => status);
    for (const status of statuses) expect([200, 401]).toContain(status);
    expect((await late).status).toBe(401);
    expect(t.simulator.charged).toHaveLength(statuses.filter((status) => status === 200).length);
  });

  test('K29: nothing but a vault key of ours opens the proxy', async () => {
    const { text } = await t.issue();
    const forged = `${text.slice(0, -1)}${text.endsWith('A') ? 'B' : 'A'}`;
    for (const key of ['cnd_live_abc', '', forged, `${text}A`, text.slice(0, -1), t.simulator.secret]) {
      const denied = await t.post(key, '/v1/charges', CHARGE);
      expect([denied.status, denied.json.error?.code]).toEqual([401, 'key_unknown']);
    }
    expect(t.simulator.requests).toHaveLength(0);
  });

  test('named zero-cost endpoints pass, priced ones are priced all the same', async () => {
    const { text } = await t.issue({
      daily_usd_cap: 0,
      zero_cost_endpoints: ['setup_intents.create', 'charges.create'],
    });
    expect((await t.post(text, '/v1/setup_intents', 'customer=cus_1')).status).toBe(404);
    expect((await t.post(text, '/v1/charges', CHARGE)).status).toBe(429);
  });
});

describe('refunds and captures', () => {
  test('a refund is spend, whole or in part', async () => {
    const { text, key } = await t.issue({ daily_usd_cap: 10 });
    const charge = await t.post(text, '/v1/charges', 'amount=400&currency=usd');
    expect((await t.post(text, '/v1/refunds', `charge=${charge.json.id}&amount=100`)).status).toBe(200);
    expect((await t.vault.keys.get(key.id)).usage.spentMicros).toBe(5_000_000);
    expect((await t.post(text, '/v1/refunds', `charge=${charge.json.id}`)).json.amount).toBe(300);
    expect((await t.vault.keys.get(key.id)).usage.spentMicros).toBe(8_000_000);
    expect((await t.post(text, '/v1/refunds', 'charge=ch_nowhere')).status).toBe(404);
    expect((await t.post(text, '/v1/refunds', 'charge=../customers')).status).toBe(400);
  });

  test('an intent is counted once over create, update, confirm and capture', async () => {
    const { text, key } = await t.issue({ daily_usd_cap: 10 });
    const { id } = (await t.post(text, '/v1/payment_intents', 'amount=300&currency=usd&capture_method=manual')).json;
    await t.post(text, `/v1/payment_intents/${id}`, 'amount=450');
    await t.post(text, `/v1/payment_intents/${id}/confirm`, '');
    await t.post(text, `/v1/payment_intents/${id}/capture`, '');
    await t.post(text, `/v1/payment_intents/${id}`, 'metadata[a]=b');
    expect((await t.vault.keys.get(key.id)).usage.spentMicros).toBe(4_500_000);
    expect((await t.post(text, `/v1/payment_intents/${id}/increment_authorization`, 'amount=1100')).status).toBe(429);
    const other = await t.issue({ daily_usd_cap: 4 });
    const foreign = await t.post(other.text, `/v1/payment_intents/${id}/confirm`, '');
    expect([foreign.status, foreign.json.error?.code]).toEqual([429, 'cap_exhausted']);
  });
});

/** As Python makes one, but for those that say by chance that they are of a name: these pass for a caller's own. */
function uuidOf(hex: string): string {
  return hex.replace(/^(.{8})(.{4}).(.{3})(.{4})(.{12})$/, '$1-$2-0$3-$4-$5');
}

describe('authorised on one day, captured on another', () => {
  const DAY_MS = 86_400_000;

  test.each(['utc_day', 'rolling_24h'])('is counted on the first alone, also after a restart: %s', async (window) => {
    const { text, key } = await t.issue({ daily_usd_cap: 4, cap_window: window, expires_in: '30d' });
    const intent = async () =>
      (await t.post(text, '/v1/payment_intents', 'amount=300&currency=usd&capture_method=manual')).json.id;
    const [whole, part] = [await intent(), 'amount_to_capture=350'];
    const spent = async () => {
      const { usage } = await t.vault.keys.get(key.id);
      return usage.spentMicros + usage.reservedMicros;
    };
    await t.post(text, `/v1/payment_intents/${whole}/confirm`, '');
    expect(await spent()).toBe(3_000_000);
    t.clock.offsetMs += 2 * DAY_MS;
    expect((await t.post(text, `/v1/payment_intents/${whole}/increment_authorization`, 'amount=400')).status).toBe(200);
    expect(await spent()).toBe(1_000_000);
    const other = await intent();
    expect(await spent()).toBe(4_000_000);
    t.clock.offsetMs += 2 * DAY_MS;
    t = await t.reopen();
    const before = t.simulator.requests.length;
    await intent();
    expect((await t.post(text, `/v1/payment_intents/${whole}/capture`, part)).status).toBe(200);
    expect((await t.post(text, `/v1/payment_intents/${other}/confirm`, '')).status).toBe(200);
    expect((await t.post(text, `/v1/payment_intents/${other}/capture`, '')).status).toBe(200);
    expect(await spent()).toBe(3_000_000);
    expect((await rowsOf(t, key)).totalMicros).toBe(10_000_000);
    // What was counted needs no look at the vendor.
    const sinceRestart = t.simulator.requests.slice(before).map(({ method }) => method);
    expect(sinceRestart).toEqual(['POST', 'POST', 'POST', 'POST']);
  });
});

describe('idempotency', () => {
  test('K25: the same request again reserves nothing; other parameters are refused; concurrent ones wait', async () => {
    const { text, key } = await t.issue({ daily_usd_cap: 1 });
    const again = () => t.post(text, '/v1/charges', 'amount=100&currency=usd', ['idempotency-key', 'run-1-cus_1']);
    const answers = await Promise.all([again(), again(), again()]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    expect(t.simulator.charged).toHaveLength(1);
    const other = await t.post(text, '/v1/charges', 'amount=99&currency=usd', ['idempotency-key', 'run-1-cus_1']);
    expect([other.status, other.json.error?.type]).toEqual([400, 'idempotency_error']);
    expect((await t.vault.keys.get(key.id)).usage).toMatchObject({ spentMicros: 1_000_000, reservedMicros: 0 });
    expect((await rowsOf(t, key)).rows).toHaveLength(1);
  });

  test('K25: a key reused after the vendor forgot it reserves anew', async () => {
    const { text, key } = await t.issue({ daily_usd_cap: 2, expires_in: '3d' });
    const again = () => t.post(text, '/v1/charges', 'amount=100&currency=usd', ['idempotency-key', 'k']);
    await again();
    t.clock.offsetMs = 23.5 * 3_600_000;
    await again();
    expect((await rowsOf(t, key)).totalMicros).toBe(1_000_000);
    t.clock.offsetMs = 48 * 3_600_000;
    t.simulator.forget('k');
    await again();
    expect((await rowsOf(t, key)).totalMicros).toBe(2_000_000);
    expect(t.simulator.charged).toHaveLength(2);
  });

  test('K25: a retried task that brings no key, or one its SDK made up, does not charge twice', async () => {
    await t.issue({ agent_run_label: LABEL });
    const attempt = async (number: number) => {
      const stripe = new Stripe(await taskKey(t, LABEL, number), { host: t.host, port: t.port, protocol: 'http' });
      const first = await stripe.paymentIntents.create({ amount: 50, currency: 'usd' });
      const second = await stripe.paymentIntents.create({ amount: 50, currency: 'usd' });
      const other = await stripe.paymentIntents.create({ amount: 70, currency: 'usd' });
      const plain = await t.post(await taskKey(t, LABEL, number), '/v1/charges', 'amount=90&currency=usd');
      return [first.id, second.id, other.id, plain.json.id];
    };
    const ids = await attempt(0);
    expect(new Set(ids).size).toBe(4);
    expect(await attempt(1)).toEqual(ids);
    expect(t.simulator.charged).toHaveLength(4);
    expect(t.simulator.charged.map(({ amount }) => amount)).toEqual([50, 50, 70, 90]);
    for (const { idempotencyKey } of t.simulator.charged) expect(idempotencyKey).toMatch(/^conductor-/);
  });

  test.each([
    ['Stripe/v1 PythonBindings/15.0.0', () => crypto.randomUUID()],
    ['Stripe/v1 PythonBindings/16.1.0', () => uuidOf(randomBytes(16).toString('hex'))],
    ['Stripe/v1 GoBindings/85.0.0', () => `${1_795_469_156_960_879_000n + BigInt(randomInt(1e12))}_ubQuAA`],
    ['Stripe/v1 JavaBindings/33.3.0', () => crypto.randomUUID()],
  ])('K25: keys that %s makes up do not let a retried task charge twice', async (agent, made) => {
    await t.issue({ agent_run_label: LABEL });
    for (const attempt of [0, 1, 2]) {
      const headers = ['user-agent', agent, 'idempotency-key', made()];
      const answer = await t.post(await taskKey(t, LABEL, attempt), '/v1/charges', 'amount=50&currency=usd', headers);
      expect(answer.status).toBe(200);
    }
    expect(t.simulator.charged).toHaveLength(1);
  });

  test('stripe-go, which reads no answer below a path, is refused there before anything is charged', async () => {
    const { text, key } = await t.issue();
    const go = ['user-agent', 'Stripe/v1 GoBindings/85.0.0'];
    const refused = await t.post(text, '/stripe/v1/charges', CHARGE, go);
    expect([refused.status, refused.json.error?.code]).toEqual([400, 'malformed_request']);
    expect(refused.json.error?.message).toContain('without /stripe');
    expect((await t.post(text, '/v1/charges', CHARGE, go)).status).toBe(200);
    expect((await rowsOf(t, key)).rows).toHaveLength(1);
  });

  test("an SDK's own retries keep one derived key, and a caller's key is forwarded unchanged", async () => {
    await t.issue({ agent_run_label: LABEL });
    const stripe = new Stripe(await taskKey(t, LABEL), {
      host: t.host,
      port: t.port,
      protocol: 'http',
      maxNetworkRetries: 2,
    });
    t.simulator.inject('conflict');
    const intent = await stripe.paymentIntents.create({ amount: 50, currency: 'usd' });
    const keys = t.simulator.requests.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
    expect(t.simulator.charged.map(({ id }) => id)).toEqual([intent.id]);
    await stripe.paymentIntents.create({ amount: 50, currency: 'usd' }, { idempotencyKey: 'mine-1' });
    expect(t.simulator.charged[1]?.idempotencyKey).toBe('mine-1');
  });

  test('other tasks and other runs get other keys', async () => {
    await t.issue({ agent_run_label: LABEL });
    const ids = [];
    for (const ref of ['a', 'b'])
      ids.push((await t.post(await taskKey(t, LABEL, 0, ref), '/v1/charges', CHARGE)).json.id);
    expect(new Set(ids).size).toBe(2);
  });
});

describe('uncertain outcomes', () => {
  const usage = async (id: string) => (await t.vault.keys.get(id)).usage;

  test('a lost answer stays counted until it is known, and is charged once', async () => {
    const { text, key } = await t.issue({ daily_usd_cap: 1 });
    t.simulator.inject('reset-after');
    const lost = await t.post(text, '/v1/charges', 'amount=60&currency=usd', ['idempotency-key', 'k1']);
    expect([lost.status, lost.json.error?.code]).toEqual([504, 'outcome_unknown']);
    expect(lost.headers['stripe-should-retry']).toBe('true');
    expect(await usage(key.id)).toMatchObject({ spentMicros: 0, reservedMicros: 600_000 });
    expect((await t.post(text, '/v1/charges', 'amount=60&currency=usd')).status).toBe(429);
    await t.vault.recover();
    expect(await usage(key.id)).toMatchObject({ spentMicros: 600_000, reservedMicros: 0 });
    expect(t.simulator.charged).toHaveLength(1);
    const replay = await t.post(text, '/v1/charges', 'amount=60&currency=usd', ['idempotency-key', 'k1']);
    expect(replay.json.id).toBe(t.simulator.charged[0]?.id);
  });

  test("the caller's own repetition resolves it as well", async () => {
    const { text, key } = await t.issue({ daily_usd_cap: 1 });
    t.simulator.inject('reset-after');
    const call = () => t.post(text, '/v1/charges', 'amount=60&currency=usd', ['idempotency-key', 'k1']);
    expect((await call()).status).toBe(504);
    expect((await call()).status).toBe(200);
    expect(await usage(key.id)).toMatchObject({ spentMicros: 600_000, reservedMicros: 0 });
    expect(t.simulator.charged).toHaveLength(1);
  });

  test('a 500 stays counted; 409 and 429 of the vendor, and an unreachable vendor, do not', async () => {
    const { text, key } = await t.issue();
    t.simulator.inject('error-after');
    expect((await t.post(text, '/v1/charges', 'amount=100&currency=usd')).status).toBe(500);
    for (const fault of ['conflict', 'rate-limit'] as const) {
      t.simulator.inject(fault);
      await t.post(text, '/v1/charges', 'amount=100&currency=usd');
    }
    expect(await usage(key.id)).toMatchObject({ spentMicros: 0, reservedMicros: 1_000_000 });
    await t.vault.recover();
    expect(await usage(key.id)).toMatchObject({ spentMicros: 0, reservedMicros: 1_000_000 });
    await t.simulator.close();
    const away = await t.post(text, '/v1/charges', 'amount=100&currency=usd');
    expect(away.status).toBeGreaterThanOrEqual(502);
  });

  test('nothing is asked again for a revoked key: that could charge after the end', async () => {
    const { text, key } = await t.issue();
    t.simulator.inject('reset-before');
    await t.post(text, '/v1/charges', CHARGE);
    await t.vault.keys.revoke(key.id);
    await t.vault.recover();
    expect(t.simulator.charged).toHaveLength(0);
    expect(await usage(key.id)).toMatchObject({ reservedMicros: 500_000 });
  });

  test('K25: a crash between forward and settle neither loses nor doubles a charge', async () => {
    const { text, key } = await t.issue({ daily_usd_cap: 1, agent_run_label: LABEL });
    // The vendor has charged and never answers: the reservation is committed, its settlement never comes.
    t.simulator.inject('hang');
    void t.post(await taskKey(t, LABEL), '/v1/charges', 'amount=70&currency=usd');
    while (t.simulator.charged.length === 0) await new Promise((resolve) => setImmediate(resolve));
    crashed.push(t);
    t = await afterCrash(t);
    expect(await usage(key.id)).toMatchObject({ spentMicros: 0, reservedMicros: 700_000 });
    expect((await t.post(text, '/v1/charges', 'amount=70&currency=usd')).status).toBe(429);
    await t.vault.recover();
    expect(await usage(key.id)).toMatchObject({ spentMicros: 700_000, reservedMicros: 0 });
    const [charge] = t.simulator.charged;
    const retried = await t.post(await taskKey(t, LABEL, 1), '/v1/charges', 'amount=70&currency=usd');
    expect(retried.json.id).toBe(charge?.id);
    expect(t.simulator.charged).toHaveLength(1);
    const spend = await t.vault.reads.spend(TASK.runId);
    expect(spend.reduce((sum, row) => sum + row.costMicros, 0)).toBe(700_000);
  });

  test('a crash before the forward is made good by the retried task, once', async () => {
    const { key } = await t.issue({ agent_run_label: LABEL });
    t.simulator.inject('reset-before');
    expect((await t.post(await taskKey(t, LABEL), '/v1/charges', CHARGE)).status).toBe(504);
    await t.loop.settled();
    t = await t.reopen();
    expect(await usage(key.id)).toMatchObject({ reservedMicros: 500_000 });
    expect((await t.post(await taskKey(t, LABEL, 1), '/v1/charges', CHARGE)).status).toBe(200);
    await t.vault.recover();
    expect(t.simulator.charged).toHaveLength(1);
    expect(await usage(key.id)).toMatchObject({ spentMicros: 500_000, reservedMicros: 0 });
  });

  test('a charge is not asked again under another secret: that may be another account', async () => {
    const { text } = await t.issue();
    t.simulator.inject('reset-after');
    await t.post(text, '/v1/charges', CHARGE);
    await t.vault.secrets.put('stripe', 'sk_test_of_another_account', 'default');
    const seen = t.simulator.requests.length;
    await t.vault.recover();
    expect(t.simulator.requests).toHaveLength(seen);
  });
});

const crashed: TestVault[] = [];

/** Leaves the first vault hanging and opens another on a copy of its database, as after a power cut. */
async function afterCrash(from: TestVault): Promise<TestVault> {
  await from.loop.drained();
  const folder = mkdtempSync(join(tmpdir(), 'vault-'));
  cpSync(from.folder, folder, { recursive: true });
  return openTestVault({ folder, simulator: from.simulator });
}

describe('the record', () => {
  test('K23: every call stands in the audit with amount, object, execution and task; a run sums up in one request', async () => {
    await t.issue({ agent_run_label: LABEL, daily_usd_cap: 1, allowed_endpoints: ['POST /v1/payment_intents'] });
    const paid = await t.post(await taskKey(t, LABEL), '/v1/payment_intents', CHARGE, ['x-agent-run-id', 'agent-7']);
    await t.post(await taskKey(t, LABEL), '/v1/payment_intents', 'amount=80&currency=usd');
    await t.post(await taskKey(t, LABEL), '/v1/charges', CHARGE);
    const rows = await t.vault.reads.audit({ runId: TASK.runId, limit: 10 });
    expect(rows.map(({ verdict }) => verdict)).toEqual(
      expect.arrayContaining(['allowed', 'denied_cap_exhausted', 'denied_endpoint_not_allowed']),
    );
    expect(rows.find(({ verdict }) => verdict === 'allowed')).toMatchObject({
      ref: TASK.ref,
      runId: TASK.runId,
      operation: 'payment_intents.create',
      vendorObjectId: paid.json.id,
      costMicros: 500_000,
      amountMinor: 50,
      currency: 'usd',
      agentRunId: 'agent-7',
      customerScopeId: 'cus_1',
      vendorRequestId: 'req_sim1',
    });
    const spend = await t.vault.reads.spend(TASK.runId);
    expect(spend.reduce((sum, row) => sum + row.costMicros, 0)).toBe(500_000);
    expect(spend.reduce((sum, row) => sum + row.refused, 0)).toBe(2);
  });

  test('K22: the secret never comes back, not even from a vendor that echoes it', async () => {
    let encoding = 'identity';
    const echo = createServer((request, response) => {
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-encoding': encoding,
        'request-id': String(request.headers.authorization),
      });
      const said = JSON.stringify({ id: 'ch_1', echo: request.headers.authorization });
      response.end(encoding === 'gzip' ? gzipSync(said) : said);
    });
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    const address = echo.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const other = await openTestVault({ upstream: `http://127.0.0.1:${port}` });
    const { text } = await other.issue();
    // Packed answers are nothing that the vault asks for.
    for (encoding of ['identity', 'gzip']) {
      for (const answer of [await other.get(text, '/v1/charges'), await other.post(text, '/v1/charges', CHARGE)]) {
        expect(answer.status).toBe(200);
        expect(answer.json.id).toBe('ch_1');
        expect(answer.text + JSON.stringify(answer.headers)).not.toContain(other.simulator.secret);
      }
    }
    await other.close();
    echo.closeAllConnections();
    echo.close();
  });

  test('fails closed: without a store nothing is forwarded, and it goes on when the store is back', async () => {
    const { text, key } = await t.issue();
    await t.post(text, '/v1/charges', CHARGE);
    await t.loop.settled();
    const seen = t.simulator.requests.length;
    t.store.failing = () => 'before writing';
    for (const answer of [await t.post(text, '/v1/charges', CHARGE), await t.get(text, '/v1/charges')]) {
      expect([answer.status, answer.json.error?.code]).toEqual([503, 'store_unavailable']);
      expect(answer.headers['stripe-should-retry']).toBe('false');
    }
    expect(t.simulator.requests.length).toBe(seen);
    t.store.failing = () => null;
    expect((await t.post(text, '/v1/charges', CHARGE)).status).toBe(200);
    expect((await t.vault.keys.get(key.id)).usage).toMatchObject({ spentMicros: 1_000_000, reservedMicros: 0 });
  });
});
