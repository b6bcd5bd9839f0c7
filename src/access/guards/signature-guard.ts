// Webhooks that their sender signs: the signature must be right for the body as it arrived, fresh, and new. Must never
// look at the body's meaning, nor accept one request twice while its signature is fresh.
import { bytesToHex } from '@noble/hashes/utils.js';
import type { TriggerAuth } from '../../model/trigger.ts';
import type { Principal } from '../access.ts';
import { sameText } from '../compare-secrets.ts';
import { CredentialError } from '../credential-error.ts';
import type { Guard } from '../guard.ts';
import type { GuardDeps } from './guard-deps.ts';
import { hmacWith } from './hmac.ts';
import { type SignatureScheme, type SignedHeaders, signatureScheme } from './signature-schemes.ts';

export type SignatureAuth = Extract<TriggerAuth, { readonly type: 'signature' }>;

/** `secret` is resolved. */
export function signatureGuard(auth: SignatureAuth, secret: string, { clock, seen, trigger }: GuardDeps): Guard {
  const scheme = signatureScheme(auth.preset, auth);
  const sign = hmacWith(secret, scheme.algorithm);
  const toleranceMs = auth.timestampToleranceSeconds * 1000;
  const principal: Principal = { id: `signature:${auth.preset}`, name: trigger, permissions: [], method: 'signature' };
  return async (request) => {
    const signed = scheme.read(request.header);
    if (!signed) {
      throw new CredentialError('unauthenticated', `A signature is required: send ${scheme.signatureHeader}.`, {});
    }
    const now = clock.now();
    const signedMs = freshTime(signed, scheme, now, toleranceMs);
    const expected = bytesToHex(await sign(scheme.prefix(signed.timestamp), await request.bytes()));
    if (!anyIs(signed.signatures, expected)) throw refused('The signature is not right for this body.');
    // The signature that we computed, not the text that was sent: a second spelling of it would be a second request.
    if (await seen.first(trigger, expected, signedMs + toleranceMs)) return principal;
    throw refused('The signature has been used already.');
  };
}

/** When it was signed; now, where the scheme does not say. */
function freshTime({ timestamp }: SignedHeaders, scheme: SignatureScheme, now: number, toleranceMs: number): number {
  if (timestamp === null) return now;
  if (!/^\d{1,15}$/.test(timestamp)) {
    throw refused(`The signature needs its time: send ${scheme.timestampHeader ?? 't=<seconds>'} in whole seconds.`);
  }
  const given = Number(timestamp);
  // Thirteen digits and more are milliseconds: in seconds they would be thousands of years away.
  const signedMs = given >= 100_000_000_000 ? given : given * 1000;
  if (Math.abs(now - signedMs) > toleranceMs) throw refused('The signature is too old, or from the future.');
  return signedMs;
}

function anyIs(signatures: readonly string[], expected: string): boolean {
  let found = false;
  for (const signature of signatures) {
    if (sameText(signature, expected)) found = true;
  }
  return found;
}

function refused(message: string): CredentialError {
  return new CredentialError('invalid_credential', message, {});
}
