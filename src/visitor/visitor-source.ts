// Finds out about callers: from Cloudflare's `request.cf`, from headers of proxies that the operator trusts, and from
// address files. Must believe no header of anybody else: a law must not be chosen by the one it protects others from.
import { cleanVisitor } from './clean-visitor.ts';
import { GEO_HEADERS, type GeoHeaders, httpProtocolOf, visitorFromHeaders } from './geo-headers.ts';
import type { AddressLookup } from './maxmind.ts';
import { trustedProxies } from './trusted-proxies.ts';
import type { VisitorData, VisitorSource } from './visitor.ts';

export interface VisitorSourceOptions {
  /**
   * Addresses and CIDR ranges of the proxies in front, `loopback`, `private`; nobody by default. What they send in
   * `X-Forwarded-For` and in `geoHeaders` is believed, so they must set or remove these headers themselves.
   */
  readonly trustedProxies?: readonly string[];
  /** Whose headers a trusted proxy sets; all that are known by default. Name yours: a proxy may pass others on unseen. */
  readonly geoHeaders?: readonly GeoHeaders[];
  /** Address files (`openMaxmind`), asked in order: a city file, a network file. */
  readonly lookups?: readonly AddressLookup[];
}

/** Throws Error for a trusted proxy that is none. */
export function createVisitorSource(options: VisitorSourceOptions = {}): VisitorSource {
  const proxies = trustedProxies(options.trustedProxies ?? []);
  const geoHeaders = options.geoHeaders ?? GEO_HEADERS;
  const lookups = options.lookups ?? [];
  return {
    of: (header, origin) => {
      const { peerAddress, httpVersion, cf } = origin;
      const ip = proxies.callerOf(peerAddress, header('x-forwarded-for'));
      const said =
        cf !== undefined
          ? cleanVisitor({ ...cf, acceptLanguage: undefined, ip: undefined })
          : proxies.trusts(peerAddress)
            ? visitorFromHeaders(geoHeaders, header)
            : {};
      const own = cleanVisitor({
        ip,
        httpProtocol: httpProtocolOf(httpVersion),
        // What callers say of themselves is theirs to say.
        acceptLanguage: header('accept-language'),
        clientAcceptEncoding: header('accept-encoding'),
      });
      return { ...own, ...completed(said, ip === undefined ? {} : lookedUp(lookups, ip)) };
    },
  };
}

function lookedUp(lookups: readonly AddressLookup[], ip: string): VisitorData {
  // The first file that knows a field wins.
  const found = lookups.map((lookup) => cleanVisitor(lookup(ip) ?? {}));
  return Object.assign({}, ...found.reverse());
}

/** A file fills the gaps of what was said, but two sources that name different countries are not mixed. */
function completed(said: VisitorData, found: VisitorData): VisitorData {
  if (said.country === undefined || said.country === found.country) return { ...found, ...said };
  const { asn, asOrganization } = found;
  return said.asn === undefined && asn !== undefined ? { asn, asOrganization, ...said } : said;
}
