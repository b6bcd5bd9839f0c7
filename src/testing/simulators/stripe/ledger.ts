// The simulated account: objects by id and what was charged. Owns Stripe's behaviour for the few resources that the
// vault's tests need; everything is in memory and synchronous.
import { failure, invalid, missing, ok, type SimulatedReply } from './wire.ts';

export interface StripeCharge {
  readonly id: string;
  /** Minor units. */
  readonly amount: number;
  readonly customer: string | null;
  readonly idempotencyKey: string | null;
}

type Value = string | number | boolean | null;
export type StripeObject = { readonly id: string } & Record<string, Value | Record<string, string>>;

export interface SimulatedCall {
  readonly method: string;
  /** Behind /v1: ["payment_intents", "pi_1", "confirm"]. */
  readonly path: readonly string[];
  readonly params: URLSearchParams;
  readonly idempotencyKey: string | null;
}

const DECLINED_CUSTOMERS = new Set(['cus_declined']);
const DECLINED_METHODS = new Set(['pm_card_chargeDeclined', 'pm_card_visa_chargeDeclined', 'tok_chargeDeclined']);
const PREFIXES: Readonly<Record<string, string>> = {
  payment_intents: 'pi',
  charges: 'ch',
  refunds: 're',
  customers: 'cus',
  products: 'prod',
  prices: 'price',
  payouts: 'po',
};

export class StripeLedger {
  readonly objects = new Map<string, StripeObject>();
  readonly charged: StripeCharge[] = [];
  readonly paymentIntents: StripeCharge[] = [];
  #created = 0;

