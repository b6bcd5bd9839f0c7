// Calls that cost nothing: forwarded without a reservation, recorded afterwards. The answer may stream.
import type { ProxyReply } from '../proxy-api.ts';
import type { CallIdempotency } from './call-idempotency.ts';
import type { ProxyContext } from './proxy-context.ts';
import { forwarded, unreachable } from './replies.ts';
import { auditRow, type Trace } from './trace.ts';
import type { Outcome } from './vendor-client.ts';

export async function freeCall(
  context: ProxyContext,
  trace: Trace,
  idempotency: CallIdempotency,
  forward: () => Promise<Outcome>,
): Promise<ProxyReply> {
  await context.requireOpen(trace.key?.id ?? '');
  const startedMs = context.now();
  const outcome = await forward();
  const vendorMs = context.now() - startedMs;
  if (outcome.kind !== 'answer') {
    idempotency.done(false);
    throw unreachable(trace.vendor.name, trace.operation, outcome.kind === 'unsent' || idempotency.repeatable);
  }
  const { answer } = outcome;
  const ok = answer.status >= 200 && answer.status < 300;
  idempotency.done(ok || answer.status === 402 || answer.header('idempotent-replayed') === 'true');
  const row = auditRow(
    trace,
    {
      verdict: 'allowed',
      reason: null,
      vendorStatus: answer.status,
      vendorRequestId: answer.header(trace.vendor.requestIdHeader) ?? null,
      vendorObjectId: trace.method === 'POST' && ok ? trace.vendor.objectId(answer.body) : null,
      replayed: answer.header('idempotent-replayed') === 'true',
      vendorMs,
    },
    context.now(),
  );
  context.background(() => context.audit(row));
  return forwarded(answer, trace);
}
