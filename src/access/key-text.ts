// The text of an API key: `cnd_live_`, 32 random bytes and a checksum, both in base 62. Owns making and recognising it;
// must never keep one.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { sameText } from './compare-secrets.ts';

export const KEY_PREFIX = 'cnd_live_';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** Digits that 32 bytes need in base 62. */
const SECRET_LENGTH = 43;
/** Six digits tell a mistyped or cut key from a foreign one, and let secret scanners be sure. */
const CHECKSUM_LENGTH = 6;
const KEY_LENGTH = KEY_PREFIX.length + SECRET_LENGTH + CHECKSUM_LENGTH;

export function newKeyText(): string {
  const secret = base62(crypto.getRandomValues(new Uint8Array(32)), SECRET_LENGTH);
  return KEY_PREFIX + secret + checksum(secret);
}

/** `key_` and 16 random letters and digits. */
export function newKeyId(): string {
  return `key_${base62(crypto.getRandomValues(new Uint8Array(12)), 17).slice(1)}`;
}

/** Whether a text was once a key of ours and arrived whole. Says nothing about whether it is live. */
export function isWholeKey(text: string): boolean {
  if (text.length !== KEY_LENGTH || !text.startsWith(KEY_PREFIX)) return false;
  const secret = text.slice(KEY_PREFIX.length, -CHECKSUM_LENGTH);
  return sameText(checksum(secret), text.slice(-CHECKSUM_LENGTH));
}

/** Lower-case hex SHA-256: 256 random bits need no slow hash. */
export function hashKey(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)));
}

function checksum(secret: string): string {
  return base62(sha256(utf8ToBytes(KEY_PREFIX + secret)).subarray(0, 4), CHECKSUM_LENGTH);
}

function base62(bytes: Uint8Array, length: number): string {
  let rest = BigInt(`0x${bytesToHex(bytes)}`);
  let digits = '';
  while (digits.length < length) {
    digits = ALPHABET.charAt(Number(rest % 62n)) + digits;
    rest /= 62n;
  }
  return digits;
}
