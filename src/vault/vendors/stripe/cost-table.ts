// What each mutating Stripe call costs before it is made. Owns the table; an endpoint that is not in it has no known
// cost, which a capped key refuses. Must never price a call lower than the vendor can charge for it.
import { isJsonObject, type JsonObject } from '../../../model/json.ts';
import type { Form } from '../../proxy/form.ts';
import { Refusal } from '../../proxy/refusal.ts';
import type { Cost, Price, VendorCall } from '../vendor.ts';

type Row = (call: VendorCall) => Cost;

const FREE: Cost = { kind: 'free' };
const UNKNOWN: Cost = { kind: 'unknown' };
const AMOUNT = /^(0|[1-9][0-9]{0,7})$/;
const CURRENCY = /^[A-Za-z]{3}$/;

const ROWS: Readonly<Record<string, Row>> = {
  'charges.create': amountOfCall,
  'charges.capture': (call) =>
    capture(call, 'charges', 'amount', (charge) => amountOf(charge, 'amount', ['payment_intent'])),
  'payment_intents.create': amountOfCall,
  'payment_intents.update': newTotal,
  'payment_intents.confirm': (call) => onceFor(call, 'payment_intents', intentAmount),
  'payment_intents.capture': (call) => capture(call, 'payment_intents', 'amount_to_capture', intentAmount),
  'payment_intents.increment_authorization': newTotal,
  'refunds.create': refund,
  'payouts.create': amountOfCall,
  'payouts.reverse': (call) => wholeOf(`/v1/payouts/${idOf(call)}`, (payout) => amountOf(payout, 'amount', [])),
  'transfers.create': amountOfCall,
  'transfers.reversals.create': reversal,
  'topups.create': amountOfCall,
  'invoices.pay': (call) =>
    onceFor(call, 'invoices', (invoice) => amountOf(invoice, 'amount_remaining', ['payment_intent'])),
  'customers.create': () => FREE,
  'customers.update': () => FREE,
  'products.create': () => FREE,
  'products.update': () => FREE,
  'prices.create': () => FREE,
  'prices.update': () => FREE,
};

/** Throws Refusal parameter_invalid where a priced call does not say how much. */
export function stripeCost(call: VendorCall): Cost {
  // Ending a subscription can bill it on the way out.
  if (call.params.has('invoice_now')) return UNKNOWN;
  if (call.method !== 'POST') return FREE;
  const row = ROWS[call.operation];
  if (row) return row(call);
  return call.operation.endsWith('.cancel') && call.segments.length === 4 ? FREE : UNKNOWN;
}

function amountOfCall({ params }: VendorCall): Cost {
  const price = { amountMinor: amountParam(params, 'amount'), currency: currencyParam(params) };
  return { kind: 'known', price, basis: 'whole', objectIds: [] };
}

/** The amount becomes the object's: what was counted for it is not counted again. */
function newTotal(call: VendorCall): Cost {
  const { params } = call;
  if (call.operation === 'payment_intents.update' && !params.has('amount')) {
    return params.has('currency') ? lookUpTotal(call, null, currencyParam(params)) : FREE;
  }
  const currency = params.has('currency') ? currencyParam(params) : null;
  return lookUpTotal(call, amountParam(params, 'amount'), currency);
}

function lookUpTotal(call: VendorCall, amountMinor: number | null, currency: string | null): Cost {
  const id = idOf(call);
  return {
    kind: 'look-up',
    path: `/v1/payment_intents/${id}`,
    basis: 'total',
    objectIds: [id],
    // Only dollars are ever counted, so a counted object is one in dollars.
    ifCounted: amountMinor === null ? null : { amountMinor, currency: currency ?? 'usd' },
    price: (intent) => {
      const present = amountOf(intent, 'amount', []);
      return (
        present && {
          ...present,
          amountMinor: amountMinor ?? present.amountMinor,
          currency: currency ?? present.currency,
        }
      );
    },
  };
}

function onceFor(call: VendorCall, resource: string, price: (object: JsonObject) => LookedUp | null): Cost {
  const id = idOf(call);
  return {
    kind: 'look-up',
    path: `/v1/${resource}/${id}`,
    basis: 'once',
    objectIds: [id],
    ifCounted: 'nothing',
    price,
  };
}

