// Envelope encryption of a vendor secret: a data key per secret, wrapped by a key derived from the master key, both with
// AES-256-GCM bound to the secret's id and vendor. Owns the sealed form; must never log or return what it opened.
import type { JsonObject } from '../../model/json.ts';
import { fromBase64url, toBase64url } from '../keys/base64url.ts';

const IV_BYTES = 12;

/** Seals `secret`; `context` (id and vendor) must be the same when it is opened. */
export async function seal(secret: string, context: string, wrappingKey: Uint8Array<ArrayBuffer>): Promise<JsonObject> {
  const dataKey = crypto.getRandomValues(new Uint8Array(32));
  const inner = await encrypt(Uint8Array.from(new TextEncoder().encode(secret)), dataKey, context);
  const outer = await encrypt(dataKey, wrappingKey, context);
  return { v: 1, alg: 'A256GCM', iv: inner.iv, data: inner.data, keyIv: outer.iv, key: outer.data };
}

/** Throws when the master key is another one, or the sealed form belongs to another secret or was altered. */
export async function unseal(
  sealed: JsonObject,
  context: string,
  wrappingKey: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const dataKey = await decrypt(sealed.keyIv, sealed.key, wrappingKey, context);
  return new TextDecoder().decode(await decrypt(sealed.iv, sealed.data, dataKey, context));
}

async function encrypt(plain: Uint8Array<ArrayBuffer>, key: Uint8Array<ArrayBuffer>, context: string) {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const data = await crypto.subtle.encrypt(parameters(iv, context), await imported(key, 'encrypt'), plain);
  return { iv: toBase64url(iv), data: toBase64url(new Uint8Array(data)) };
}

async function decrypt(iv: unknown, data: unknown, key: Uint8Array<ArrayBuffer>, context: string) {
  const ivBytes = typeof iv === 'string' ? fromBase64url(iv) : undefined;
  const dataBytes = typeof data === 'string' ? fromBase64url(data) : undefined;
  if (!ivBytes || !dataBytes) throw new Error('The sealed secret is not in the form it was written in.');
  const plain = await crypto.subtle.decrypt(parameters(ivBytes, context), await imported(key, 'decrypt'), dataBytes);
  return new Uint8Array(plain);
}

function imported(key: Uint8Array<ArrayBuffer>, use: 'encrypt' | 'decrypt') {
  return crypto.subtle.importKey('raw', key, 'AES-GCM', false, [use]);
}

function parameters(iv: Uint8Array<ArrayBuffer>, context: string) {
  return { name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(context) };
}
