// Stripe's names, prices and answers, row by row.
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../model/json.ts';
import { readForm } from '../../proxy/form.ts';
import { Refusal } from '../../proxy/refusal.ts';
import { stripeCost } from './cost-table.ts';
import { describePrice, usdMicros } from './currencies.ts';
import { stripeOperation } from './endpoints.ts';
import { isAutomaticKey } from './idempotency.ts';
import { stripeVerdict } from './settle.ts';

function cost(method: string, path: string, body = '') {
  const segments = path.slice(1).split('/');
  return stripeCost({
    method,
    path,
    segments,
    operation: stripeOperation(method, segments),
    params: readForm(body, 'body'),
  });
}

test.each([
  ['GET', '/v1/charges', 'charges.list'],
  ['POST', '/v1/charges', 'charges.create'],
  ['GET', '/v1/charges/ch_1', 'charges.retrieve'],
  ['POST', '/v1/charges/ch_1', 'charges.update'],
  ['POST', '/v1/charges/ch_1/capture', 'charges.capture'],
  ['GET', '/v1/charges/search', 'charges.search'],
  ['POST', '/v1/payment_intents/pi_1/confirm', 'payment_intents.confirm'],
  ['POST', '/v1/payment_intents/pi_1/confirm/x', 'payment_intents.confirm.update'],
  ['POST', '/v1/payment_intents/pi_1/increment_authorization', 'payment_intents.increment_authorization'],
  ['DELETE', '/v1/customers/cus_1', 'customers.delete'],
  ['GET', '/v1/balance', 'balance.retrieve'],
  ['POST', '/v1/checkout/sessions', 'checkout.sessions.create'],
  ['POST', '/v1/checkout/sessions/cs_1/expire', 'checkout.sessions.expire'],
  ['POST', '/v1/transfers/tr_1/reversals', 'transfers.reversals.create'],
  ['POST', '/v1/transfers/tr_1/reversals/trr_1', 'transfers.reversals.update'],
  ['POST', '/v1/customers/cus_1/sources', 'customers.sources.create'],
])('%s %s is %s', (method, path, operation) => {
  expect(stripeOperation(method, path.slice(1).split('/'))).toBe(operation);
});

describe('prices', () => {
  test.each([
    [
      '/v1/charges',
      'amount=50&currency=usd',
      { kind: 'known', price: { amountMinor: 50, currency: 'usd' }, basis: 'whole' },
    ],
    [
      '/v1/payment_intents',
      'amount=99999999&currency=USD',
      { kind: 'known', price: { amountMinor: 99_999_999, currency: 'usd' } },
    ],
    ['/v1/payouts', 'amount=50&currency=eur', { kind: 'known', price: { currency: 'eur' } }],
    ['/v1/payment_intents/pi_1', 'amount=70', { kind: 'look-up', basis: 'total', path: '/v1/payment_intents/pi_1' }],
    ['/v1/payment_intents/pi_1', 'metadata[a]=b', { kind: 'free' }],
    ['/v1/payment_intents/pi_1/confirm', '', { kind: 'look-up', basis: 'once', ifCounted: 'nothing' }],
    ['/v1/payment_intents/pi_1/capture', 'amount_to_capture=70', { kind: 'look-up', basis: 'total' }],
    ['/v1/payment_intents/pi_1/cancel', '', { kind: 'free' }],
    ['/v1/refunds', 'charge=ch_1', { kind: 'look-up', basis: 'whole', path: '/v1/charges/ch_1' }],
    ['/v1/refunds', '', { kind: 'unknown' }],
    ['/v1/refunds', 'charge=ch_1&payment_intent=pi_1', { kind: 'unknown' }],
    ['/v1/customers', 'name=x', { kind: 'free' }],
    ['/v1/products', 'name=x', { kind: 'free' }],
    ['/v1/subscriptions', 'customer=cus_1', { kind: 'unknown' }],
    ['/v1/charges/ch_1', 'description=x', { kind: 'unknown' }],
    ['/v1/payment_intents/pi_1/confirm/x', '', { kind: 'unknown' }],
    ['/v1/test_helpers/issuing/authorizations', 'amount=1', { kind: 'unknown' }],
    ['/v1/customers/cus_1/balance_transactions', 'amount=1', { kind: 'unknown' }],
    ['/v1/subscription_schedules/sub_1/cancel', 'invoice_now=true', { kind: 'unknown' }],
  ])('POST %s %s', (path, body, expected) => {
    expect(cost('POST', path, body)).toMatchObject(expected);
  });

  test.each(['+50', '-50', '050', '5e1', '50.0', ' 50', '0x32', '123456789', '', '५०', '50 ', '1_000', 'NaN'])(
    'an amount of %j is refused',
    (amount) => {
      expect(() => cost('POST', '/v1/charges', `amount=${encodeURIComponent(amount)}&currency=usd`)).toThrow(Refusal);
    },
  );

  test.each([
    'currency=usd',
    'amount=5',
    'amount[]=5&currency=usd',
    'amount=5&currency=us',
    'amount=5&currency[a]=usd',
  ])('%s is refused', (body) => {
    expect(() => cost('POST', '/v1/charges', body)).toThrow(Refusal);
  });

  test('reading and deleting cost nothing, ending with an invoice might', () => {
    expect(cost('GET', '/v1/charges').kind).toBe('free');
    expect(cost('DELETE', '/v1/subscriptions/sub_1').kind).toBe('free');
    expect(cost('DELETE', '/v1/subscriptions/sub_1', 'invoice_now=true').kind).toBe('unknown');
  });

  test('a full refund costs what is left to refund', () => {
    const plan = cost('POST', '/v1/refunds', 'charge=ch_1');
    const price = plan.kind === 'look-up' ? plan.price({ amount: 500, amount_refunded: 200, currency: 'usd' }) : null;
    expect(price).toMatchObject({ amountMinor: 300, currency: 'usd' });
  });

  test('minor units', () => {
    expect(usdMicros({ amountMinor: 50, currency: 'usd' })).toBe(500_000);
    expect(usdMicros({ amountMinor: 50, currency: 'eur' })).toBeUndefined();
    expect(describePrice({ amountMinor: 1050, currency: 'eur' })).toBe('10.50 EUR');
    expect(describePrice({ amountMinor: 1050, currency: 'jpy' })).toBe('1050 JPY');
    expect(describePrice({ amountMinor: 1050, currency: 'kwd' })).toBe('1.05 KWD');
    expect(describePrice({ amountMinor: 500, currency: 'isk' })).toBe('5.00 ISK');
  });
});

