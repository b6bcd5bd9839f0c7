// What content networks tell their origins about a caller, by header. Owns the names of the headers alone: whether they
// may be believed is decided before anybody asks here, and their values are checked by cleanVisitor.
import { cleanVisitor, type RawVisitor } from './clean-visitor.ts';
import type { VisitorData } from './visitor.ts';

export type ReadHeader = (name: string) => string | undefined;
export const GEO_HEADERS = ['cloudflare', 'vercel', 'cloudfront', 'fly'] as const;
export type GeoHeaders = (typeof GEO_HEADERS)[number];

const READERS: Readonly<Record<GeoHeaders, (header: ReadHeader) => RawVisitor>> = {
  cloudflare: (header) => ({
    country: header('cf-ipcountry'),
    continent: header('cf-ipcontinent'),
    region: header('cf-region'),
    regionCode: header('cf-region-code'),
    city: header('cf-ipcity'),
    postalCode: header('cf-postal-code'),
    latitude: header('cf-iplatitude'),
    longitude: header('cf-iplongitude'),
    timezone: header('cf-timezone'),
  }),
  vercel: (header) => ({
    country: header('x-vercel-ip-country'),
    continent: header('x-vercel-ip-continent'),
    regionCode: header('x-vercel-ip-country-region') ?? header('x-vercel-ip-region'),
    city: decoded(header('x-vercel-ip-city')),
    postalCode: header('x-vercel-ip-postal-code'),
    latitude: header('x-vercel-ip-latitude'),
    longitude: header('x-vercel-ip-longitude'),
    timezone: header('x-vercel-ip-timezone'),
    asn: header('x-vercel-ip-as-number'),
  }),
  cloudfront: (header) => {
    const [tlsVersion, tlsCipher] = header('cloudfront-viewer-tls')?.split(':') ?? [];
    return {
      country: header('cloudfront-viewer-country'),
      region: decoded(header('cloudfront-viewer-country-region-name')),
      regionCode: header('cloudfront-viewer-country-region'),
      city: decoded(header('cloudfront-viewer-city')),
      postalCode: header('cloudfront-viewer-postal-code'),
      latitude: header('cloudfront-viewer-latitude'),
      longitude: header('cloudfront-viewer-longitude'),
      timezone: header('cloudfront-viewer-time-zone'),
      asn: header('cloudfront-viewer-asn'),
      httpProtocol: httpProtocolOf(header('cloudfront-viewer-http-version')),
      tlsVersion,
      tlsCipher,
    };
  },
  fly: (header) => ({ colo: header('fly-region') }),
};

/** A place comes whole from the first network that names a country; two of them must not be mixed. */
export function visitorFromHeaders(kinds: readonly GeoHeaders[], header: ReadHeader): VisitorData {
  const said = kinds
    .map((kind) => READERS[kind](header))
    // Most networks are absent from most requests; checking costs more than asking.
    .filter((raw) => Object.values(raw).some((value) => value !== undefined))
    .map(cleanVisitor);
  const colo = said.find((each) => each.colo !== undefined)?.colo;
  const place = said.find((each) => each.country !== undefined) ?? {};
  return colo === undefined ? place : { ...place, colo };
}

/** `1.1`, `2.0` and `3` as Cloudflare spells them: `HTTP/1.1`, `HTTP/2`, `HTTP/3`. */
export function httpProtocolOf(version: string | undefined): string | undefined {
  return version === undefined ? undefined : `HTTP/${version.replace(/^([23])\.0$/, '$1')}`;
}

/** Some networks percent-encode names. */
function decoded(value: string | undefined): string | undefined {
  try {
    return value === undefined ? undefined : decodeURIComponent(value);
  } catch {
    return value;
  }
}
