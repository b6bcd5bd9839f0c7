// Which machines in front of the server may say who called, and who did call according to them. Must trust nobody who is
// not listed: `X-Forwarded-For` is written by anybody, and only what a trusted proxy appended to it counts.
import ipaddr from 'ipaddr.js';

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

const SHORTHANDS: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', 'fc00::/7', 'fe80::/10'],
};
/** Longer chains do not exist, but headers of that length do. */
const HOPS_MAX = 50;
const JUDGED_MAX = 1_000;

export interface TrustedProxies {
  trusts(address: string | undefined): boolean;
  /** The first address from the right, the peer's own included, that is no trusted proxy; the leftmost when all are. */
  callerOf(peerAddress: string | undefined, forwardedFor: string | undefined): string | undefined;
}

/** Throws Error for an entry that is no address, no CIDR range, `loopback` or `private`. */
export function trustedProxies(entries: readonly string[]): TrustedProxies {
  const ranges = entries.flatMap((entry) => (SHORTHANDS[entry] ?? [entry]).map(rangeOf));
  /** The same few proxies are the peer of every request. */
  const judged = new Map<string, boolean>();

  function trusts(address: string | undefined): boolean {
    if (address === undefined || ranges.length === 0) return false;
    const known = judged.get(address);
    if (known !== undefined) return known;
    if (judged.size >= JUDGED_MAX) judged.clear();
    const trusted = judge(address);
    judged.set(address, trusted);
    return trusted;
  }

  /** Peers come again and again: each is spelled out once. */
  const peers = new Map<string, string | undefined>();

  function spelled(address: string): string | undefined {
    if (peers.has(address)) return peers.get(address);
    if (peers.size >= JUDGED_MAX) peers.clear();
    const canonical = canonicalAddress(address);
    peers.set(address, canonical);
    return canonical;
  }

  function judge(address: string): boolean {
    const canonical = canonicalAddress(address);
    if (canonical === undefined) return false;
    const parsed = ipaddr.parse(canonical);
    return ranges.some((range) => range[0].kind() === parsed.kind() && parsed.match(range));
  }

  return {
    trusts,
    callerOf: (peerAddress, forwardedFor) => {
      let caller = peerAddress === undefined ? undefined : spelled(peerAddress);
      const hops = (forwardedFor ?? '').split(',').slice(-HOPS_MAX);
      while (trusts(caller) && hops.length > 0) {
        const next = canonicalAddress(hops.pop() ?? '');
        // What stands left of an entry that is no address was written by whoever wrote that.
        if (next === undefined) break;
        caller = next;
      }
      return caller;
    },
  };
}

/** One spelling per address: no port, no brackets, no zone, IPv4 within IPv6 as IPv4. Undefined for what is none. */
export function canonicalAddress(text: string): string | undefined {
  const bare = text
    .trim()
    .replace(/^\[([^\]]*)\](?::\d{1,5})?$/, '$1')
    .replace(/^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/, '$1')
    .replace(/%.*$/, '');
  // The library also reads 127.1 and 0x7f000001, which no proxy writes.
  if (!ipaddr.IPv4.isValidFourPartDecimal(bare) && !(bare.includes(':') && ipaddr.IPv6.isValid(bare))) return undefined;
  return ipaddr.process(bare).toString();
}

function rangeOf(entry: string): Range {
  try {
    if (entry.includes('/')) return ipaddr.parseCIDR(entry);
    const address = ipaddr.parse(canonicalAddress(entry) ?? '');
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  } catch {
    throw new Error(`"${entry}" is no trusted proxy: give an address, a CIDR range, "loopback" or "private"`);
  }
}
