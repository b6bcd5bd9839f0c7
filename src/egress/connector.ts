// How sockets are opened. A guarded connector resolves the name itself, checks every address and hands exactly those
// to the socket, so a second answer of a name server changes nothing; IP literals skip resolving and are checked here.
// Must never let a request of a user reach an address that was not checked at connect time.
import { lookup as systemLookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { type Advice, denied, isPublicAddress } from './address-rules.ts';

/** All addresses of a host name. Rejects when there are none. */
export type ResolveHost = (hostname: string) => Promise<readonly string[]>;

export async function resolveHost(hostname: string): Promise<readonly string[]> {
  const found = await systemLookup(hostname, { all: true });
  return found.map((entry) => entry.address);
}

/** Opens a socket to an address that `lookup` gave; tests put in one that shows which address that was. */
export type OpenSocket = (options: { timeout: number; lookup: LookupFunction }) => buildConnector.connector;

export function guardedConnector(
  resolve: ResolveHost,
  timeoutMs: number,
  advice: Advice,
  openSocket: OpenSocket = buildConnector,
): buildConnector.connector {
  const base = openSocket({ timeout: timeoutMs, lookup: checkedLookup(resolve, advice) });
  return (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0 && !isPublicAddress(host)) callback(denied(host, advice), null);
    else base(options, callback);
  };
}

/** For origins that the operator chose: any address, the same resolver. */
export function openConnector(resolve: ResolveHost, timeoutMs: number): buildConnector.connector {
  return buildConnector({ timeout: timeoutMs, lookup: lookupWith(resolve) });
}

/** Gives the socket the very addresses that were checked; it asks nobody a second time. */
export function checkedLookup(resolve: ResolveHost, advice: Advice): LookupFunction {
  return lookupWith(async (hostname) => {
    const addresses = await resolve(hostname);
    // One inside address is enough: a name that mixes both is an attempt to be retried until it hits.
    if (!addresses.every(isPublicAddress)) throw denied(hostname, advice);
    return addresses;
  });
}

function lookupWith(resolve: ResolveHost): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const wanted = options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : (options.family ?? 0);
        const found = addresses
          .map((address) => ({ address, family: isIP(address) }))
          .filter((entry) => wanted === 0 || entry.family === wanted);
        const [first] = found;
        if (first === undefined) callback(notFound(hostname), '', 0);
        else if (options.all) callback(null, found);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error instanceof Error ? error : notFound(hostname), '', 0),
    );
  };
}

function notFound(hostname: string): Error {
  return Object.assign(new Error(`no address for ${hostname}`), { code: 'ENOTFOUND' });
}