describe('answers', () => {
  const verdict = (operation: string, status: number, body?: JsonObject, again = false, replayed = false) =>
    stripeVerdict(
      operation,
      { status, body, header: (name) => (replayed && name === 'idempotent-replayed' ? 'true' : undefined) },
      again,
    );

  test.each([
    [
      'charges.create',
      { id: 'ch_1', amount: 50, currency: 'usd' },
      { kind: 'charged', micros: 500_000, basis: 'whole', objectId: 'ch_1' },
    ],
    [
      'payment_intents.confirm',
      { id: 'pi_1', amount: 50, amount_received: 0, status: 'requires_action', currency: 'usd' },
      { kind: 'charged', micros: 500_000, basis: 'once' },
    ],
    [
      'payment_intents.confirm',
      { id: 'pi_1', amount: 50, status: 'requires_payment_method', currency: 'usd' },
      { kind: 'released' },
    ],
    [
      'payment_intents.capture',
      { id: 'pi_1', amount: 50, amount_received: 30, currency: 'usd' },
      { kind: 'charged', micros: 300_000, basis: 'total' },
    ],
    ['refunds.create', { id: 're_1', amount: 50, status: 'failed', currency: 'usd' }, { kind: 'released' }],
    ['charges.create', { id: 'ch_1', amount: 'many' }, { kind: 'charged-as-reserved', objectId: 'ch_1' }],
    ['charges.create', { id: 'ch_1', amount: 50, currency: 'jpy' }, { kind: 'charged-as-reserved' }],
    ['charges.create', undefined, { kind: 'charged-as-reserved', objectId: null }],
  ])('200 to %s %j', (operation, body, settlement) => {
    expect(verdict(operation, 200, body).settlement).toMatchObject(settlement);
  });

  test.each([
    [402, false, 'released'],
    [400, false, 'released'],
    [404, false, 'released'],
    [409, false, 'released'],
    [429, false, 'released'],
    [500, false, 'uncertain'],
    [503, false, 'uncertain'],
    [302, false, 'uncertain'],
    [402, true, 'released'],
    [400, true, 'released'],
    [401, true, 'uncertain'],
    [404, true, 'uncertain'],
    [409, true, 'uncertain'],
    [429, true, 'uncertain'],
    [500, true, 'uncertain'],
  ])('%i (again: %s) leaves a charge %s', (status, again, kind) => {
    expect(verdict('charges.create', status, { error: { type: 'x' } }, again).settlement.kind).toBe(kind);
  });

  test('a reused key proves nothing when the vault asks again', () => {
    expect(verdict('charges.create', 400, { error: { type: 'idempotency_error' } }, true).settlement.kind).toBe(
      'uncertain',
    );
  });

  test('what the vendor keeps', () => {
    expect(verdict('charges.create', 402).stored).toBe(true);
    expect(verdict('charges.create', 400).stored).toBe(false);
    expect(verdict('charges.create', 400, undefined, false, true).stored).toBe(true);
    expect(verdict('charges.create', 409).stored).toBe(false);
  });
});

test('keys that an SDK made up', () => {
  const agent = (value?: string) => (name: string) => (name === 'user-agent' ? value : undefined);
  const uuid = '0b9d1c1e-7a55-4a6e-9d53-4d3b3b7f8a11';
  expect(isAutomaticKey(`stripe-node-retry-${uuid}`, agent())).toBe(true);
  expect(isAutomaticKey(uuid, agent('Stripe/v1 PythonBindings/15.3.1'))).toBe(true);
  expect(isAutomaticKey(uuid, agent('Stripe/v1 NodeBindings/23.1.0'))).toBe(false);
  expect(isAutomaticKey('run-1-cus_1', agent('Stripe/v1 PythonBindings/15.3.1'))).toBe(false);
  const python = agent('Stripe/v1 PythonBindings/16.1.0');
  expect(isAutomaticKey('16756095-1448-691c-4cdc-5ca0f25e4634', python)).toBe(true);
  // uuid3 and uuid5 of a name: whoever makes such a key means it to be the same again.
  expect(isAutomaticKey('886313e1-3b8a-5372-9b90-0c9aee199e5d', python)).toBe(false);
  expect(isAutomaticKey('6fa459ea-ee8a-3ca4-894e-db77e160355e', python)).toBe(false);
  const go = agent('Stripe/v1 GoBindings/85.0.0');
  expect(isAutomaticKey('1795469156960879282_ubQuAA', go)).toBe(true);
  expect(isAutomaticKey('1795469156960879282_u-Q_A=', go)).toBe(false);
  expect(isAutomaticKey('1795469156960879282_ubQuAA', python)).toBe(false);
  expect(isAutomaticKey(uuid, go)).toBe(false);
});
