// A vendor call from arrival to settlement, stage after stage in one fixed order, so that the code a caller gets is always
// the same. Owns the order; each stage is a file beside it. Must never forward what a stage refused, and never throw.
import type { Upstream } from '../../egress/egress.ts';
import { AppError } from '../../model/error.ts';
import { writeOpenRequest } from '../ledger/open-request.ts';
import type { ChargeDraft, ReservePrice } from '../ledger/reservation.ts';
import type { ProxyReply, ProxyRequest } from '../proxy-api.ts';
import type { OpenSecret } from '../secrets/secret-store.ts';
import type { Cost } from '../vendors/vendor.ts';
import { vendorOf } from './address.ts';
import { type CallIdempotency, callIdempotency, sameCall } from './call-idempotency.ts';
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
  const mark = request.target.indexOf('?');
  const path = mark < 0 ? request.target : request.target.slice(0, mark);
  const vendor = vendorOf(context.vendors, path) ?? context.vendors[0];
  if (!vendor) return { status: 404, headers: [], body: '' };
  const trace = startTrace(context.newRequestId(), context.now(), vendor, request.method, path);
  let call: Admitted | undefined;
  try {
    const read = readCall(request, context.vendors, context.bodyBytesMax);
    note(trace, read);
    const known = knownKey(read.header('authorization'), context);
    call = admit(context, trace, read, known instanceof Promise ? await known : known);
    return await spend(context, trace, call);
  } catch (error) {
    // Whatever was not answered by the vendor may be asked again under the same key.
    call?.idempotency.done(false);
    if (!(error instanceof Refusal) && !(error instanceof AppError)) context.defect(error);
    return refuse(context, refusalOf(error), trace);
  }
}

function note(trace: Trace, { call, vendor, header }: ReadCall): void {
  trace.vendor = vendor;
  trace.path = call.path;
  trace.operation = call.operation;
  trace.customer = vendor.customer(call);
  trace.agentRunId = header('x-agent-run-id')?.slice(0, 255) ?? null;
}

interface Admitted extends ReadCall, KnownKey {
  readonly secret: OpenSecret;
  readonly idempotency: CallIdempotency;
}

/** Stages 3 to 8. */
function admit(context: ProxyContext, trace: Trace, read: ReadCall, known: KnownKey): Admitted {
  const { call, vendor, header } = read;
  const { entry, task } = known;
  trace.key = entry.row;
  trace.task = task;
  requireLive(entry, context.now());
  requireVendor(entry, vendor);
  requireAllowed(read, known);
  const secret = requireSecret(context, read);
  const { digest, ordinals } = context;
  const calling = { call, vendor, header, keyId: entry.row.id, task, secretTag: secret.tag, digest };
  return { call, vendor, header, entry, task, secret, idempotency: callIdempotency(calling, ordinals, context.now()) };
}

/** A call that costs nothing, reserved all the same: it has a place among those alike of its task. */
const PLACE_ONLY: ReservePrice = { micros: 0, basis: 'whole', objectIds: [], free: true };

/** Stages 9 to 14. */
async function spend(context: ProxyContext, trace: Trace, call: Admitted): Promise<ProxyReply> {
  const draft = draftOf(context, trace, call);
  const { derived, key } = call.idempotency;
  const forward = (idempotencyKey: string | null) => send(context.upstream(call.vendor.name), call, idempotencyKey);
  const free = () => freeCall(context, trace, call.idempotency, () => forward(key));
  // A repetition costs nothing more, so its object (refunded by now, say) is not looked at again.
  let price: ReservePrice | null = null;
  const cost = call.vendor.cost(call.call);
  let priced = cost.kind === 'free';
  if (!priced) {
    const repeats = context.ledger.repeats(draft.keyId, draft.fingerprint, cost.kind === 'look-up');
    priced = !(repeats instanceof Promise ? await repeats : repeats);
  }
  for (;;) {
    if (priced) {
      const estimating = estimateOf(context, trace, call, cost);
      const estimated = estimating instanceof Promise ? await estimating : estimating;
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
    return await chargingCall(context, trace, call.idempotency, open, () => forward(charge.idempotencyKey));
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

function estimateOf(context: ProxyContext, trace: Trace, admitted: Admitted, cost: Cost) {
  const { vendor, entry, call, header, secret } = admitted;
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
  return estimate(call, cost, { vendor, entry, ledger: context.ledger, lookUp });
}

function draftOf({ digest }: ProxyContext, trace: Trace, admitted: Admitted): ChargeDraft {
  const { call, vendor, header, entry, task, secret, idempotency } = admitted;
  // Without any key the vault could not ask again after an answer that was lost.
  const idempotencyKey = idempotency.key ?? `conductor-${trace.requestId}`;
  return {
    keyId: entry.row.id,
    fingerprint: digest(sameCall(secret.tag, vendor.account(header), call, idempotencyKey)),
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
