// Puts the door together: agents by how long a connection may take, one kept-alive pool per vendor.
// Must be the only place outside of tests that makes an agent or a pool.
import { Agent, type Dispatcher } from 'undici';
import { type Advice, isAllowedOrigin, parseHttpUrl, validateURL } from './address-rules.ts';
import { guardedConnector, type OpenSocket, openConnector, type ResolveHost, resolveHost } from './connector.ts';
import type { Bypass, Egress, FetchForOptions, SafeFetch, Upstream } from './egress.ts';
import { CONNECT_TIMEOUT_MS, RESPONSE_BYTES_MAX, TIMEOUT_MS } from './guarded-fetch.ts';
import { requestOutside } from './outbound.ts';
import { createSafeFetch } from './safe-fetch.ts';
import { createUpstream } from './upstream.ts';

export interface EgressOptions {
  /**
   * Origins (`https://host:port`) to which the address rules do not apply. Operator configuration, asked for at every
   * request, so that the server can add its own once it knows its port.
   */
  readonly allowOrigins?: () => readonly string[];
  /** The same for `request` alone: what agents fetch, at URLs that callers may have chosen, is never sent to them. */
  readonly ownOrigins?: () => readonly string[];
  /** All addresses of a host name; the system's resolver by default. */
  readonly resolve?: ResolveHost;
  /** Connections to one vendor at a time. */
  readonly upstreamConnectionsMax?: number;
  readonly upstreamConnectTimeoutMs?: number;
  /** Told of every request that goes out without the address rules, unless `fetchFor` was given another; not of own origins. */
  readonly onBypass?: (bypass: Bypass) => void;
  /** Opens sockets to checked addresses; for tests that stand in for the public network. */
  readonly openSocket?: OpenSocket;
}

/** An agent's connect timeout is fixed, so a wanted one is rounded up to the next of these. */
const CONNECT_TIMEOUTS_MS = [250, 500, 1_000, 2_000, 3_000, 5_000, 10_000, 30_000, 60_000];
const CONNECT_TIMEOUT_MS_MAX = 60_000;

/** Nothing is opened before the first request. Throws at construction of an upstream whose origin is no HTTP URL. */
export function createEgress(options: EgressOptions = {}): Egress {
  const resolve = options.resolve ?? resolveHost;
  const agents = new Map<string, Agent>();
  const upstreams = new Set<Upstream>();

  function agent(allowed: boolean, wantedMs: number, advice: Advice): Dispatcher {
    const timeoutMs = CONNECT_TIMEOUTS_MS.find((step) => step >= wantedMs) ?? CONNECT_TIMEOUT_MS_MAX;
    // Lifted and guarded connections never share a pool: an open one would be used without a further check.
    const key = `${allowed}:${timeoutMs}:${advice}`;
    const known = agents.get(key);
    if (known !== undefined) return known;
    const connect = allowed
      ? openConnector(resolve, timeoutMs)
      : guardedConnector(resolve, timeoutMs, advice, options.openSocket);
    const made = new Agent({ connect });
    agents.set(key, made);
    return made;
  }

  const allowedToAll = () => options.allowOrigins?.() ?? [];
  const allowedToRequests = () => [...allowedToAll(), ...(options.ownOrigins?.() ?? [])];

  function open(
    text: string,
    lifted: boolean,
    connectTimeoutMs: number,
    advice: Advice,
    allowOrigins: () => readonly string[] = allowedToAll,
  ) {
    const parsed = parseHttpUrl(text);
    const listed = isAllowedOrigin(parsed.origin, allowOrigins());
    const url = validateURL(parsed, lifted || listed, advice);
    return { url, listed, dispatcher: agent(lifted || listed, connectTimeoutMs, advice) };
  }

  function openRequest(text: string, connectTimeoutMs: number) {
    const opened = open(text, false, connectTimeoutMs, 'operator', allowedToRequests);
    const { origin } = opened.url;
    if (isAllowedOrigin(origin, allowedToAll())) options.onBypass?.({ origin, reason: 'allowOrigins' });
    return opened;
  }

  const fetchFor = (rules: FetchForOptions): SafeFetch =>
    createSafeFetch((url, lifted) => open(url, lifted, CONNECT_TIMEOUT_MS, rules.advice ?? 'code'), {
      ssrf: rules.ssrf,
      onBypass: rules.onBypass ?? options.onBypass ?? (() => undefined),
      timeoutMs: rules.timeoutMs ?? TIMEOUT_MS,
      responseBytesMax: rules.responseBytesMax ?? RESPONSE_BYTES_MAX,
    });

  return {
    request: (outbound) => requestOutside({ open: openRequest }, outbound),
    safeFetch: fetchFor({ ssrf: true }),
    fetchFor,
    upstream: (origin) => {
      const made = createUpstream(parseHttpUrl(origin).origin, {
        connector: openConnector(resolve, options.upstreamConnectTimeoutMs ?? 10_000),
        connectionsMax: options.upstreamConnectionsMax ?? 256,
      });
      upstreams.add(made);
      return {
        send: made.send,
        close: () => {
          upstreams.delete(made);
          return made.close();
        },
      };
    },
    close: async () => {
      await Promise.all([
        ...[...agents.values()].map((each) => each.destroy()),
        ...[...upstreams].map((each) => each.close()),
      ]);
      agents.clear();
      upstreams.clear();
    },
  };
}
