// `safeFetch` where there are sockets: each hop goes through an agent whose connector resolves, checks and pins.
// Must never reach the network by another way than the agents it is given.
import { type BodyInit, type Dispatcher, fetch as undiciFetch } from 'undici';
import type { SafeFetch } from './egress.ts';
import { CONNECT_TIMEOUT_MS, type FetchRules, guardedFetch, type Hop, type Opened } from './guarded-fetch.ts';

/** Checks a URL and says through which agent to go. Throws AppError egress_denied | invalid_request. */
export type OpenUrl = (url: string, lifted: boolean) => Omit<Opened, 'send'> & { readonly dispatcher: Dispatcher };

export function createSafeFetch(open: OpenUrl, rules: FetchRules): SafeFetch {
  return guardedFetch(
    {
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      open: (text, lifted) => {
        const { url, listed, dispatcher } = open(text, lifted);
        return { url, listed, send: (hop) => send(hop, url, dispatcher) };
      },
    },
    rules,
  );
}

function send(hop: Hop, url: URL, dispatcher: Dispatcher) {
  const body: BodyInit | null = hop.body;
  return undiciFetch(url, {
    dispatcher,
    method: hop.method,
    headers: [...hop.headers],
    body,
    signal: hop.signal,
    redirect: 'manual',
    duplex: 'half',
  });
}
