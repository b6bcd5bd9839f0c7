// Which headers go to Stripe and which come back. Owns two lists of what passes; everything else is dropped, so nothing
// about the caller's way to us, and no credential of ours, ever leaves.
import type { HeaderLookup } from '../../../access/access.ts';

/** The account and version a call is made under: part of what a request is. */
const CONTEXT = ['stripe-account', 'stripe-context', 'stripe-version'];
const FORWARDED = [
  ...CONTEXT,
  'accept',
  'user-agent',
  'x-stripe-client-user-agent',
  'x-stripe-client-telemetry',
  'x-stripe-client-info',
];
const FORM = 'application/x-www-form-urlencoded';

/** What an answer keeps: never cookies, framing, or a credential. */
const PASSED_BACK = new Set([
  'content-type',
  'content-disposition',
  'request-id',
  'original-request',
  'idempotency-key',
  'idempotent-replayed',
  'retry-after',
  'stripe-should-retry',
  'stripe-version',
  'stripe-account',
  'location',
  'date',
]);

export function isContextHeader(name: string): boolean {
  return CONTEXT.includes(name);
}

/** The connected account a call is made for: the same parameters for another one are another request. */
export function account(header: HeaderLookup): string {
  const named = header('stripe-account') ?? '';
  const context = header('stripe-context') ?? '';
  return named === '' && context === '' ? '' : `${named}/${context}`;
}

/** Flat name, value list of the headers that a repetition must carry again. */
export function contextHeaders(header: HeaderLookup): string[] {
  return pick(header, CONTEXT);
}

export function requestHeaders(
  header: HeaderLookup,
  secret: string,
  idempotencyKey: string | null,
  hasBody: boolean,
): string[] {
  return withOwn(pick(header, FORWARDED), secret, idempotencyKey, hasBody);
}

export function ownHeaders(
  context: readonly string[],
  secret: string,
  idempotencyKey: string | null,
  hasBody: boolean,
): string[] {
  return withOwn([...context, 'accept', 'application/json'], secret, idempotencyKey, hasBody);
}

export function passesBack(name: string): boolean {
  return PASSED_BACK.has(name) || name.startsWith('x-stripe-');
}

function withOwn(headers: string[], secret: string, idempotencyKey: string | null, hasBody: boolean): string[] {
  // Answers are read to settle and to be searched for the secret: they must come uncompressed.
  headers.push('authorization', `Bearer ${secret}`, 'accept-encoding', 'identity');
  if (idempotencyKey !== null) headers.push('idempotency-key', idempotencyKey);
  if (hasBody) headers.push('content-type', FORM);
  return headers;
}

function pick(header: HeaderLookup, names: readonly string[]): string[] {
  const picked: string[] = [];
  for (const name of names) {
    const value = header(name);
    if (value !== undefined && value !== '') picked.push(name, value);
  }
  return picked;
}
