// `fetch` over a transport that checks: redirects followed one by one, credentials kept at home, time and size limited.
// Owns what holds at every hop, on every runtime. Must never hand the transport a hop that it did not open by its URL.
import { AppError } from '../model/error.ts';
import type { Bypass, SafeFetch, SafeFetchInit } from './egress.ts';
import { failureText } from './failure-text.ts';
import { readInput, redirectModeOf, type SendableBody, signalOf, urlOf } from './fetch-input.ts';
import { type HopAnswer, limitedResponse } from './limited-response.ts';
import { isRedirect, keepsHeader, redirectStep } from './redirects.ts';
import { rejection, startTimeLimit, type TimeLimit } from './time-limit.ts';

export interface Hop {
  readonly method: string;
  readonly headers: Headers;
  readonly body: SendableBody;
  readonly signal: AbortSignal;
}

export interface Opened {
  readonly url: URL;
  /** The operator's list has its origin: it was not checked, lifted or not. */
  readonly listed: boolean;
  send(hop: Hop): Promise<HopAnswer>;
}

export interface Transport {
  /** Checks a URL (not its address when `lifted`) and says how to get there. Throws AppError egress_denied | invalid_request. */
  open(url: string, lifted: boolean): Opened;
  readonly connectTimeoutMs: number;
}

export interface FetchRules {
  /** False lifts the address rules for every hop of every call. */
  readonly ssrf: boolean;
  readonly onBypass: (bypass: Bypass) => void;
  readonly timeoutMs: number;
  readonly responseBytesMax: number;
}

export const TIMEOUT_MS = 30_000;
export const RESPONSE_BYTES_MAX = 10 * 1024 * 1024;
export const CONNECT_TIMEOUT_MS = 10_000;
/** As browsers do. */
const REDIRECTS_MAX = 20;

export function guardedFetch(transport: Transport, rules: FetchRules): SafeFetch {
  return async (input, init = {}) => {
    const lifted = !rules.ssrf || init.allowInternalRequests === true;
    const url = urlOf(input);
    // Before anything of the input is read, so that a refused call costs nothing.
    const { host } = transport.open(url, lifted).url;
    const timeoutMs = init.timeoutMs ?? rules.timeoutMs;
    const limit = startTimeLimit(
      timeoutMs,
      `no complete answer from ${host} within ${timeoutMs} ms`,
      signalOf(input, init),
    );
    try {
      return await Promise.race([follow(transport, rules, input, init, limit), rejection(limit.signal)]);
    } catch (error) {
      limit.stop();
      throw error;
    }
  };
}

async function follow(
  transport: Transport,
  rules: FetchRules,
  input: string | URL | Request,
  init: SafeFetchInit,
  limit: TimeLimit,
): Promise<Response> {
  const mode = redirectModeOf(input, init);
  let lifted = !rules.ssrf || init.allowInternalRequests === true;
  let to = urlOf(input);
  let hop: Hop = { ...(await readInput(input, init)), signal: limit.signal };
  for (let redirects = 0; ; redirects += 1) {
    limit.signal.throwIfAborted();
    const { url, listed, send } = transport.open(to, lifted);
    if (lifted || listed) rules.onBypass({ origin: url.origin, reason: doorOf(rules, lifted) });
    const answer = await send(hop).catch((error: unknown) => {
      throw failure(error, url, limit, transport.connectTimeoutMs);
    });
    const location = isRedirect(answer.status) && mode !== 'manual' ? answer.headers.get('location') : null;
    if (location === null) {
      const bytesMax = init.responseBytesMax ?? rules.responseBytesMax;
      return limitedResponse(answer, { url, redirected: redirects > 0 }, bytesMax, limit.stop);
    }
    // An unread body would keep its connection; nobody wants what stands in it.
    answer.body?.cancel().catch(() => undefined);
    if (mode === 'error') throw new TypeError(`${url.host} answered with a redirect, which is not wanted here`);
    if (redirects === REDIRECTS_MAX)
      throw new TypeError(`more than ${REDIRECTS_MAX} redirects, the last at ${url.host}`);
    const step = redirectStep(answer.status, hop.method, url, location);
    if (step.url === null) throw new TypeError(`${url.host} redirected to what is no URL`);
    // Whoever lifted the rules trusted this one origin; what it sends us to elsewhere was chosen by somebody else.
    lifted = !rules.ssrf || (lifted && !step.crossesOrigin);
    to = step.url.href;
    hop = nextHop(hop, (name) => keepsHeader(name, step), step.toGet);
  }
}

function doorOf({ ssrf }: FetchRules, lifted: boolean): Bypass['reason'] {
  if (!ssrf) return 'ssrf: false';
  return lifted ? 'allowInternalRequests' : 'allowOrigins';
}

function nextHop(hop: Hop, keeps: (name: string) => boolean, toGet: boolean): Hop {
  if (!toGet && hop.body instanceof ReadableStream) throw new TypeError('a streamed body cannot be sent a second time');
  const headers = new Headers([...hop.headers].filter(([name]) => keeps(name)));
  return toGet ? { ...hop, method: 'GET', headers, body: null } : { ...hop, headers };
}

function failure(error: unknown, url: URL, limit: TimeLimit, connectTimeoutMs: number): unknown {
  if (limit.signal.aborted) return limit.signal.reason;
  // `fetch` wraps what went wrong: a refusal by the connector is found inside.
  let cause = error;
  for (let depth = 0; depth < 5 && cause instanceof Error; depth += 1) {
    if (cause instanceof AppError) return cause;
    if (!(cause.cause instanceof Error)) break;
    cause = cause.cause;
  }
  return new TypeError(failureText(cause, url, { connectTimeoutMs, silenceMs: 0 }), { cause });
}
