// What Stripe's answers mean for the money: charged and how much, surely not charged, or unknown. Owns the reading of
// amounts in answers; must never release on an answer after which a charge may exist.
import { isJsonObject, type JsonObject } from '../../../model/json.ts';
import type { Basis, Settlement } from '../../ledger/settlement.ts';
import type { VendorAnswer, Verdict } from '../vendor.ts';
import { usdMicros } from './currencies.ts';

interface Rule {
  readonly basis: Basis;
  /** Minor units that the object says were spent; undefined when it does not say. */
  amount(object: JsonObject): unknown;
}

const NOTHING = new Set(['failed', 'canceled']);
const amount = (object: JsonObject) => (NOTHING.has(String(object.status)) ? 0 : object.amount);

const RULES: Readonly<Record<string, Rule>> = {
  'charges.create': { basis: 'whole', amount },
  'charges.capture': { basis: 'total', amount: (charge) => charge.amount_captured ?? charge.amount },
  'payment_intents.create': { basis: 'whole', amount },
  'payment_intents.update': { basis: 'total', amount },
  'payment_intents.increment_authorization': { basis: 'total', amount },
  'payment_intents.confirm': { basis: 'once', amount: confirmed },
  'payment_intents.capture': { basis: 'total', amount: (intent) => intent.amount_received ?? intent.amount },
  'refunds.create': { basis: 'whole', amount },
  'payouts.create': { basis: 'whole', amount },
  'payouts.reverse': { basis: 'whole', amount },
  'transfers.create': { basis: 'whole', amount },
  'transfers.reversals.create': { basis: 'whole', amount },
  'topups.create': { basis: 'whole', amount },
  'invoices.pay': { basis: 'once', amount: (invoice) => invoice.amount_paid },
};

/** `again`: the answer to a repetition by the vault, which proves less than the answer to the call itself. */
export function stripeVerdict(operation: string, answer: VendorAnswer, again: boolean): Verdict {
  const replayed = answer.header('idempotent-replayed') === 'true';
  const { status } = answer;
  if (status >= 200 && status < 300) return { settlement: charged(operation, answer.body), stored: true, replayed };
  if (status < 400 || status >= 500) return { settlement: { kind: 'uncertain' }, stored: false, replayed };
  const stored = status === 402 || replayed;
  const proves = again ? status === 402 || (status === 400 && errorType(answer.body) !== 'idempotency_error') : true;
  return { settlement: { kind: proves ? 'released' : 'uncertain' }, stored: stored && proves, replayed };
}

function charged(operation: string, body: JsonObject | undefined): Settlement {
  const rule = RULES[operation];
  const objectId = typeof body?.id === 'string' ? body.id : null;
  if (!rule || !body) return { kind: 'charged-as-reserved', objectId };
  const amountMinor = rule.amount(body);
  if (typeof amountMinor !== 'number' || !Number.isSafeInteger(amountMinor) || amountMinor < 0) {
    return { kind: 'charged-as-reserved', objectId };
  }
  if (amountMinor === 0) return { kind: 'released' };
  const currency = typeof body.currency === 'string' ? body.currency.toLowerCase() : 'usd';
  const micros = usdMicros({ amountMinor, currency });
  if (micros === undefined) return { kind: 'charged-as-reserved', objectId };
  return { kind: 'charged', micros, basis: rule.basis, objectId };
}

/** A confirmed intent may still be collected later: its whole amount counts unless it surely fell through. */
function confirmed(intent: JsonObject): unknown {
  if (intent.status === 'succeeded') return intent.amount_received ?? intent.amount;
  return intent.status === 'requires_payment_method' || intent.status === 'canceled' ? 0 : intent.amount;
}

function errorType(body: JsonObject | undefined): unknown {
  return isJsonObject(body?.error) ? body.error.type : undefined;
}
