// The text of a vault key: `vault_key_`, two characters of length, the payload, its MAC. Self-delimiting, so that a key
// can be found inside any other text. Derived, never stored; must never accept a text whose MAC does not verify.
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { fromBase64url, toBase64url } from './base64url.ts';
import { MAC_CHARS, type Mac, sameMac } from './master-keys.ts';

export const KEY_PREFIX = 'vault_key_';
const LENGTH_CHARS = 2;
const PAYLOAD_CHARS_MAX = 64 * 64 - 1;
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** What a key says about itself. `task` is set on the copy that a task was handed. */
export interface KeyClaims {
  readonly keyId: string;
  readonly task: TaskScope | null;
}

export interface TaskScope {
  readonly runId: string;
  readonly attempt: number;
  /** Reference name on the wire, with its loop suffix. */
  readonly ref: string;
}

export interface KeyTexts {
  write(claims: KeyClaims): string;
  /** The claims of a whole text, or null when it is not a key of ours. */
  read(text: string): KeyClaims | null;
  /** Replaces every key of ours inside a text; everything else stays. Returns `text` itself when there is none. */
  replace(text: string, substitute: (claims: KeyClaims) => string): string;
}

/** Keys that verified lately: a worker sends the same one with every call. What a key may do is asked each time. */
const VERIFIED_MAX = 4096;

export function keyTexts(mac: Mac): KeyTexts {
  const verified = new Map<string, KeyClaims>();
  const readAt = (text: string, start: number) => readKeyAt(text, start, mac);
  return {
    write: (claims) => writeKey(claims, mac),
    read(text) {
      const known = verified.get(text);
      if (known) return known;
      const found = readAt(text, 0);
      if (!found || found.end !== text.length) return null;
      if (verified.size >= VERIFIED_MAX) verified.clear();
      verified.set(text, found.claims);
      return found.claims;
    },
    replace(text, substitute) {
      let out = '';
      let copied = 0;
      for (let at = text.indexOf(KEY_PREFIX); at >= 0; at = text.indexOf(KEY_PREFIX, at + 1)) {
        if (at < copied) continue;
        const found = readAt(text, at);
        if (!found) continue;
        out += text.slice(copied, at) + substitute(found.claims);
        copied = found.end;
      }
      return copied === 0 ? text : out + text.slice(copied);
    },
  };
}

function writeKey(claims: KeyClaims, mac: Mac): string {
  let payload = encodePayload(claims);
  // A reference name of kilobytes does not fit: the key still works, only its audit rows name no task.
  if (payload.length > PAYLOAD_CHARS_MAX) payload = encodePayload({ keyId: claims.keyId, task: null });
  const length = (DIGITS[payload.length >> 6] ?? '') + (DIGITS[payload.length & 63] ?? '');
  return KEY_PREFIX + length + payload + mac(length + payload);
}

function encodePayload({ keyId, task }: KeyClaims): string {
  // The reference name comes last: it is the only part that may hold any character.
  return toBase64url(utf8ToBytes(task ? `${keyId}\n${task.runId}\n${task.attempt}\n${task.ref}` : keyId));
}

function readKeyAt(text: string, start: number, mac: Mac): { claims: KeyClaims; end: number } | null {
  if (!text.startsWith(KEY_PREFIX, start)) return null;
  const head = start + KEY_PREFIX.length;
  const high = DIGITS.indexOf(text.charAt(head) || ' ');
  const low = DIGITS.indexOf(text.charAt(head + 1) || ' ');
  if (high < 0 || low < 0) return null;
  const signedEnd = head + LENGTH_CHARS + high * 64 + low;
  const end = signedEnd + MAC_CHARS;
  if (end > text.length) return null;
  if (!sameMac(mac(text.slice(head, signedEnd)), text.slice(signedEnd, end))) return null;
  const claims = decodePayload(text.slice(head + LENGTH_CHARS, signedEnd));
  return claims && { claims, end };
}

function decodePayload(payload: string): KeyClaims | null {
  const bytes = fromBase64url(payload);
  if (!bytes) return null;
  const [keyId, runId, attempt, ...ref] = new TextDecoder().decode(bytes).split('\n');
  if (!keyId) return null;
  if (runId === undefined || attempt === undefined) return { keyId, task: null };
  return { keyId, task: { runId, attempt: Number(attempt), ref: ref.join('\n') } };
}
