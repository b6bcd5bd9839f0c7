// Checks what a source says about a caller, field by field. Must let nothing through that is not what its name says:
// whatever cannot be right is left out, so that a default takes its place.
import { isContinent, isCountry } from './countries.ts';
import { isTimeZone } from './local-time.ts';
import { canonicalAddress } from './trusted-proxies.ts';
import type { VisitorData } from './visitor.ts';

/** A source's answer as it came; every value may be anything. */
export type RawVisitor = { readonly [Field in keyof VisitorData]?: unknown };

const TEXT_LENGTH_MAX = 128;
const HEADER_LENGTH_MAX = 1_000;
const ASN_MAX = 2 ** 32 - 1;

/** Has only the fields that are known. */
export function cleanVisitor(raw: RawVisitor): VisitorData {
  const country = upper(raw.country, isCountry);
  const cleaned: VisitorData = {
    country,
    continent: upper(raw.continent, isContinent),
    region: text(raw.region),
    regionCode: upper(withoutCountry(raw.regionCode, country), (code) => /^[A-Z0-9]{1,3}$/.test(code)),
    city: text(raw.city),
    postalCode: text(raw.postalCode),
    latitude: number(raw.latitude, -90, 90),
    longitude: number(raw.longitude, -180, 180),
    timezone: checked(text(raw.timezone), isTimeZone),
    acceptLanguage: text(raw.acceptLanguage, HEADER_LENGTH_MAX),
    colo: upper(raw.colo, (colo) => /^[A-Z]{3}$/.test(colo)),
    asn: checked(number(raw.asn, 1, ASN_MAX), Number.isInteger),
    asOrganization: text(raw.asOrganization),
    httpProtocol: checked(text(raw.httpProtocol), (protocol) => /^HTTP\/[0-9.]{1,5}$/.test(protocol)),
    tlsVersion: checked(text(raw.tlsVersion), (version) => /^(TLS|SSL)v[0-9.]{1,5}$/.test(version)),
    tlsCipher: checked(text(raw.tlsCipher), (cipher) => /^[\w-]+$/.test(cipher)),
    clientAcceptEncoding: text(raw.clientAcceptEncoding, HEADER_LENGTH_MAX),
    ip: typeof raw.ip === 'string' ? canonicalAddress(raw.ip) : undefined,
  };
  return Object.fromEntries(Object.entries(cleaned).filter(([, value]) => value !== undefined));
}

function text(value: unknown, lengthMax = TEXT_LENGTH_MAX): string | undefined {
  if (typeof value !== 'string') return undefined;
  const trimmed = value.trim();
  // Control characters have no place in a name, and every place in an attack on logs.
  return trimmed === '' || trimmed.length > lengthMax || /\p{Cc}/u.test(trimmed) ? undefined : trimmed;
}

function upper(value: unknown, isRight: (value: string) => boolean): string | undefined {
  return checked(text(value)?.toUpperCase(), isRight);
}

/** Numbers come as text from headers and from Cloudflare. */
function number(value: unknown, min: number, max: number): number | undefined {
  const parsed = typeof value === 'number' ? value : Number(text(value) ?? Number.NaN);
  return parsed >= min && parsed <= max ? parsed : undefined;
}

function checked<T>(value: T | undefined, isRight: (value: T) => boolean): T | undefined {
  return value !== undefined && isRight(value) ? value : undefined;
}

/** ISO 3166-2 spells `US-CA`; most sources say `CA`. */
function withoutCountry(value: unknown, country: string | undefined): unknown {
  const prefix = `${country}-`;
  return typeof value === 'string' && value.toUpperCase().startsWith(prefix) ? value.slice(prefix.length) : value;
}
