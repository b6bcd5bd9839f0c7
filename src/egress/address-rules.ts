// Which addresses a user-given URL may name. Owns the rules for URLs and for resolved addresses; opens nothing and
// resolves nothing. Addresses are allowed by what they are (public unicast), never by absence from a list.
import ipaddr from 'ipaddr.js';
import { shortenText } from '../model/cut-text.ts';
import { AppError } from '../model/error.ts';

/** Who reads a refusal: somebody who writes code, or somebody whose definition the operator runs. */
export type Advice = 'code' | 'operator';

const ADVICE: Readonly<Record<Advice, string>> = {
  code: 'Use { allowInternalRequests: true } to bypass (not recommended).',
  operator:
    'Use a public address, or let the operator allow this origin: --allow-origin, or egress.allowOrigins in the configuration.',
};
/** Endings that no public host has: reserved names, and what routers and companies use at home. */
const INTERNAL_NAMES = new Set(
  'localhost local internal localdomain lan intranet home corp private home.arpa'.split(' '),
);
/** Answers on a public address, but only to the machines of one cloud, with their credentials. */
const INTERNAL_PUBLIC_ADDRESSES = new Set(['168.63.129.16']);
const SHOWN_LENGTH_MAX = 200;

/**
 * Parses a URL and refuses what an outside caller must not reach: private and internal addresses in any spelling,
 * other protocols than HTTP(S), credentials in the URL. A public name may still lead inside; only a connection shows it.
 *
 * Throws AppError `invalid_request` (`Invalid URL: …`) when it is no URL, AppError `egress_denied`
 * (`Unsupported protocol: …`, `Credentials in the URL …`, `SSRF protection: Blocked request …`) when it is refused.
 * `allowInternal` lifts the address rules, not the others.
 */
export function validateURL(input: string | URL, allowInternal = false, advice: Advice = 'code'): URL {
  const url = parseHttpUrl(input);
  if (!allowInternal && !isPublicHost(url.hostname)) throw denied(url.hostname, advice);
  return url;
}

/** Whether `validateURL` would accept it. */
export function isURLSafe(input: string | URL): boolean {
  try {
    validateURL(input);
    return true;
  } catch {
    return false;
  }
}

/** The part of the rules that holds for allowed origins too: HTTP only, no credentials in the URL. */
export function parseHttpUrl(input: string | URL): URL {
  const url = tryParse(String(input));
  if (url === null)
    throw new AppError('invalid_request', `Invalid URL: ${shortenText(String(input), SHOWN_LENGTH_MAX)}`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new AppError('egress_denied', `Unsupported protocol: ${url.protocol} Only HTTP(S) is allowed.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new AppError(
      'egress_denied',
      `Credentials in the URL are not allowed (host ${url.hostname}). Send an Authorization header instead.`,
    );
  }
  return url;
}

/** A host as WHATWG URL spells it: IPv6 in brackets, odd IPv4 notations already made plain. */
export function isPublicHost(hostname: string): boolean {
  const host = hostname.replace(/\.+$/, '').toLowerCase();
  if (host === '') return false;
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  if (ipaddr.isValid(bare)) return isPublicAddress(bare);
  return isPublicName(host);
}

/** An address as a resolver gives it. What cannot be read is not public. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  return parsed instanceof ipaddr.IPv6 ? isPublicIPv6(parsed) : isPublicIPv4(parsed);
}

/** What a refusal reads like; `host` is the name that was asked for, never the address it led to. */
export function denied(host: string, advice: Advice): AppError {
  return new AppError(
    'egress_denied',
    `SSRF protection: Blocked request to private/internal address: ${shortenText(host, SHOWN_LENGTH_MAX)}. ${ADVICE[advice]}`,
  );
}

/** Whether the operator's list names this origin; a list entry may carry a path, which says nothing. */
export function isAllowedOrigin(origin: string, allowOrigins: readonly string[]): boolean {
  return allowOrigins.some(
    (allowed) => allowed === origin || (URL.canParse(allowed) && new URL(allowed).origin === origin),
  );
}

function isPublicName(host: string): boolean {
  const labels = host.split('.');
  // A name without a dot is resolved by search lists, to a machine of the own network.
  if (labels.length < 2) return false;
  const [last = ''] = labels.slice(-1);
  return !INTERNAL_NAMES.has(last) && !INTERNAL_NAMES.has(labels.slice(-2).join('.'));
}

function isPublicIPv4(address: ipaddr.IPv4): boolean {
  return address.range() === 'unicast' && !INTERNAL_PUBLIC_ADDRESSES.has(address.toString());
}

function isPublicIPv6(address: ipaddr.IPv6): boolean {
  if (address.isIPv4MappedAddress()) return isPublicIPv4(address.toIPv4Address());
  const [first = 0, second = 0, third = 0] = address.parts;
  // NAT64 as networks without IPv4 use it for every IPv4 host; what is embedded decides. 64:ff9b:1::/48 is local.
  if (address.range() === 'rfc6052') return third === 0 && isPublicIPv4(lastIPv4(address));
  // Global unicast is 2000::/3; ranges such as ::/96 (IPv4 compatible) have no special name but lie outside of it.
  return address.range() === 'unicast' && first >= 0x2000 && first <= 0x3fff && !(first === 0x2001 && second === 0xdb8);
}

function lastIPv4(address: ipaddr.IPv6): ipaddr.IPv4 {
  return new ipaddr.IPv4(address.toByteArray().slice(-4));
}

function tryParse(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
