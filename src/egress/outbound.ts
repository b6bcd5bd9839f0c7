// One request by a user-given URL, redirects included. Owns what is checked at every hop and what is carried over to
// the next. Must never send a hop whose URL was not checked, nor a credential to an origin it was not meant for.
import { type Dispatcher, request as undiciRequest } from 'undici';
import { AppError } from '../model/error.ts';
import type { OutboundRequest, OutboundResponse } from './egress.ts';
import { codeOf } from './upstream.ts';

export interface Door {
  /** Checks a URL and says through which agent to go. Throws AppError egress_denied | invalid_request. */
  open(url: string, connectTimeoutMs: number): { readonly url: URL; readonly dispatcher: Dispatcher };
}

interface Hop {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | null;
}

const REDIRECTS_MAX = 5;
const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308]);
const CREDENTIAL_HEADERS = new Set(['authorization', 'cookie', 'x-api-key', 'proxy-authorization', 'x-authorization']);
const BODY_HEADERS = new Set(['content-type', 'content-encoding', 'content-language', 'content-location']);
/**
 * Set by the connection itself. A Host of the caller's choice would reach another site behind the checked address, and
 * an Accept-Encoding would bring a body that nobody unpacks.
 */
const CONNECTION_HEADERS = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export async function requestOutside(door: Door, outbound: OutboundRequest): Promise<OutboundResponse> {
  const stop = new AbortController();
  const cancel = () => stop.abort(new Error('the request was cancelled'));
  const timer = setTimeout(
    () => stop.abort(new Error(`no complete answer from ${hostOf(outbound.url)} within ${outbound.timeoutMs} ms`)),
    outbound.timeoutMs,
  );
  outbound.signal.addEventListener('abort', cancel, { once: true });
  if (outbound.signal.aborted) cancel();
  try {
    // A request that still waits for its connection does not hear the signal, hence the race.
    return await Promise.race([follow(door, outbound, stop.signal), rejection(stop.signal)]);
  } finally {
    clearTimeout(timer);
    outbound.signal.removeEventListener('abort', cancel);
    stop.abort();
  }
}

async function follow(door: Door, outbound: OutboundRequest, signal: AbortSignal): Promise<OutboundResponse> {
  let hop: Hop = { ...outbound, method: outbound.method.toUpperCase(), headers: sendable(outbound.headers) };
  for (let redirects = 0; ; redirects += 1) {
    signal.throwIfAborted();
    const { url, dispatcher } = door.open(hop.url, outbound.connectTimeoutMs);
    const answer = await send(hop, url, dispatcher, outbound, signal);
    const { location } = answer.headers;
    if (!REDIRECT_STATUSES.has(answer.statusCode) || typeof location !== 'string') {
      return await readAnswer(answer, outbound.responseBytesMax, url);
    }
    // An unread body would keep its connection; nobody wants what stands in it.
    answer.body.on('error', () => undefined).destroy();
    if (redirects === REDIRECTS_MAX)
      throw new Error(`more than ${REDIRECTS_MAX} redirects from ${hostOf(outbound.url)}`);
    hop = nextHop(hop, url, answer.statusCode, location);
  }
}

async function send(hop: Hop, url: URL, dispatcher: Dispatcher, outbound: OutboundRequest, signal: AbortSignal) {
  const silenceMs = outbound.readTimeoutMs ?? outbound.timeoutMs;
  try {
    return await undiciRequest(url, {
      dispatcher,
      method: hop.method as Dispatcher.HttpMethod,
      headers: hop.headers,
      body: hop.body,
      signal,
      headersTimeout: silenceMs,
      bodyTimeout: silenceMs,
    });
  } catch (error) {
    throw readable(error, url, outbound);
  }
}

async function readAnswer(answer: Dispatcher.ResponseData, bytesMax: number, url: URL): Promise<OutboundResponse> {
  const tooLarge = new Error(`the response of ${url.host} is larger than ${bytesMax} bytes`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  if (Number(answer.headers['content-length'] ?? 0) > bytesMax) {
    answer.body.on('error', () => undefined).destroy();
    throw tooLarge;
  }
  try {
    // Leaving the loop early destroys the body, and the connection with it.
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) throw tooLarge;
      chunks.push(chunk);
    }
  } catch (error) {
    throw error === tooLarge ? error : new Error(`the response of ${url.host} broke off`);
  }
  const headers: Record<string, readonly string[]> = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined) headers[name] = typeof value === 'string' ? [value] : value;
  }
  return {
    status: answer.statusCode,
    statusText: answer.statusText,
    headers,
    body: decode(chunks, headers['content-type']?.[0] ?? ''),
  };
}

function nextHop(hop: Hop, from: URL, status: number, location: string): Hop {
  const to = URL.canParse(location, from.href) ? new URL(location, from.href) : null;
  // What is no URL is refused by the check of the next hop, which says so.
  const url = to?.href ?? location;
  const toGet = status === 303 ? hop.method !== 'HEAD' : (status === 301 || status === 302) && hop.method === 'POST';
  const sameOrigin = to?.origin === from.origin;
  const headers = without(hop.headers, (name) => {
    return (!sameOrigin && CREDENTIAL_HEADERS.has(name)) || (toGet && BODY_HEADERS.has(name));
  });
  return toGet ? { url, method: 'GET', headers, body: null } : { ...hop, url, headers };
}

function sendable(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept = without(headers, (name) => CONNECTION_HEADERS.has(name));
  const named = Object.keys(kept).some((name) => name.toLowerCase() === 'user-agent');
  return named ? kept : { ...kept, 'user-agent': 'conductor' };
}

function without(headers: Readonly<Record<string, string>>, drops: (name: string) => boolean): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !drops(name.toLowerCase())));
}

function decode(chunks: readonly Uint8Array[], contentType: string): string {
  const charset = /charset\s*=\s*"?([\w-]+)/i.exec(contentType)?.[1] ?? 'utf-8';
  const bytes = Buffer.concat(chunks);
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return new TextDecoder().decode(bytes);
  }
}

/** Errors as a user can act on them: which host, what happened. */
function readable(error: unknown, url: URL, outbound: OutboundRequest): Error {
  if (error instanceof AppError || !(error instanceof Error))
    return error instanceof Error ? error : new Error('failed');
  const silenceMs = outbound.readTimeoutMs ?? outbound.timeoutMs;
  switch (codeOf(error)) {
    case 'UND_ERR_CONNECT_TIMEOUT':
      return new Error(`no connection to ${url.host} within ${outbound.connectTimeoutMs} ms`);
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return new Error(`no answer from ${url.host} within ${silenceMs} ms`);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new Error(`the host name ${url.hostname} could not be resolved`);
    case 'ECONNREFUSED':
      return new Error(`connection refused by ${url.host}`);
    case 'UND_ERR_SOCKET':
    case 'ECONNRESET':
      return new Error(`the connection to ${url.host} was closed before an answer`);
    default:
      return new Error(`the request to ${url.host} failed: ${error.message}`);
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the address';
}
