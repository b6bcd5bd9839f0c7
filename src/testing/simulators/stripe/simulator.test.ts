// The simulator behaves as Stripe does, as far as the vault depends on it: seen through the official SDK.
import Stripe from 'stripe';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type StripeSimulator, startStripeSimulator } from './index.ts';

let simulator: StripeSimulator;
let stripe: Stripe;

beforeEach(async () => {
  simulator = await startStripeSimulator();
  const { hostname, port } = new URL(simulator.origin);
  stripe = new Stripe(simulator.secret, { host: hostname, port: Number(port), protocol: 'http', maxNetworkRetries: 0 });
});

afterEach(() => simulator.close());

const CHARGE = { amount: 500, currency: 'usd', customer: 'cus_1' };

async function failure(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof Stripe.errors.StripeError) return error;
  throw new Error('the call did not fail with a Stripe error');
}

describe('resources', () => {
  test('an intent lives through create, update, confirm, capture, refund', async () => {
    const intent = await stripe.paymentIntents.create({
      ...CHARGE,
      capture_method: 'manual',
      metadata: { order: '7' },
    });
    expect(intent).toMatchObject({
      object: 'payment_intent',
      amount: 500,
      status: 'requires_confirmation',
      metadata: { order: '7' },
    });
    expect((await stripe.paymentIntents.update(intent.id, { amount: 600 })).amount).toBe(600);
    expect((await stripe.paymentIntents.confirm(intent.id)).status).toBe('requires_capture');
    expect((await stripe.paymentIntents.capture(intent.id)).amount_received).toBe(600);
    expect((await stripe.refunds.create({ payment_intent: intent.id, amount: 200 })).amount).toBe(200);
    expect((await stripe.refunds.create({ payment_intent: intent.id })).amount).toBe(400);
    expect((await failure(stripe.refunds.create({ payment_intent: intent.id, amount: 1 }))).code).toBe(
      'amount_too_large',
    );
    expect((await stripe.paymentIntents.list()).data.map(({ id }) => id)).toEqual([intent.id]);
    expect(simulator.charged).toMatchObject([{ id: intent.id, amount: 500, customer: 'cus_1' }]);
  });

  test('refuses strangers, missing parameters and unknown ids', async () => {
    const { hostname, port } = new URL(simulator.origin);
    const stranger = new Stripe('sk_test_wrong', { host: hostname, port: Number(port), protocol: 'http' });
    expect(await failure(stranger.balance.retrieve())).toBeInstanceOf(Stripe.errors.StripeAuthenticationError);
    expect((await failure(stripe.paymentIntents.create({ amount: 5, currency: '' }))).type).toBe(
      'StripeInvalidRequestError',
    );
    expect((await failure(stripe.charges.retrieve('ch_nowhere'))).code).toBe('resource_missing');
  });

  test('declines the cards that always decline', async () => {
    const byCustomer = await failure(stripe.paymentIntents.create({ ...CHARGE, customer: 'cus_declined' }));
    const byMethod = await failure(
      stripe.paymentIntents.create({ ...CHARGE, payment_method: 'pm_card_chargeDeclined' }),
    );
    for (const error of [byCustomer, byMethod]) expect(error).toBeInstanceOf(Stripe.errors.StripeCardError);
    expect(simulator.charged).toHaveLength(0);
  });
});

describe('idempotency keys', () => {
  const create = (amount: number) => stripe.charges.create({ ...CHARGE, amount }, { idempotencyKey: 'k' });

  test('repeat the first answer and refuse other parameters', async () => {
    const first = await create(500);
    const again = await create(500);
    expect(again.id).toBe(first.id);
    expect(again.lastResponse.headers['idempotent-replayed']).toBe('true');
    expect(await failure(create(501))).toBeInstanceOf(Stripe.errors.StripeIdempotencyError);
    simulator.forget('k');
    expect((await create(500)).id).not.toBe(first.id);
    expect(simulator.charged).toHaveLength(2);
  });

  test('keep a 500 and a decline, but no conflict', async () => {
    simulator.inject('error-after');
    expect((await failure(create(500))).statusCode).toBe(500);
    expect((await failure(create(500))).statusCode).toBe(500);
    expect(simulator.charged).toHaveLength(1);
    simulator.forget('k');
    simulator.inject('conflict');
    expect((await failure(create(500))).statusCode).toBe(409);
    expect((await create(500)).amount).toBe(500);
  });

  test('answer 409 while the first is under way', async () => {
    const slow = await startStripeSimulator({ latencyMs: 50 });
    const post = () =>
      fetch(`${slow.origin}/v1/charges`, {
        method: 'POST',
        headers: { authorization: `Bearer ${slow.secret}`, 'idempotency-key': 'k' },
        body: new URLSearchParams({ amount: '500', currency: 'usd' }),
      });
    const statuses = (await Promise.all([post(), post()])).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, 409]);
    await slow.close();
  });
});

describe('faults', () => {
  /** Without the SDK, which repeats a closed connection by itself. */
  const post = (idempotencyKey: string) =>
    fetch(`${simulator.origin}/v1/charges`, {
      method: 'POST',
      headers: { authorization: `Bearer ${simulator.secret}`, 'idempotency-key': idempotencyKey },
      body: new URLSearchParams({ amount: '500', currency: 'usd' }),
    });

  test('a reset leaves a charge behind or not, as asked', async () => {
    simulator.inject('reset-before');
    await expect(post('a')).rejects.toThrow();
    expect(simulator.charged).toHaveLength(0);
    simulator.inject('reset-after');
    await expect(post('b')).rejects.toThrow();
    expect(simulator.charged).toHaveLength(1);
    expect((await post('b')).headers.get('idempotent-replayed')).toBe('true');
    expect(simulator.charged).toHaveLength(1);
  });

  test('failRate 1 charges and answers 500', async () => {
    const failing = await startStripeSimulator({ failRate: 1 });
    const answer = await fetch(`${failing.origin}/v1/charges`, {
      method: 'POST',
      headers: { authorization: `Bearer ${failing.secret}` },
      body: new URLSearchParams({ amount: '500', currency: 'usd' }),
    });
    expect([answer.status, failing.charged.length]).toEqual([500, 1]);
    await failing.close();
  });
});
