// The headers in which content networks tell a server where its visitor is, by network: what a configuration may name as
// believed, and what is read then.

export const GEO_HEADERS = {
  cloudflare: [
    'cf-ipcountry',
    'cf-ipcontinent',
    'cf-region',
    'cf-region-code',
    'cf-ipcity',
    'cf-postal-code',
    'cf-iplatitude',
    'cf-iplongitude',
    'cf-timezone',
  ],
  vercel: [
    'x-vercel-ip-country',
    'x-vercel-ip-continent',
    'x-vercel-ip-country-region',
    'x-vercel-ip-region',
    'x-vercel-ip-city',
    'x-vercel-ip-postal-code',
    'x-vercel-ip-latitude',
    'x-vercel-ip-longitude',
    'x-vercel-ip-timezone',
    'x-vercel-ip-as-number',
  ],
  cloudfront: [
    'cloudfront-viewer-country',
    'cloudfront-viewer-country-region',
    'cloudfront-viewer-country-region-name',
    'cloudfront-viewer-city',
    'cloudfront-viewer-postal-code',
    'cloudfront-viewer-latitude',
    'cloudfront-viewer-longitude',
    'cloudfront-viewer-time-zone',
    'cloudfront-viewer-asn',
    'cloudfront-viewer-http-version',
    'cloudfront-viewer-tls',
  ],
  fly: ['fly-region'],
} as const;

export type Network = keyof typeof GEO_HEADERS;
export type GeoHeader = (typeof GEO_HEADERS)[Network][number];

/** In the order in which they are asked. */
export const NETWORKS = ['cloudflare', 'vercel', 'cloudfront', 'fly'] as const satisfies readonly Network[];

const KNOWN = new Set<string>([...NETWORKS, ...NETWORKS.flatMap((network) => GEO_HEADERS[network])]);

/** What may be named as believed: a network for all of its headers, or one header alone. */
export function isGeoHeader(entry: string): boolean {
  return KNOWN.has(entry.toLowerCase());
}
