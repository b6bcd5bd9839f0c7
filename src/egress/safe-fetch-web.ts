// `safeFetch` for runtimes without sockets (workerd): the platform's own fetch, one hop at a time, every URL checked.
// Must import nothing that opens a socket or belongs to Node.
import { isAllowedOrigin, parseHttpUrl, validateURL } from './address-rules.ts';
import type { FetchForOptions, SafeFetch } from './egress.ts';
import {
  CONNECT_TIMEOUT_MS,
  type FetchRules,
  guardedFetch,
  type Hop,
  RESPONSE_BYTES_MAX,
  TIMEOUT_MS,
} from './guarded-fetch.ts';

export interface WebFetchOptions extends Partial<FetchForOptions> {
  /** Origins to which the address rules do not apply. */
  readonly allowOrigins?: () => readonly string[];
  /** The platform's fetch by default. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/**
 * As the `safeFetch` of a server, but for one thing: **names cannot be pinned here.** The platform resolves them itself, so
 * a public name whose address is private is refused only by the platform, never by us. Addresses in URLs, internal
 * names, protocols, redirects, credentials, size and time are held as everywhere.
 *
 * Throws what `SafeFetch` throws.
 */
export function createWebSafeFetch(options: WebFetchOptions = {}): SafeFetch {
  const platformFetch = options.fetch ?? ((url: string, init: RequestInit) => globalThis.fetch(url, init));
  const send = (hop: Hop, url: URL) =>
    platformFetch(url.href, {
      method: hop.method,
      headers: hop.headers,
      signal: hop.signal,
      redirect: 'manual',
      ...(hop.body === null ? {} : { body: hop.body, duplex: 'half' as const }),
    });
  const rules: FetchRules = {
    ssrf: options.ssrf ?? true,
    onBypass: options.onBypass ?? (() => undefined),
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    responseBytesMax: options.responseBytesMax ?? RESPONSE_BYTES_MAX,
  };
  return guardedFetch(
    {
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      open: (text, lifted) => {
        const parsed = parseHttpUrl(text);
        const listed = isAllowedOrigin(parsed.origin, options.allowOrigins?.() ?? []);
        const url = validateURL(parsed, lifted || listed, options.advice);
        return { url, listed, send: (hop) => send(hop, url) };
      },
    },
    rules,
  );
}
