// One outward request of an agent, tried again as told. Owns time and size limits, what is worth another attempt, and
// how long to wait for it. Must never use another door than `context.fetch`, nor repeat what was refused by a rule.
import { AppError } from '../../model/error.ts';
import { AgentError, type OperationContext } from '../operation.ts';
import { wait } from '../wait.ts';
import type { OutboundCall } from './call.ts';

export interface Persistence {
  readonly retries: number;
  /** Before the first retry; doubled each time. */
  readonly retryDelayMs: number;
  /** For each attempt, its body included. */
  readonly timeoutMs: number;
}

export interface Answer {
  /** Where redirects led to. */
  readonly url: string;
  readonly status: number;
  readonly statusText: string;
  readonly headers: Record<string, string>;
  readonly text: string;
  /** From 1. */
  readonly attempt: number;
}

const BODY_BYTES_MAX = 10 * 1024 * 1024;
const RETRY_DELAY_MS_MAX = 30_000;

/** Any status is an answer. Throws AgentError when there is none: not retryable where an address rule refused it. */
export async function send(context: OperationContext, call: OutboundCall, persistence: Persistence): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    const last = attempt > persistence.retries;
    try {
      const answer = { ...(await once(context, call, persistence.timeoutMs)), attempt };
      if (last || !isWorthRetrying(answer.status)) return answer;
      await wait(delayMs(persistence, attempt, answer.headers['retry-after']), context.signal);
    } catch (error) {
      context.signal.throwIfAborted();
      if (last || (error instanceof AgentError && !error.retryable)) throw error;
      await wait(delayMs(persistence, attempt, undefined), context.signal);
    }
  }
}

/** The server is busy or broken for now; any other refusal stays one. */
export function isWorthRetrying(status: number): boolean {
  return status === 429 || status >= 500;
}

async function once(
  context: OperationContext,
  call: OutboundCall,
  timeoutMs: number,
): Promise<Omit<Answer, 'attempt'>> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([context.signal, timeout]);
  try {
    const { method, headers, body } = call;
    // Its own limits end later than ours, which say it in words of ours.
    const limits = { timeoutMs: timeoutMs + 1_000, responseBytesMax: BODY_BYTES_MAX + 1 };
    const response = await context.fetch(call.url, { method, headers, body, signal, ...limits });
    const text = await readBody(response);
    const { status, statusText } = response;
    return { url: response.url || call.url, status, statusText, headers: Object.fromEntries(response.headers), text };
  } catch (error) {
    context.signal.throwIfAborted();
    if (timeout.aborted) throw new AgentError(`no complete answer from ${hostOf(call.url)} within ${timeoutMs} ms`);
    throw failure(error, call.url);
  }
}

async function readBody(response: Response): Promise<string> {
  if (response.body === null) return '';
  const decoder = new TextDecoder(charsetOf(response.headers.get('content-type') ?? ''));
  let bytes = 0;
  let text = '';
  // Leaving the loop early cancels the stream, and the connection with it.
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > BODY_BYTES_MAX) {
      throw new AgentError(`the response of ${hostOf(response.url)} is larger than ${BODY_BYTES_MAX} bytes`, false);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function charsetOf(contentType: string): string {
  const named = /charset\s*=\s*"?([\w-]+)/i.exec(contentType)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(named).encoding;
  } catch {
    return 'utf-8';
  }
}

function failure(error: unknown, url: string): AgentError {
  if (error instanceof AgentError) return error;
  if (error instanceof AppError) return because(new AgentError(error.message, error.retryable), error);
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  // A rule may refuse a redirect in the middle of a request: then it is the cause of what fetch throws.
  if (cause instanceof AppError) return because(new AgentError(cause.message, cause.retryable), cause);
  const reason = cause instanceof Error ? cause.message : String(cause);
  return because(new AgentError(`the request to ${hostOf(url)} failed: ${reason}`), error);
}

function because(error: AgentError, cause: unknown): AgentError {
  error.cause = cause;
  return error;
}

function delayMs({ retryDelayMs }: Persistence, attempt: number, retryAfter: string | undefined): number {
  const askedMs = retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1000 : 0;
  return Math.min(RETRY_DELAY_MS_MAX, Math.max(askedMs, retryDelayMs * 2 ** (attempt - 1)));
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the address';
}
