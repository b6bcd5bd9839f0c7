// A vendor call from arrival to settlement, stage after stage in one fixed order, so that the code a caller gets is always
// the same. Owns the order; each stage is a file beside it. Must never forward what a stage refused, and never throw.
import type { Upstream } from '../../egress/egress.ts';
import { AppError } from '../../model/error.ts';
import { writeOpenRequest } from '../ledger/open-request.ts';
import type { ChargeDraft, ReservePrice } from '../ledger/reservation.ts';
import { digest } from '../ledger/task-idempotency.ts';
import type { ProxyReply, ProxyRequest } from '../proxy-api.ts';
import type { OpenSecret } from '../secrets/secret-store.ts';
import { vendorOf } from './address.ts';
import { type CallIdempotency, callIdempotency, fingerprintOf } from './call-idempotency.ts';
import { chargingCall, reserveRefusal } from './charging-call.ts';
import { endpointOf, estimate } from './estimate.ts';
import { freeCall } from './free-call.ts';
import { type KnownKey, knownKey, requireLive, requireVendor } from './known-key.ts';
import type { ProxyContext } from './proxy-context.ts';
import { type ReadCall, readCall } from './read-call.ts';
import { Refusal } from './refusal.ts';
import { forwarded, refusalOf } from './replies.ts';
import { auditRow, startTrace, type Trace } from './trace.ts';
import { ask, type Outcome } from './vendor-client.ts';

export async function handleCall(context: ProxyContext, request: ProxyRequest): Promise<ProxyReply> {
  const path = request.target.split('?', 1)[0] ?? '';
  const vendor = vendorOf(context.vendors, path) ?? context.vendors[0];
  if (!vendor) return { status: 404, headers: [], body: '' };
  const trace = startTrace(context.newRequestId(), context.now(), vendor, request.method, path);
  try {
    return await run(context, request, trace);
  } catch (error) {
    if (!(error instanceof Refusal) && !(error instanceof AppError)) context.defect(error);
    return refuse(context, refusalOf(error), trace);
  }
}

async function run(context: ProxyContext, request: ProxyRequest, trace: Trace): Promise<ProxyReply> {
  const read = readCall(request, context.vendors, context.bodyBytesMax);
  const { call, vendor, header } = read;
  Object.assign(trace, { vendor, path: call.path, operation: call.operation, customer: vendor.customer(call) });
  trace.agentRunId = header('x-agent-run-id')?.slice(0, 255) ?? null;

  const known = await knownKey(header('authorization'), context);
  trace.key = known.entry.row;
  trace.task = known.task;
  requireLive(known.entry, context.now());
  requireVendor(known.entry, vendor);
  requireAllowed(read, known);
  const secret = requireSecret(context, read);

  const calling = { call, vendor, header, keyId: known.entry.row.id, task: known.task, secretTag: secret.tag };
  const idempotency = callIdempotency(calling, context.ordinals, context.now());
  try {
    return await spend(context, trace, { ...read, ...known, secret, idempotency });
  } catch (error) {
    // Whatever was not answered by the vendor may be asked again under the same key.
    idempotency.done(false);
    throw error;
  }
}

interface Admitted extends ReadCall, KnownKey {
  readonly secret: OpenSecret;
  readonly idempotency: CallIdempotency;
}

/** A call that costs nothing, reserved all the same: it has a place among those alike of its task. */
const PLACE_ONLY: ReservePrice = { micros: 0, basis: 'whole', objectIds: [], free: true };

/** Stages 9 to 14. */
async function spend(context: ProxyContext, trace: Trace, call: Admitted): Promise<ProxyReply> {
  const draft = draftOf(trace, call);
  const { derived } = call.idempotency;
  const forward = (idempotencyKey: string | null) => () =>
    send(context.upstream(call.vendor.name), call, idempotencyKey);
  const free = () => freeCall(context, trace, call.idempotency, forward(call.idempotency.key));
  // A repetition costs nothing more, so its object (refunded by now, say) is not looked at again.
  let price: ReservePrice | null = null;
  const { kind } = call.vendor.cost(call.call);
  let priced = kind === 'free' || !(await context.ledger.repeats(draft.keyId, draft.fingerprint, kind === 'look-up'));
  for (;;) {
    if (priced) {
      const estimated = await estimateOf(context, trace, call);
      if (estimated.kind === 'vendor-refused') return passOn(context, trace, call, estimated.answer);
      if (estimated.kind === 'free') {
        if (!derived) return free();
        price = PLACE_ONLY;
      } else {
        price = estimated;
        trace.price = estimated.price;
        trace.estimateMicros = estimated.micros;
      }
    }
    const reservation = await context.ledger.reserve({
      price,
      draft,
      derived,
      refused: (refusal, usage, now) => {
        const { code, message } = reserveRefusal(refusal, usage, trace, now);
        trace.usage = usage;
        return auditRow(trace, { verdict: `denied_${code}`, reason: message }, now);
      },
    });
    if (reservation.kind === 'unpriced') {
      priced = true;
      continue;
    }
    trace.usage = reservation.usage;
    if (reservation.kind === 'refused') {
      trace.audited = true;
      throw reserveRefusal(reservation.refusal, reservation.usage, trace, context.now());
    }
    if (reservation.kind === 'counted') return free();
    const { charge, flight } = reservation;
    const open = { charge, flight, repeats: reservation.kind === 'replay' };
    return chargingCall(context, trace, call.idempotency, open, forward(charge.idempotencyKey));
  }
}