  handle(call: SimulatedCall): SimulatedReply {
    const [resource = '', id, action] = call.path;
    if (PREFIXES[resource] === undefined) return missing('API resource', resource);
    if (id === undefined) return call.method === 'POST' ? this.#create(resource, call) : this.#list(resource, call);
    const object = this.objects.get(id);
    if (!object || object.object !== objectName(resource)) return missing(objectName(resource), id);
    if (call.method === 'GET') return ok(this.#expanded(object, call));
    if (call.method === 'DELETE') return this.#delete(object);
    if (action === undefined) return this.#update(object, call);
    return this.#act(object, action, call);
  }

  #create(resource: string, call: SimulatedCall): SimulatedReply {
    const { params } = call;
    if (resource === 'payment_intents' || resource === 'charges') return this.#charge(resource, call);
    if (resource === 'refunds') return this.#refund(params);
    if (resource === 'payouts') {
      const amount = amountOf(params);
      if (amount === undefined) return invalid('Missing required param: amount.', 'amount');
      return ok(this.#store(resource, { amount, currency: params.get('currency') ?? 'usd', status: 'pending' }));
    }
    return ok(this.#store(resource, { email: params.get('email'), name: params.get('name'), ...metadata(params) }));
  }

  #charge(resource: string, call: SimulatedCall): SimulatedReply {
    const { params, idempotencyKey } = call;
    const amount = amountOf(params);
    const currency = params.get('currency');
    if (amount === undefined) return invalid('Missing required param: amount.', 'amount');
    if (!currency) return invalid('Missing required param: currency.', 'currency');
    const customer = params.get('customer');
    if (isDeclined(params)) return declined();
    const intent = resource === 'payment_intents';
    const done = !intent || params.get('confirm') === 'true';
    const manual = intent ? params.get('capture_method') === 'manual' : params.get('capture') === 'false';
    const object = this.#store(resource, {
      amount,
      currency,
      customer,
      ...(intent ? { amount_received: done && !manual ? amount : 0, latest_charge: null } : {}),
      ...(intent ? {} : { amount_captured: manual ? 0 : amount, captured: !manual }),
      amount_refunded: 0,
      capture_method: manual ? 'manual' : 'automatic',
      status: !done ? 'requires_confirmation' : manual && intent ? 'requires_capture' : 'succeeded',
      ...metadata(params),
    });
    const charge = { id: object.id, amount, customer, idempotencyKey };
    this.charged.push(charge);
    if (intent) this.paymentIntents.push(charge);
    return ok(object);
  }

  #refund(params: URLSearchParams): SimulatedReply {
    const target = params.get('charge') ?? params.get('payment_intent') ?? '';
    const object = this.objects.get(target);
    if (!object) return invalid(`No such charge: '${target}'`, 'charge', 'resource_missing');
    const left = numberOf(object.amount) - numberOf(object.amount_refunded);
    const amount = amountOf(params) ?? left;
    if (amount > left) return invalid('Refund amount is greater than unrefunded amount.', 'amount', 'amount_too_large');
    this.objects.set(target, { ...object, amount_refunded: numberOf(object.amount_refunded) + amount });
    return ok(
      this.#store('refunds', { amount, currency: object.currency ?? 'usd', charge: target, status: 'succeeded' }),
    );
  }

  #update(object: StripeObject, { params }: SimulatedCall): SimulatedReply {
    const changes: Record<string, Value> = {};
    for (const [name, value] of params)
      if (!name.includes('[')) changes[name] = name === 'amount' ? Number(value) : value;
    return ok(this.#replace({ ...object, ...changes, ...metadata(params) }));
  }

  #act(object: StripeObject, action: string, { params }: SimulatedCall): SimulatedReply {
    const amount = numberOf(object.amount);
    if (action === 'confirm') {
      if (isDeclined(params)) return declined();
      const manual = object.capture_method === 'manual';
      const amountReceived = manual ? 0 : amount;
      const status = manual ? 'requires_capture' : 'succeeded';
      return ok(this.#replace({ ...object, status, amount_received: amountReceived }));
    }
    if (action === 'capture') {
      const captured = Number(params.get('amount_to_capture') ?? params.get('amount') ?? amount);
      const changes = { status: 'succeeded', amount_received: captured, amount_captured: captured };
      return ok(this.#replace({ ...object, ...changes }));
    }
    if (action === 'cancel') return ok(this.#replace({ ...object, status: 'canceled' }));
    if (action === 'increment_authorization') {
      return ok(this.#replace({ ...object, amount: amountOf(params) ?? amount }));
    }
    return missing('action', action);
  }

  #delete(object: StripeObject): SimulatedReply {
    this.objects.delete(object.id);
    return ok({ id: object.id, object: object.object, deleted: true });
  }

  #list(resource: string, { params }: SimulatedCall): SimulatedReply {
    const limit = Math.min(100, Number(params.get('limit') ?? 10));
    const kind = objectName(resource);
    const all = [...this.objects.values()].filter((object) => object.object === kind).reverse();
    const page = all.slice(0, limit);
    return ok({ object: 'list', url: `/v1/${resource}`, has_more: all.length > page.length, data: page });
  }

  #expanded(object: StripeObject, { params }: SimulatedCall): object {
    // An intent's charge is the intent itself here: what was refunded of it is kept there.
    if (object.object !== 'payment_intent' || params.get('expand[]') !== 'latest_charge') return object;
    return { ...object, latest_charge: { ...object, object: 'charge' } };
  }

  #store(resource: string, fields: Omit<StripeObject, 'id'>): StripeObject {
    this.#created += 1;
    const id = `${PREFIXES[resource]}_${String(this.#created).padStart(14, '0')}`;
    return this.#replace({
      id,
      object: objectName(resource),
      created: Math.floor(Date.now() / 1000),
      livemode: false,
      ...fields,
    });
  }

  #replace(object: StripeObject): StripeObject {
    this.objects.set(object.id, object);
    return object;
  }
}

function objectName(resource: string): string {
  return resource.slice(0, -1);
}

function amountOf(params: URLSearchParams): number | undefined {
  const text = params.get('amount');
  return text !== null && /^\d{1,8}$/.test(text) ? Number(text) : undefined;
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function isDeclined(params: URLSearchParams): boolean {
  return (
    DECLINED_CUSTOMERS.has(params.get('customer') ?? '') ||
    DECLINED_METHODS.has(params.get('payment_method') ?? params.get('source') ?? '')
  );
}

function declined(): SimulatedReply {
  const error = {
    type: 'card_error',
    code: 'card_declined',
    decline_code: 'generic_decline',
    message: 'Your card was declined.',
  };
  return failure(402, error, true);
}

function metadata(params: URLSearchParams): { metadata: Record<string, string> } {
  const found: Record<string, string> = {};
  for (const [name, value] of params) {
    const match = /^metadata\[(.+)\]$/.exec(name);
    if (match?.[1]) found[match[1]] = value;
  }
  return { metadata: found };
}
