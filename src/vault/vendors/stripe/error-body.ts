// A refusal in Stripe's shape, so that the official SDKs raise their own error classes, keep the word in the message and
// do not retry. Owns the body and headers of refusals; must never name a secret or a key text.
import { formatUsd, usdNumber } from '../../../model/money.ts';
import type { Refusal } from '../../proxy/refusal.ts';
import type { ProxyReply } from '../../proxy-api.ts';
import type { RefusalContext } from '../vendor.ts';

export function stripeRefusal(refusal: Refusal, context: RefusalContext): ProxyReply {
  const { cap, allowedEndpoints, retryable = false } = refusal.extras;
  const body = {
    error: { type: errorType(refusal), code: refusal.code, message: refusal.message, param: null },
    ...(allowedEndpoints ? { allowed_endpoints: allowedEndpoints } : {}),
    keybrake: {
      code: refusal.code,
      key_id: context.keyId,
      agent_run_label: context.runLabel,
      ...(cap ? capFields(cap) : {}),
      retryable,
      request_id: context.requestId,
    },
  };
  const headers: [string, string][] = [
    ['content-type', 'application/json'],
    // Without it the SDKs retry 409 and 5xx twice; no refusal of ours becomes true by asking again.
    ['stripe-should-retry', String(retryable)],
    ['keybrake-error', refusal.code],
    ['keybrake-request-id', context.requestId],
    ['request-id', context.requestId],
  ];
  if (cap) headers.push(['keybrake-remaining-usd', formatUsd(remaining(cap))]);
  return { status: refusal.status, headers, body: JSON.stringify(body) };
}

type Cap = NonNullable<Refusal['extras']['cap']>;

function capFields(cap: Cap) {
  return {
    cap_usd: usdNumber(cap.usage.capMicros),
    spent_usd: usdNumber(cap.usage.spentMicros),
    reserved_usd: usdNumber(cap.usage.reservedMicros),
    attempted_usd: usdNumber(cap.attemptedMicros),
    remaining_usd: usdNumber(remaining(cap)),
    window_resets_at: cap.windowResetsMs === null ? null : new Date(cap.windowResetsMs).toISOString(),
  };
}

function remaining({ usage }: Cap): number {
  return Math.max(0, usage.capMicros - usage.spentMicros - usage.reservedMicros);
}

function errorType({ code, status }: Refusal): string {
  if (code === 'idempotency_error') return 'idempotency_error';
  return status >= 500 ? 'api_error' : 'invalid_request_error';
}
