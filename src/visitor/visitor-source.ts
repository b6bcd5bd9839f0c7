// Finds out about callers: from Cloudflare's `request.cf`, from headers of proxies that the operator trusts, and from
// address files. Must believe no header of anybody else: a law must not be chosen by the one it protects others from.
import { cleanVisitor } from './clean-visitor.ts';
import { geoReader, httpProtocolOf } from './geo-headers.ts';
import type { AddressLookup } from './maxmind.ts';
import { trustedProxies } from './trusted-proxies.ts';
import type { VisitorData, VisitorSource } from './visitor.ts';

export interface VisitorSourceOptions {
  /**
   * Addresses and CIDR ranges of the proxies in front, `loopback`, `private`; nobody by default. What they send in
   * `X-Forwarded-For` and in `geoHeaders` is believed, and nothing else.
   */
  readonly trustedProxies?: readonly string[];
  /**
   * What the trusted proxies set at every request, whatever the caller sent: networks (`cloudflare`) or single headers of
   * theirs (`cf-ipcountry`). None by default: a proxy passes on what it does not know, and then the caller wrote it.
   */
  readonly geoHeaders?: readonly string[];
  /** Address files (`openMaxmind`), asked in order: a city file, a network file. */
  readonly lookups?: readonly AddressLookup[];
}

const NOTHING: VisitorData = {};
const REMEMBERED_MAX = 1_000;
const KEY_LENGTH_MAX = 1_000;

/** Throws Error for a trusted proxy or a geo header that is none. */
export function createVisitorSource(options: VisitorSourceOptions = {}): VisitorSource {
  const proxies = trustedProxies(options.trustedProxies ?? []);
  const fromHeaders = geoReader(options.geoHeaders ?? []);
  const lookups = options.lookups ?? [];
  const ownWords = rememberedWords();
  return {
    of: (header, origin) => {
      const { peerAddress, httpVersion, cf } = origin;
      const ip = proxies.callerOf(peerAddress, header('x-forwarded-for'));
      const said =
        cf !== undefined
          ? cleanVisitor({ ...cf, acceptLanguage: undefined, ip: undefined })
          : proxies.trusts(peerAddress)
            ? fromHeaders(header)
            : NOTHING;
      const own = ownWords(ip, httpVersion, header('accept-language'), header('accept-encoding'));
      if (said === NOTHING && lookups.length === 0) return own;
      return { ...own, ...completed(said, ip === undefined ? {} : lookedUp(lookups, ip)) };
    },
  };
}

/** What a connection shows, and what callers say of themselves: the same again and again, so it is looked at once. */
function rememberedWords() {
  const known = new Map<string, VisitorData>();
  return (ip?: string, httpVersion?: string, acceptLanguage?: string, clientAcceptEncoding?: string): VisitorData => {
    const key = `${ip}\n${httpVersion}\n${acceptLanguage}\n${clientAcceptEncoding}`;
    const before = known.get(key);
    if (before) return before;
    const words = cleanVisitor({
      ...{ ip, acceptLanguage, clientAcceptEncoding },
      httpProtocol: httpProtocolOf(httpVersion),
    });
    if (known.size >= REMEMBERED_MAX) known.clear();
    if (key.length <= KEY_LENGTH_MAX) known.set(key, words);
    return words;
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
