// Whether two secrets are the same. The only place where access compares texts that somebody must not guess: each
// comparison takes the same time wherever they differ.
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';

/** Equal or not, in time that depends on the length alone. */
export function sameText(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i += 1) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

/** As `sameText` for bytes of a known length: signatures. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i += 1) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

/** For secrets whose very length is secret: passwords, shared tokens. */
export function sameSecret(a: string, b: string): boolean {
  return sameBytes(digest(a), digest(b));
}

/** A secret that is compared again and again: whether another is the same. */
export function matcherOf(secret: string): (candidate: string) => boolean {
  const expected = digest(secret);
  return (candidate) => sameBytes(expected, digest(candidate));
}

function digest(text: string): Uint8Array {
  return sha256(utf8ToBytes(text));
}
