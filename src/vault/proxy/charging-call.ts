// Stages 11 to 14 of a call that costs money: reserve, forward, settle, record. Owns their order: nothing is forwarded
// before its reservation is committed, and whatever happens afterwards, the reservation stays counted until it is known
// not to have been charged.

import { formatUsd } from '../../model/money.ts';
import type { Charge } from '../../model/vault.ts';
import { windowReset } from '../ledger/cap-window.ts';
import type { Flight } from '../ledger/flights.ts';
import type { Settling } from '../ledger/ledger.ts';
import type { ReserveRefusal, Usage } from '../ledger/reservation.ts';
import type { Proof, Settlement } from '../ledger/settlement.ts';
import type { ProxyReply } from '../proxy-api.ts';
import type { CallIdempotency } from './call-idempotency.ts';
import { expired, revoked, unknown } from './known-key.ts';
import type { ProxyContext } from './proxy-context.ts';
import { Refusal } from './refusal.ts';
import { forwarded, unreachable } from './replies.ts';
import { type AuditOutcome, auditRow, type Trace } from './trace.ts';
import type { Answer, Outcome } from './vendor-client.ts';

export interface OpenCall {
  readonly charge: Charge;
  /** The charge is one that an earlier request made. */
  readonly repeats: boolean;
  readonly flight: Flight | null;
}

/** Forwards a reserved call, or the repetition of one, and settles it. Never rejects but with a Refusal. */
export async function chargingCall(
  context: ProxyContext,
  trace: Trace,
  idempotency: CallIdempotency,
  open: OpenCall,
  forward: () => Promise<Outcome>,
): Promise<ProxyReply> {
  const startedMs = context.now();
  let outcome: Outcome;
  try {
    outcome = await forward();
  } catch {
    outcome = { kind: 'unknown' };
  }
  const vendorMs = context.now() - startedMs;
  const proof = judged(context, trace, open, outcome);
  if (proof.settlement.kind === 'uncertain' && open.charge.state !== 'settled') context.watch(open.charge);
  idempotency.done(proof.stored);
  const answer = outcome.kind === 'answer' ? outcome.answer : undefined;
  const settling: Settling = {
    charge: open.charge,
    proof,
    called: true,
    flight: open.flight,
    ifAsked: () => judged(context, trace, { ...open, repeats: true }, outcome),
    audit: (costMicros, usage, now, { kind }) =>
      auditRow(trace, auditOf(trace, answer, kind, open, vendorMs, costMicros, usage), now),
  };
  // Submitted before the reply leaves, so that a later read sees it; the reply itself does not wait.
  context.background(() => context.ledger.settle(settling));
  if (answer) return forwarded(answer, trace);
  trace.audited = true;
  if (outcome.kind === 'unsent') throw unreachable(trace.vendor.name, trace.operation, true);
  throw new Refusal(
    'outcome_unknown',
    `outcome_unknown: ${trace.vendor.name} gave no answer to ${trace.operation}, which may have been carried out. Its amount stays counted until that is known.`,
    { retryable: idempotency.repeatable },
  );
}

/** An answer that trips the reading of it is an answer nobody understood: the amount stays counted. */
function judged(context: ProxyContext, trace: Trace, open: OpenCall, outcome: Outcome): Proof {
  try {
    return judge(trace, open, outcome);
  } catch (error) {
    context.defect(error);
    return { settlement: { kind: 'uncertain' }, stored: false };
  }
}

/** What the outcome proves. A repetition proves less than the call itself: the first one may have been carried out. */
function judge(trace: Trace, { repeats }: OpenCall, outcome: Outcome): Proof {
  if (outcome.kind === 'unknown') return { settlement: { kind: 'uncertain' }, stored: false };
  if (outcome.kind === 'unsent') return { settlement: { kind: repeats ? 'uncertain' : 'released' }, stored: false };
  const verdict = trace.vendor.verdict(trace.operation, outcome.answer, repeats);
  // A new reservation whose answer repeats an old one moved no money: it was counted where it was first made.
  if (!repeats && verdict.replayed && outcome.answer.status < 300) {
    return { settlement: { kind: 'released' }, stored: true };
  }
  return verdict;
}

function auditOf(
  trace: Trace,
  answer: Answer | undefined,
  kind: Settlement['kind'],
  open: OpenCall,
  vendorMs: number,
  costMicros: number,
  usage: Usage,
): AuditOutcome {
  return {
    verdict: kind === 'uncertain' ? 'error' : 'allowed',
    reason: kind === 'uncertain' ? 'the outcome is not known; the amount stays counted' : null,
    vendorStatus: answer?.status ?? 0,
    vendorRequestId: answer?.header(trace.vendor.requestIdHeader) ?? null,
    vendorObjectId: answer && answer.status < 300 ? trace.vendor.objectId(answer.body) : null,
    replayed: open.repeats || answer?.header('idempotent-replayed') === 'true',
    costMicros,
    capUsageMicros: usage.spentMicros + usage.reservedMicros,
    vendorMs,
  };
}

/** The refusal of a reservation as the caller sees it. */
export function reserveRefusal(refusal: ReserveRefusal, usage: Usage | null, trace: Trace, now: number): Refusal {
  switch (refusal.code) {
    case 'key_unknown':
      return unknown();
    case 'key_revoked':
      return revoked();
    case 'key_expired':
      return expired();
    case 'idempotency_error':
      return new Refusal(
        'idempotency_error',
        'idempotency_error: this Idempotency-Key was used with other parameters. Send the first request again, or use another key.',
      );
    case 'rate_limited':
      return new Refusal(
        'rate_limited',
        'rate_limited: too many calls of this vault key are under way. Send fewer at once.',
      );
    case 'cap_exhausted':
      return capExhausted(
        refusal.attemptedMicros,
        usage ?? { capMicros: 0, spentMicros: 0, reservedMicros: 0 },
        trace,
        now,
      );
  }
}

function capExhausted(attemptedMicros: number, usage: Usage, { key }: Trace, now: number): Refusal {
  const usd = (micros: number) => `$${formatUsd(micros)}`;
  const period =
    key?.capWindow === 'lifetime' ? 'spend' : key?.capWindow === 'rolling_24h' ? '24-hour spend' : 'daily spend';
  return new Refusal(
    'cap_exhausted',
    `cap_exhausted: ${period} cap of ${usd(usage.capMicros)} reached (spent ${usd(usage.spentMicros)}, reserved ${usd(usage.reservedMicros)}, attempted ${usd(attemptedMicros)}). Retrying does not help; ask the key's issuer to raise the cap.`,
    {
      status: key?.capStatus ?? 429,
      cap: { usage, attemptedMicros, windowResetsMs: key ? windowReset(key.capWindow, now) : null },
    },
  );
}