/** More than was authorised can be captured where the account allows it: a stated amount is the object's new total. */
function capture(
  call: VendorCall,
  resource: string,
  param: string,
  read: (object: JsonObject) => LookedUp | null,
): Cost {
  if (!call.params.has(param)) return onceFor(call, resource, read);
  const amountMinor = amountParam(call.params, param);
  const id = idOf(call);
  return {
    kind: 'look-up',
    path: `/v1/${resource}/${id}`,
    basis: 'total',
    objectIds: [id],
    ifCounted: { amountMinor, currency: 'usd' },
    price: (object) => {
      const whole = read(object);
      return whole && { ...whole, amountMinor };
    },
  };
}

function wholeOf(path: string, price: (object: JsonObject) => LookedUp | null): Cost {
  return { kind: 'look-up', path, basis: 'whole', objectIds: [], ifCounted: null, price };
}

/** A refund is spend. Its currency is the charge's, so the charge is always looked at. */
function refund(call: VendorCall): Cost {
  const { params } = call;
  const wanted = params.has('amount') ? amountParam(params, 'amount') : null;
  const charge = idParam(params, 'charge');
  const intent = idParam(params, 'payment_intent');
  if ((charge === undefined) === (intent === undefined)) return UNKNOWN;
  if (charge !== undefined) {
    return wholeOf(`/v1/charges/${charge}`, (object) => refundable(object, wanted));
  }
  return wholeOf(`/v1/payment_intents/${intent}?expand[]=latest_charge`, (object) => {
    const latest = object.latest_charge;
    return refundable(isJsonObject(latest) ? latest : object, wanted);
  });
}

function reversal(call: VendorCall): Cost {
  const wanted = call.params.has('amount') ? amountParam(call.params, 'amount') : null;
  return wholeOf(`/v1/transfers/${idOf(call)}`, (transfer) => {
    const whole = amountOf(transfer, 'amount', []);
    return whole && { ...whole, amountMinor: wanted ?? whole.amountMinor - minor(transfer.amount_reversed) };
  });
}

type LookedUp = Price & { readonly alsoIds: readonly string[] };

function intentAmount(intent: JsonObject): LookedUp | null {
  return amountOf(intent, 'amount', ['latest_charge']);
}

function refundable(object: JsonObject, wanted: number | null): LookedUp | null {
  const whole = amountOf(object, 'amount', []);
  return whole && { ...whole, amountMinor: wanted ?? Math.max(0, whole.amountMinor - minor(object.amount_refunded)) };
}

function amountOf(object: JsonObject, field: string, idFields: readonly string[]): LookedUp | null {
  const amountMinor = object[field];
  const { currency } = object;
  if (typeof amountMinor !== 'number' || !Number.isSafeInteger(amountMinor) || amountMinor < 0) return null;
  if (typeof currency !== 'string') return null;
  const alsoIds = idFields.map((name) => object[name]).filter((id) => typeof id === 'string');
  return { amountMinor, currency: currency.toLowerCase(), alsoIds };
}

function minor(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

function idOf(call: VendorCall): string {
  return call.segments[2] ?? '';
}

function amountParam(params: Form, name: string): number {
  const text = params.get(name);
  if (text === undefined) throw invalid(name, `is missing: send it as a whole number of minor units`);
  if (!AMOUNT.test(text))
    throw invalid(name, 'must be a whole number of minor units, 1 to 8 digits, without sign or leading zeros');
  return Number(text);
}

function currencyParam(params: Form): string {
  const text = params.get('currency');
  if (text === undefined || !CURRENCY.test(text)) throw invalid('currency', 'must be a three-letter code such as usd');
  return text.toLowerCase();
}

/** An id that goes into a path of ours: anything but an id is refused. */
function idParam(params: Form, name: string): string | undefined {
  const id = params.get(name);
  if (id !== undefined && !/^[A-Za-z0-9_]{1,255}$/.test(id)) throw invalid(name, 'must be an id');
  if (id === undefined && params.has(name)) throw invalid(name, 'must be an id');
  return id;
}

function invalid(name: string, why: string): Refusal {
  return new Refusal('parameter_invalid', `parameter_invalid: ${name} ${why}.`);
}