function requireAllowed({ call }: ReadCall, { entry }: KnownKey): void {
  if (entry.allows(endpointOf(call))) return;
  throw new Refusal(
    'endpoint_not_allowed',
    `endpoint_not_allowed: ${call.operation} (${call.method} ${call.path}) is not in the allowed_endpoints of this vault key.`,
    { allowedEndpoints: entry.row.allowedEndpoints },
  );
}

function requireSecret(context: ProxyContext, { vendor }: ReadCall): OpenSecret {
  const secret = context.secret(vendor.name);
  if (secret) return secret;
  throw new Refusal(
    'vendor_not_configured',
    `vendor_not_configured: the vault holds no secret for ${vendor.name}. An operator stores it with PUT /vault/secrets/${vendor.name}.`,
  );
}

function estimateOf(context: ProxyContext, trace: Trace, { vendor, entry, call, header, secret }: Admitted) {
  const lookUp = (path: string): Promise<Outcome> =>
    ask({
      vendor,
      upstream: context.upstream(vendor.name),
      secret: secret.text,
      method: 'GET',
      path,
      headers: vendor.ownHeaders(vendor.contextHeaders(header), secret.text, null, false),
      body: null,
      mayStream: false,
    });
  trace.price = null;
  return estimate(call, { vendor, entry, ledger: context.ledger, lookUp });
}

function draftOf(trace: Trace, { call, vendor, header, entry, task, secret, idempotency }: Admitted): ChargeDraft {
  // Without any key the vault could not ask again after an answer that was lost.
  const idempotencyKey = idempotency.key ?? `conductor-${trace.requestId}`;
  return {
    keyId: entry.row.id,
    fingerprint: fingerprintOf(secret.tag, vendor.account(header), call, idempotencyKey),
    bodyDigest: digest(call.params.canonical),
    idempotencyKey,
    runId: task?.runId ?? entry.row.runId,
    ref: task?.ref ?? null,
    attempt: task?.attempt ?? 0,
    requestId: trace.requestId,
    method: call.method,
    path: call.path,
    body: writeOpenRequest({ headers: vendor.contextHeaders(header), body: call.params.canonical }),
  };
}

function send(upstream: Upstream, { vendor, call, header, secret }: Admitted, key: string | null): Promise<Outcome> {
  const { canonical } = call.params;
  const isPost = call.method === 'POST';
  return ask({
    vendor,
    upstream,
    secret: secret.text,
    method: call.method,
    path: isPost || canonical === '' ? call.path : `${call.path}?${canonical}`,
    headers: vendor.requestHeaders(header, secret.text, key, isPost),
    body: isPost ? canonical : null,
    mayStream: call.method === 'GET',
  });
}

/** The vendor refused the look at what the call is about: so would it have refused the call. */
async function passOn(
  context: ProxyContext,
  trace: Trace,
  { idempotency, vendor }: Admitted,
  answer: Extract<Outcome, { kind: 'answer' }>['answer'],
): Promise<ProxyReply> {
  idempotency.done(false);
  const vendorRequestId = answer.header(vendor.requestIdHeader) ?? null;
  const outcome = { verdict: 'allowed', reason: 'the vendor refused', vendorStatus: answer.status, vendorRequestId };
  await context.audit(auditRow(trace, outcome, context.now()));
  return forwarded(answer, trace);
}

/** A refusal is answered when its audit row is committed; without a store, nothing but that is said. */
async function refuse(context: ProxyContext, refusal: Refusal, trace: Trace): Promise<ProxyReply> {
  const { requestId, key, vendor } = trace;
  const seen = { requestId, keyId: key?.id ?? null, runLabel: key?.runLabel ?? null };
  if (trace.audited || refusal.code === 'store_unavailable' || (!key && !context.mayAuditUnknown())) {
    return vendor.refuse(refusal, seen);
  }
  const verdict = refusal.status >= 500 ? 'error' : `denied_${refusal.code}`;
  try {
    await context.audit(auditRow(trace, { verdict, reason: refusal.message }, context.now()));
    return vendor.refuse(refusal, seen);
  } catch (error) {
    return vendor.refuse(refusalOf(error), seen);
  }
}
