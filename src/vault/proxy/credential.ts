// The vault key of a call, from bearer or basic authentication. Owns the parsing only; accepts nothing but vault keys,
// so no control key ever opens the proxy.
import { KEY_PREFIX } from '../keys/key-text.ts';

/** The text that claims to be a vault key; undefined when the header holds none. */
export function readCredential(authorization: string | undefined): string | undefined {
  const match = /^(bearer|basic) +(\S+)$/i.exec(authorization?.trim() ?? '');
  const credential = match?.[2];
  if (credential === undefined) return undefined;
  if (match?.[1]?.toLowerCase() === 'bearer') return credential.startsWith(KEY_PREFIX) ? credential : undefined;
  return fromBasic(credential);
}

/** Stripe's clients send the key as user, Twilio's as password. */
function fromBasic(credential: string): string | undefined {
  let pair: string;
  try {
    pair = atob(credential);
  } catch {
    return undefined;
  }
  const colon = pair.indexOf(':');
  const parts = colon < 0 ? [pair] : [pair.slice(0, colon), pair.slice(colon + 1)];
  const keys = parts.filter((part) => part.startsWith(KEY_PREFIX));
  return keys.length === 1 ? keys[0] : undefined;
}
