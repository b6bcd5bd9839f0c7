// What goes back to a caller: a vendor's answer with our request id, or a refusal in the vendor's shape.
import { AppError } from '../../model/error.ts';
import { formatUsd } from '../../model/money.ts';
import type { ProxyReply } from '../proxy-api.ts';
import { unknown } from './known-key.ts';
import { Refusal } from './refusal.ts';
import type { Trace } from './trace.ts';
import type { Answer } from './vendor-client.ts';

export function forwarded(answer: Answer, trace: Trace): ProxyReply {
  const headers: (readonly [string, string])[] = [...answer.headers, ['keybrake-request-id', trace.requestId]];
  if (trace.usage) {
    const { capMicros, spentMicros, reservedMicros } = trace.usage;
    headers.push(['keybrake-remaining-usd', formatUsd(Math.max(0, capMicros - spentMicros - reservedMicros))]);
  }
  return { status: answer.status, headers, body: answer.content };
}

/** Any failure of a stage as a refusal: nothing else may reach the caller, least of all its text. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof AppError && error.code === 'not_found') return unknown();
  return new Refusal(
    'store_unavailable',
    'store_unavailable: the vault cannot record the call now, so it was not forwarded. Send it again later.',
  );
}

export function unreachable(vendor: string, operation: string, retryable: boolean): Refusal {
  return new Refusal(
    'upstream_unreachable',
    `upstream_unreachable: ${vendor} gave no answer to ${operation}. The same request may be sent again.`,
    { retryable },
  );
}
