// Stage 9: what a call will cost, by its own parameters or by a look at the vendor's object. Owns the refusal of what
// cannot be priced: a capped key never makes a call of unknown cost.
import type { EndpointCall } from '../keys/endpoint-rules.ts';
import type { KeyEntry } from '../keys/key-registry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Basis } from '../ledger/settlement.ts';
import type { Cost, Price, Vendor, VendorCall } from '../vendors/vendor.ts';
import { Refusal } from './refusal.ts';
import type { Answer, Outcome } from './vendor-client.ts';

export type Estimate =
  | { readonly kind: 'free' }
  | {
      readonly kind: 'priced';
      readonly price: Price;
      readonly micros: number;
      readonly basis: Basis;
      readonly objectIds: readonly string[];
    }
  /** The look at the object failed: the vendor's own answer goes back. */
  | { readonly kind: 'vendor-refused'; readonly answer: Answer };

export interface EstimateContext {
  readonly vendor: Vendor;
  readonly entry: KeyEntry;
  readonly ledger: Ledger;
  lookUp(path: string): Promise<Outcome>;
}

/** Throws Refusal cost_unknown, currency_unsupported, parameter_invalid, upstream_unreachable. */
export function estimate(call: VendorCall, cost: Cost, context: EstimateContext): Estimate | Promise<Estimate> {
  if (cost.kind === 'free') return { kind: 'free' };
  if (cost.kind === 'unknown') {
    if (context.entry.free(endpointOf(call))) return { kind: 'free' };
    throw costUnknown(call);
  }
  if (cost.kind === 'known') return priced(cost.price, cost.basis, cost.objectIds, context.vendor);
  return lookedUp(call, cost, context);
}

/** HEAD is asked as GET by every rule. */
export function endpointOf(call: VendorCall): EndpointCall {
  return call.method === 'HEAD' ? { method: 'GET', path: call.path, operation: call.operation } : call;
}

type LookUp = Extract<Cost, { kind: 'look-up' }>;

async function lookedUp(call: VendorCall, cost: LookUp, context: EstimateContext): Promise<Estimate> {
  const { entry, ledger, vendor } = context;
  if (cost.ifCounted !== null && (await ledger.counted(entry.row.id, cost.objectIds))) {
    return cost.ifCounted === 'nothing' ? { kind: 'free' } : priced(cost.ifCounted, cost.basis, cost.objectIds, vendor);
  }
  const outcome = await context.lookUp(cost.path);
  if (outcome.kind !== 'answer') {
    throw new Refusal(
      'upstream_unreachable',
      `upstream_unreachable: ${vendor.name} did not answer the look at what ${call.operation} would cost. Nothing was charged; send it again.`,
      { retryable: true },
    );
  }
  const { answer } = outcome;
  if (answer.status < 200 || answer.status >= 300) return { kind: 'vendor-refused', answer };
  const price = answer.body && cost.price(answer.body);
  if (!price) throw costUnknown(call);
  return priced(price, cost.basis, [...cost.objectIds, ...price.alsoIds], vendor);
}

function priced(price: Price, basis: Basis, objectIds: readonly string[], vendor: Vendor): Estimate {
  const micros = vendor.micros(price);
  if (micros === undefined) {
    throw new Refusal(
      'currency_unsupported',
      `currency_unsupported: the call is for ${vendor.describe(price)}, but this key's cap is in USD. Charge in usd.`,
    );
  }
  return { kind: 'priced', price, micros, basis, objectIds };
}

function costUnknown(call: VendorCall): Refusal {
  return new Refusal(
    'cost_unknown',
    `cost_unknown: what ${call.operation} (${call.method} ${call.path}) costs is not known, so it cannot be capped. If it moves no money, name it in zero_cost_endpoints when the key is issued.`,
  );
}
