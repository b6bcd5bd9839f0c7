// The HTTP system task: one request by a workflow, through the egress door. Owns how task input becomes a request and
// an answer becomes output. Must never throw, and never opens a connection itself.
import type { Egress, OutboundResponse } from '../../egress/egress.ts';
import { shortenText } from '../../model/cut-text.ts';
import { AppError } from '../../model/error.ts';
import { Json, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { InProcessResult, InProcessWorker } from '../../orchestrator/ports.ts';
import { type HttpTaskRequest, readHttpTaskInput } from './http-task-input.ts';

export interface HttpWorkerOptions {
  /** Requests under way at a time; 64 by default. */
  readonly concurrency?: number;
  /** A larger response fails the task; 10 MB by default. */
  readonly responseBytesMax?: number;
}

const RESPONSE_BYTES_MAX = 10 * 1024 * 1024;
/** An error page in full would be stored twice with the task: in its reason and in its output. */
const SHOWN_BODY_LENGTH_MAX = 2_000;

export function createHttpWorker(egress: Egress, options: HttpWorkerOptions = {}): InProcessWorker {
  const responseBytesMax = options.responseBytesMax ?? RESPONSE_BYTES_MAX;

  async function call(request: HttpTaskRequest, signal: AbortSignal): Promise<InProcessResult> {
    try {
      const { asyncComplete, ...outbound } = request;
      return resultOf(await egress.request({ ...outbound, responseBytesMax, signal }), asyncComplete);
    } catch (error) {
      const message = error instanceof Error ? error.message : 'the request failed';
      // An address that is not allowed now is not allowed at the next attempt either.
      return failure(message, error instanceof AppError && !error.retryable);
    }
  }

  return {
    queue: 'HTTP',
    concurrency: options.concurrency ?? 64,
    execute: async (task, run, input, stop) => {
      const read = readHttpTaskInput(input.object, run.id, task.ref);
      return read.ok ? call(read.request, stop.signal) : refusal(read.reason);
    },
  };
}

function resultOf(response: OutboundResponse, asyncComplete: boolean): InProcessResult {
  if (response.status >= 400) {
    const status = `${response.status} ${response.statusText}`.trim();
    return failure(
      `${status}: ${response.body === '' ? '[no body]' : JSON.stringify(shortenText(response.body, SHOWN_BODY_LENGTH_MAX))}`,
      false,
    );
  }
  const headers: JsonObject = Object.fromEntries(
    Object.entries(response.headers).map(([name, values]) => [name, [...values]]),
  );
  const output: JsonObject = {
    response: {
      statusCode: response.status,
      reasonPhrase: response.statusText,
      headers,
      body: bodyOf(response.body),
    },
  };
  return { status: asyncComplete ? 'IN_PROGRESS' : 'COMPLETED', output: Json.of(output), reason: null };
}

/** Objects and lists parsed, a lone number as a number, any other lone JSON value and all else as text. */
function bodyOf(text: string): JsonValue {
  if (text === '') return null;
  const value = parsed(text);
  if (value === undefined) return text;
  if (typeof value === 'object' && value !== null) return value;
  return typeof value === 'number' ? value : String(value);
}

function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** Worded as Conductor words it: definitions and alerts match on this text. */
function failure(message: string, terminal: boolean): InProcessResult {
  const text = `java.lang.Exception: ${message}`;
  return {
    status: terminal ? 'FAILED_WITH_TERMINAL_ERROR' : 'FAILED',
    output: Json.of({ response: text }),
    reason: `Failed to invoke HTTP task due to: ${text}`,
  };
}

function refusal(reason: string): InProcessResult {
  return { status: 'FAILED_WITH_TERMINAL_ERROR', output: Json.of({}), reason };
}
