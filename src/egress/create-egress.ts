// Puts the door together: agents by how long a connection may take, one kept-alive pool per vendor.
// Must be the only place outside of tests that makes an agent or a pool.
import { Agent, type Dispatcher } from 'undici';
import { parseHttpUrl, validateURL } from './address-rules.ts';
import { guardedConnector, openConnector, type ResolveHost, resolveHost } from './connector.ts';
import type { Egress, Upstream } from './egress.ts';
import { type Door, requestOutside } from './outbound.ts';
import { createUpstream } from './upstream.ts';

export { isURLSafe, validateURL } from './address-rules.ts';

export interface EgressOptions {
  /**
   * Origins (`https://host:port`) to which the address rules do not apply. Operator configuration, asked for at every
   * request, so that the server can add its own once it knows its port.
   */
  readonly allowOrigins?: () => readonly string[];
  /** All addresses of a host name; the system's resolver by default. */
  readonly resolve?: ResolveHost;
  /** Connections to one vendor at a time. */
  readonly upstreamConnectionsMax?: number;
  readonly upstreamConnectTimeoutMs?: number;
}

/** An agent's connect timeout is fixed, so a wanted one is rounded up to the next of these. */
const CONNECT_TIMEOUTS_MS = [250, 500, 1_000, 2_000, 3_000, 5_000, 10_000, 30_000, 60_000];
const CONNECT_TIMEOUT_MS_MAX = 60_000;

/** Nothing is opened before the first request. Throws at construction of an upstream whose origin is no HTTP URL. */
export function createEgress(options: EgressOptions = {}): Egress {
  const resolve = options.resolve ?? resolveHost;
  const agents = new Map<string, Agent>();
  const upstreams = new Set<Upstream>();

  function agent(allowed: boolean, wantedMs: number): Dispatcher {
    const timeoutMs = CONNECT_TIMEOUTS_MS.find((step) => step >= wantedMs) ?? CONNECT_TIMEOUT_MS_MAX;
    const key = `${allowed}:${timeoutMs}`;
    const known = agents.get(key);
    if (known !== undefined) return known;
    const connect = allowed ? openConnector(resolve, timeoutMs) : guardedConnector(resolve, timeoutMs);
    const made = new Agent({ connect });
    agents.set(key, made);
    return made;
  }

  const door: Door = {
    open: (text, connectTimeoutMs) => {
      const parsed = parseHttpUrl(text);
      const allowed = isAllowed(parsed.origin, options.allowOrigins?.() ?? []);
      const url = validateURL(parsed, allowed);
      return { url, dispatcher: agent(allowed, connectTimeoutMs) };
    },
  };

  return {
    request: (outbound) => requestOutside(door, outbound),
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

function isAllowed(origin: string, allowOrigins: readonly string[]): boolean {
  return allowOrigins.some(
    (allowed) => allowed === origin || (URL.canParse(allowed) && new URL(allowed).origin === origin),
  );
}
