// Reads what `fetch` is called with: a URL, a string or a Request, and its init. Owns how a body becomes one that can
// be sent; never sends, never checks an address. The platform's own Request judges methods, headers and bodies.
import { setByConnection } from './redirects.ts';

export type SendableBody = Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;

export interface FetchInput {
  readonly method: string;
  readonly headers: Headers;
  readonly body: SendableBody;
}

type Input = string | URL | Request;

/** A Request does not tell whether its body was a stream. Up to here it is read ahead, has a length, and can be sent twice. */
const READ_AHEAD_BYTES_MAX = 1024 * 1024;

export function urlOf(input: Input): string {
  return isRequest(input) ? input.url : String(input);
}

export function redirectModeOf(input: Input, init: RequestInit): 'follow' | 'manual' | 'error' {
  const mode = init.redirect ?? (isRequest(input) ? input.redirect : 'follow');
  if (mode !== 'follow' && mode !== 'manual' && mode !== 'error') throw new TypeError(`no redirect mode: ${mode}`);
  return mode;
}

export function signalOf(input: Input, init: RequestInit): AbortSignal | null {
  return init.signal !== undefined ? init.signal : isRequest(input) ? input.signal : null;
}

/** Throws TypeError, as `fetch` does, for methods, headers and bodies that cannot be. */
export async function readInput(input: Input, init: RequestInit): Promise<FetchInput> {
  const from = isRequest(input) ? input : null;
  // Nobody would check it, and a check that is silently left out is worse than none.
  if (init.integrity || from?.integrity) throw new TypeError('integrity is not supported by safeFetch');
  const given = init.body ?? null;
  if (given === null && from?.bodyUsed) throw new TypeError('the body of the Request has been read already');
  const body = given ?? from?.body ?? null;
  // The URL is checked elsewhere; this one only holds the rest.
  const read = new Request('http://localhost/', {
    method: init.method ?? from?.method ?? 'GET',
    headers: init.headers ?? from?.headers ?? {},
    ...(body === null ? {} : { body, duplex: 'half' as const }),
  });
  return { method: read.method, headers: sendable(read.headers), body: await bodyOf(given, read) };
}

async function bodyOf(given: RequestInit['body'], read: Request): Promise<SendableBody> {
  if (read.body === null) return null;
  if (given === null || given === undefined) return readAhead(read.body);
  return isStream(given) ? read.body : new Uint8Array(await read.arrayBuffer());
}

async function readAhead(stream: ReadableStream<Uint8Array>): Promise<SendableBody> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  for (let bytes = 0; bytes <= READ_AHEAD_BYTES_MAX; ) {
    const { done, value } = await reader.read();
    if (done) return joined(chunks, bytes);
    chunks.push(value);
    bytes += value.byteLength;
  }
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const first = chunks.shift();
      if (first !== undefined) return controller.enqueue(first);
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function joined(chunks: readonly Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

function sendable(headers: Headers): Headers {
  const kept = new Headers();
  for (const [name, value] of headers) if (!setByConnection(name)) kept.append(name, value);
  if (!kept.has('user-agent')) kept.set('user-agent', 'conductor');
  return kept;
}

function isStream(body: unknown): boolean {
  return typeof body === 'object' && body !== null && (body instanceof ReadableStream || Symbol.asyncIterator in body);
}

/** By shape: a Request may come from another copy of the platform's classes. */
function isRequest(input: Input): input is Request {
  return typeof input === 'object' && input !== null && 'method' in input && 'headers' in input;
}
