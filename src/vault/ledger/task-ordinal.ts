// Where a call of a task stands among those alike, when the task's calls may come to any process. The rule:
// A call that brings no idempotency key of its own (or one that its SDK made up) is known by run, reference name, request
// and ordinal; its vendor key is derived from these four, so the same place is never charged twice. Which ordinals an
// attempt has used is read from the key's charges, under the key's lock, never from memory: a charge names the last
// attempt that took it. A call takes
//   1. the charge that its SDK asked for before under the same made-up key: that is the SDK's own retry; else
//   2. the first charge in order that another attempt made: a retried attempt repeats what the one before it did, and an
//      attempt that was given up repeats what its successor did; else, of its own attempt,
//   3. the first whose answer no caller has had (lost, crashed, resolved by the vault): it is asked again; else
//   4. the next ordinal.
// One that a caller is under way with is another call if that caller is in this process, and else waited for: nobody can
// say from here whether it will be answered. So a lost answer is never charged twice, and two calls alike are two charges.
import type { Charge } from '../../model/vault.ts';
import { VENDOR_TIMEOUT_MS } from '../proxy/vendor-client.ts';
import type { KeyTotals } from './key-totals.ts';
import { type ChargeNotes, notesOf, withNotes } from './open-request.ts';

/** Longer than a call ordinarily lives: connecting, the wait for the head of the answer, and for its body. */
export const CALL_LIFE_MS = 2 * VENDOR_TIMEOUT_MS + 20_000;
/** An attempt is not written on a charge this old: another server's clock may say that it is forgotten already. */
const TAKEN_AGE_MAX_MS = 22 * 3_600_000;

/** A call whose idempotency key is derived within the decision. */
export interface DerivedCall {
  readonly attempt: number;
  /** Digest of the key that the caller's SDK made up; null when it sent none. */
  readonly automatic: string | null;
  at(ordinal: number): Identity;
}

export interface Identity {
  readonly idempotencyKey: string;
  readonly fingerprint: string;
}

export type Place =
  | { readonly kind: 'new'; readonly identity: Identity; readonly renews: Charge | undefined }
  | { readonly kind: 'repeat'; readonly charge: Charge }
  /** Somewhere else a caller is under way with a call alike, which may be this one. */
  | { readonly kind: 'wait' };

/** `flying`: whether a caller in this process is under way with a charge. */
export function placeOf(
  call: DerivedCall,
  totals: KeyTotals,
  flying: (fingerprint: string) => boolean,
  now: number,
): Place {
  let place: Place | undefined;
  for (let ordinal = 0; ; ordinal += 1) {
    const identity = call.at(ordinal);
    const charge = totals.replayOf(identity.fingerprint);
    if (!charge) return place ?? { kind: 'new', identity, renews: undefined };
    const notes = notesOf(charge.body);
    const own = charge.attempt === call.attempt;
    const take = (): Place =>
      isRenewable(charge, notes) ? { kind: 'new', identity, renews: charge } : { kind: 'repeat', charge };
    if (own && call.automatic !== null && notes.automatic?.includes(call.automatic)) return take();
    if (place) continue;
    if (!own) place = take();
    else if (isUnderWay(charge, now)) place = flying(identity.fingerprint) ? undefined : { kind: 'wait' };
    else if (charge.state !== 'settled' || notes.next || notes.takenMs) place = take();
    // Without a made-up key there is nothing further to look for.
    if (place && call.automatic === null) return place;
  }
}

/** A caller, here or elsewhere, has sent it or is about to, and may still get its answer. */
export function isUnderWay(charge: Charge, now: number): boolean {
  const notes = notesOf(charge.body);
  const sinceMs = notes.takenMs ?? (charge.state === 'reserved' && !notes.asked ? charge.reservedMs : 0);
  return sinceMs > 0 && now - sinceMs < CALL_LIFE_MS;
}

/** The body of a new charge of a derived call. */
export function derivedBody(body: string, call: DerivedCall, free: boolean): string {
  return withNotes(body, { automatic: call.automatic === null ? [] : [call.automatic], ...(free ? { free } : {}) });
}

/**
 * A charge as a caller takes it who did not make it: from now on its first answer proves less. A later attempt makes it
 * its own; an attempt that was given up leaves it to its successor.
 */
export function takenAgain(charge: Charge, call: DerivedCall | null, now: number): Charge {
  const notes = notesOf(charge.body);
  const asked: ChargeNotes = charge.state === 'reserved' ? { ...notes, asked: true } : notes;
  if (!call || !notes.automatic || charge.attempt > call.attempt || now - charge.reservedMs > TAKEN_AGE_MAX_MS) {
    return asked === notes || notes.asked ? charge : { ...charge, body: withNotes(charge.body, asked) };
  }
  const own = charge.attempt === call.attempt ? notes.automatic : [];
  const automatic = call.automatic === null || own.includes(call.automatic) ? own : [...own, call.automatic];
  const body = withNotes(charge.body, { ...asked, automatic, takenMs: now });
  return { ...charge, attempt: call.attempt, body };
}

/** Nothing is kept for it anywhere: the place is free, under the same key. */
export function isRenewable(charge: Charge, notes = notesOf(charge.body)): boolean {
  return charge.state === 'settled' && notes.next === 'renew';
}
