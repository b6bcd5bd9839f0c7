// Stripe as the vault's pipeline sees it: puts this folder's one-purpose files together. Holds no logic of its own but
// the addresses under which Stripe's SDKs arrive.
import type { Vendor } from '../vendor.ts';
import { stripeCost } from './cost-table.ts';
import { describePrice, usdMicros } from './currencies.ts';
import { stripeOperation } from './endpoints.ts';
import { stripeRefusal } from './error-body.ts';
import { account, contextHeaders, isContextHeader, ownHeaders, passesBack, requestHeaders } from './headers.ts';
import { isAutomaticKey, needsRoot } from './idempotency.ts';
import { readParameters } from './parameters.ts';
import { stripeVerdict } from './settle.ts';

export const stripe: Vendor = {
  name: 'stripe',
  requestIdHeader: 'request-id',
  ownsRoot: (path) => path === '/v1' || path.startsWith('/v1/'),
  // A base address that already ends in /v1 makes some SDKs ask for /v1/v1/….
  ownSegments: (segments) => (segments[0] === 'v1' && segments[1] === 'v1' ? segments.slice(1) : segments),
  knows: (segments) => segments[0] === 'v1' && segments.length > 1,
  singleHeader: isContextHeader,
  operation: stripeOperation,
  readParams: readParameters,
  cost: stripeCost,
  micros: usdMicros,
  describe: describePrice,
  verdict: stripeVerdict,
  objectId: (body) => (typeof body?.id === 'string' ? body.id : null),
  customer: ({ params, segments }) =>
    params.get('customer') ?? (segments[1] === 'customers' ? (segments[2] ?? null) : null),
  account,
  contextHeaders,
  requestHeaders,
  ownHeaders,
  automaticIdempotencyKey: isAutomaticKey,
  needsRoot,
  passesBack,
  refuse: stripeRefusal,
};
