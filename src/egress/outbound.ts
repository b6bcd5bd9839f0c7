// One request by a user-given URL, redirects included. Owns what is checked at every hop and what is carried over to
// the next. Must never send a hop whose URL was not checked, nor a credential to an origin it was not meant for.
import { type Dispatcher, request as undiciRequest } from 'undici';
import { AppError } from '../model/error.ts';
import type { OutboundRequest, OutboundResponse } from './egress.ts';
import { failureText } from './failure-text.ts';
import { isRedirect, keepsHeader, redirectStep, setByConnection } from './redirects.ts';
import { rejection } from './time-limit.ts';

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
    if (!isRedirect(answer.statusCode) || typeof location !== 'string') {
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
    if (error instanceof AppError) throw error;
    throw new Error(failureText(error, url, { connectTimeoutMs: outbound.connectTimeoutMs, silenceMs }));
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
  const step = redirectStep(status, hop.method, from, location);
  // What is no URL is refused by the check of the next hop, which says so.
  const url = step.url?.href ?? location;
  const headers = without(hop.headers, (name) => !keepsHeader(name, step));
  return step.toGet ? { url, method: 'GET', headers, body: null } : { ...hop, url, headers };
}

function sendable(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept = without(headers, setByConnection);
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

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the address';
}
