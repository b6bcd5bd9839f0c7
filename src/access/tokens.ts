// Short-lived tokens for Conductor SDKs: key id and expiry, signed. A token says which key it stands for; whether that
// key still lives is asked again at every use, so a revoked key takes its tokens along. Must never be a key's only check.
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { sameText } from './compare-secrets.ts';
import type { Holder } from './verified-secrets.ts';

export const TOKEN_PREFIX = 'cnd_tok_';

/** SDKs renew every 45 minutes. */
const TOKEN_LIFE_MS = 3_600_000;
/** Hex digits: 160 bits of the HMAC. */
const SIGNATURE_LENGTH = 40;

export class Tokens {
  readonly #secret: Uint8Array;

  /** `secret`: at least 32 bytes. */
  constructor(secret: Uint8Array) {
    if (secret.length < 32) throw new Error('The token secret must be at least 32 bytes.');
    this.#secret = secret;
  }

  issue(keyId: string, keyExpiresMs: number, now: number): { token: string; expiresInSeconds: number } {
    const full = now + TOKEN_LIFE_MS;
    const expiresMs = keyExpiresMs === 0 ? full : Math.min(full, keyExpiresMs);
    const claims = `${TOKEN_PREFIX}${keyId}.${expiresMs.toString(36)}`;
    return { token: `${claims}.${this.#sign(claims)}`, expiresInSeconds: Math.floor((expiresMs - now) / 1000) };
  }

  /** Whom a token that we signed stands for, expired or not; undefined for any other text. */
  read(token: string): Holder | undefined {
    const signed = token.length - SIGNATURE_LENGTH - 1;
    const text = token.slice(0, Math.max(signed, 0));
    if (token[signed] !== '.' || !sameText(this.#sign(text), token.slice(signed + 1))) return undefined;
    const dot = text.lastIndexOf('.');
    return { keyId: text.slice(TOKEN_PREFIX.length, dot), expiresMs: Number.parseInt(text.slice(dot + 1), 36) };
  }

  #sign(text: string): string {
    return bytesToHex(hmac(sha256, this.#secret, utf8ToBytes(text))).slice(0, SIGNATURE_LENGTH);
  }
}
