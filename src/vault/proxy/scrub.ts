// Cuts the vendor's secret out of whatever goes back to a caller. A vendor never echoes it; this is the second lock.
import { utf8ToBytes } from '@noble/hashes/utils.js';

const CUT = '[removed]';
/** A shorter text is no secret, and would be found everywhere. */
const SECRET_CHARS_MIN = 8;

export function scrubText(text: string, secret: string): string {
  return secret.length >= SECRET_CHARS_MIN && text.includes(secret) ? text.replaceAll(secret, CUT) : text;
}

/** The same for a stream: holds back only as much as could be the beginning of the secret. */
export async function* scrubStream(body: AsyncIterable<Uint8Array>, secret: string): AsyncGenerator<Uint8Array> {
  if (secret.length < SECRET_CHARS_MIN) return yield* body;
  const needle = utf8ToBytes(secret);
  const cut = utf8ToBytes(CUT);
  let held: Uint8Array = new Uint8Array(0);
  for await (const chunk of body) {
    let data = held.length === 0 ? chunk : join(held, chunk);
    for (let at = find(data, needle); at >= 0; at = find(data, needle)) {
      yield join(data.subarray(0, at), cut);
      data = data.subarray(at + needle.length);
    }
    const keep = overlap(data, needle);
    if (data.length > keep) yield data.subarray(0, data.length - keep);
    held = data.slice(data.length - keep);
  }
  if (held.length > 0) yield held;
}

function find(data: Uint8Array, needle: Uint8Array): number {
  const first = needle[0] ?? 0;
  for (let at = data.indexOf(first); at >= 0 && at + needle.length <= data.length; at = data.indexOf(first, at + 1)) {
    if (startsAt(data, at, needle, needle.length)) return at;
  }
  return -1;
}

/** How many bytes at the end of `data` begin the needle. */
function overlap(data: Uint8Array, needle: Uint8Array): number {
  for (let size = Math.min(needle.length - 1, data.length); size > 0; size -= 1) {
    if (startsAt(data, data.length - size, needle, size)) return size;
  }
  return 0;
}

function startsAt(data: Uint8Array, at: number, needle: Uint8Array, size: number): boolean {
  for (let i = 0; i < size; i += 1) if (data[at + i] !== needle[i]) return false;
  return true;
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
