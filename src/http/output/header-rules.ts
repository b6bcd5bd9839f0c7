// Which headers an ensemble's output may set, and where it may redirect to. Values may hold what a caller sent, so a
// line break in one must never reach the wire, and a redirect must never lead to code.
import { isJsonObject, type JsonValue } from '../../model/json.ts';

/** Framing is the server's; cross-origin rules are the trigger's `cors`; what is sniffed is not up to an output. */
const KEPT = new Set([
  'connection',
  'content-length',
  'date',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-content-type-options',
  'x-request-id',
]);
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const VALUE_CHARS_MAX = 8192;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** An output that must not be sent as it is; the message is fit for the caller. */
export class OutputError extends Error {
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.name = 'OutputError';
    this.reason = reason;
  }
}

/** Lower-case names; forbidden ones are left out. Throws OutputError for what is no header. */
export function outputHeaders(given: JsonValue | undefined): Record<string, string> {
  if (!isJsonObject(given)) return {};
  const headers = Object.entries(given).flatMap(([key, value]): [string, string][] => {
    const name = key.toLowerCase();
    if (value === null || KEPT.has(name) || name.startsWith('access-control-') || name.startsWith('proxy-')) return [];
    if (!TOKEN.test(name)) throw new OutputError('INVALID_HEADER', 'The output names a header that cannot be one.');
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
    return [[name, headerValue(name, text)]];
  });
  return Object.fromEntries(headers);
}

export function headerValue(name: string, text: string): string {
  if (VALUE.test(text) && text.length <= VALUE_CHARS_MAX) return text;
  throw new OutputError('INVALID_HEADER', `The output gives the header ${name} a value that cannot be sent.`);
}

/** A whole number from 200 to 599, or `fallback`. */
export function outputStatus(given: JsonValue | undefined, fallback: number): number {
  const status = typeof given === 'string' && /^\d{3}$/.test(given) ? Number(given) : given;
  return typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599 ? status : fallback;
}

export function redirectStatus(given: JsonValue | undefined): number {
  const status = outputStatus(given, 302);
  return REDIRECTS.has(status) ? status : 302;
}

/** An http(s) address, or one on this server. Throws OutputError for everything else (`javascript:`, `//host`, `\\host`). */
export function redirectTarget(given: JsonValue | undefined): string {
  const url = typeof given === 'string' ? given.trim() : '';
  const absolute = /^[a-z][a-z0-9+.-]*:/i.test(url);
  const allowed = absolute
    ? /^https?:\/\/[^/\\]/i.test(url) && URL.canParse(url)
    : url !== '' && !/^[/\\]{2}/.test(url);
  // Browsers read a backslash as a slash and leave out tabs and line breaks: neither has a place in an address.
  if (!allowed || !/^[\x20-\x5b\x5d-\x7e\x80-\u{10ffff}]*$/u.test(url)) {
    throw new OutputError('INVALID_REDIRECT', 'The output redirects to what is neither an http(s) address nor a path.');
  }
  try {
    return url.replace(/[^\x21-\x7e]+/gu, encodeURIComponent);
  } catch {
    throw new OutputError('INVALID_REDIRECT', 'The output redirects to an address that is not valid text.');
  }
}
