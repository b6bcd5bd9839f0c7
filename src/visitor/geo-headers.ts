// What content networks tell their origins about a caller, by header. Owns what each header means: whose may be believed is
// decided before anybody asks here, and their values are checked by cleanVisitor.
import { GEO_HEADERS, type GeoHeader, isGeoHeader, NETWORKS, type Network } from '../model/geo-headers.ts';
import { cleanVisitor, type RawVisitor } from './clean-visitor.ts';
import type { VisitorData } from './visitor.ts';

const READERS: Readonly<Record<Network, (header: (name: GeoHeader) => string | undefined) => RawVisitor>> = {
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

/** Reads the named headers, and no others. Throws Error for an entry that is neither a network nor a header of one. */
export function geoReader(entries: readonly string[]): (header: (name: string) => string | undefined) => VisitorData {
  const wrong = entries.find((entry) => !isGeoHeader(entry));
  if (wrong !== undefined) throw new Error(`"${wrong}" is no network and no header of one: ${NETWORKS.join(', ')}`);
  const named = new Set(entries.map((entry) => entry.toLowerCase()));
  const readers = NETWORKS.flatMap((network) => {
    const names = new Set<string>(GEO_HEADERS[network].filter((name) => named.has(network) || named.has(name)));
    return names.size === 0 ? [] : [{ names, read: READERS[network] }];
  });
  return (header) => {
    // Most networks are absent from most requests; checking costs more than asking.
    const raw = readers.map(({ names, read }) => read((name) => (names.has(name) ? header(name) : undefined)));
    return whole(raw.filter((said) => Object.values(said).some((value) => value !== undefined)).map(cleanVisitor));
  };
}

/** A place comes whole from the first network that names a country; two of them must not be mixed. */
function whole(said: readonly VisitorData[]): VisitorData {
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
