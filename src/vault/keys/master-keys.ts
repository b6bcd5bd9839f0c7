// Everything secret that the vault needs, derived from the one master key: a MAC for key texts, one for placeholders,
// one that tells vendor accounts apart, and the key that wraps vendor secrets. Must never hand out the master key.
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { toBase64url } from './base64url.ts';

/** 192 bits: no forgery, and 32 characters without padding. */
const MAC_BYTES = 24;
export const MAC_CHARS = 32;

/** Text to a MAC of 32 base64url characters. */
export type Mac = (text: string) => string;

export interface MasterKeys {
  readonly keyMac: Mac;
  readonly placeholderMac: Mac;
  /** Names a vendor secret without revealing it: two secrets share a tag only when they are the same text. */
  readonly secretTag: Mac;
  readonly wrappingKey: Uint8Array<ArrayBuffer>;
}

/** Throws when the master key is not 32 bytes. */
export function deriveKeys(masterKey: Uint8Array): MasterKeys {
  if (masterKey.length !== 32) {
    throw new Error(`The vault's master key has ${masterKey.length} bytes; it must have exactly 32.`);
  }
  const subkey = (purpose: string) => hmac(sha256, masterKey, utf8ToBytes(`conductor/vault/${purpose}/1`));
  return {
    keyMac: macUnder(subkey('key')),
    placeholderMac: macUnder(subkey('placeholder')),
    secretTag: macUnder(subkey('secret-tag')),
    wrappingKey: Uint8Array.from(subkey('secret-wrapping')),
  };
}

/** Compares without stopping at the first difference. */
export function sameMac(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i += 1) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

function macUnder(key: Uint8Array): Mac {
  // The keyed state is computed once; a clone costs less than keying again.
  const keyed = hmac.create(sha256, key);
  return (text) => toBase64url(keyed.clone().update(utf8ToBytes(text)).digest().subarray(0, MAC_BYTES));
}
