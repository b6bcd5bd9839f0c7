// One call to a vendor and what came of it, as a value. Owns the reading of answers: bounded, and with the secret cut out
// should a vendor ever echo it. Must never decide about money.
import type { HeaderLookup } from '../../access/access.ts';
import { type Upstream, UpstreamError, type UpstreamRequest, type UpstreamResponse } from '../../egress/egress.ts';
import { isJsonObject, type JsonObject } from '../../model/json.ts';
import type { Vendor } from '../vendors/vendor.ts';
import { scrubStream, scrubText } from './scrub.ts';

/** stripe-node's own default: nobody waits longer. */
export const VENDOR_TIMEOUT_MS = 80_000;
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
/** Answers up to this size are read whole before they are passed on. */
const BUFFERED_BYTES_MAX = 64 * 1024;
/** Keeps nothing between two texts; making one costs more than using it. */
const decoder = new TextDecoder();

export interface Answer {
  readonly status: number;
  readonly header: HeaderLookup;
  /** What goes back to the caller. */
  readonly headers: readonly (readonly [string, string])[];
  readonly content: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Undefined when the content is streamed or is no JSON object. */
  readonly body: JsonObject | undefined;
}

export type Outcome =
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** The vendor cannot have seen the call. */
  | { readonly kind: 'unsent' }
  /** Nobody knows whether the vendor acted. */
  | { readonly kind: 'unknown' };

export interface VendorRequest {
  readonly vendor: Vendor;
  readonly upstream: Upstream;
  readonly secret: string;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: string | null;
  /** A large answer may be passed on as it comes. */
  readonly mayStream: boolean;
}

export async function ask(request: VendorRequest): Promise<Outcome> {
  const sent: UpstreamRequest = {
    method: request.method,
    path: request.path,
    headers: request.headers,
    body: request.body,
    timeoutMs: VENDOR_TIMEOUT_MS,
  };
  try {
    const answer = read(await request.upstream.send(sent), request);
    return { kind: 'answer', answer: answer instanceof Promise ? await answer : answer };
  } catch (error) {
    return { kind: error instanceof UpstreamError && !error.sent ? 'unsent' : 'unknown' };
  }
}

function read(response: UpstreamResponse, request: VendorRequest): Answer | Promise<Answer> {
  const header = lookup(response.headers);
  const length = Number(header('content-length') ?? Number.NaN);
  const small = length <= BUFFERED_BYTES_MAX || response.status >= 300;
  if (request.mayStream && !small) {
    const headers = passedBack(response.headers, request);
    const content = scrubStream(response.body, request.secret);
    return { status: response.status, header, headers, content, body: undefined };
  }
  const bytes = length <= BUFFERED_BYTES_MAX ? response.body.bytes() : collect(response.body);
  if (bytes instanceof Uint8Array) return whole(response, header, bytes, request);
  return bytes.then((read) => whole(response, header, read, request));
}

function whole(
  { status, headers: sent }: UpstreamResponse,
  header: HeaderLookup,
  bytes: Uint8Array,
  request: VendorRequest,
): Answer {
  const headers = passedBack(sent, request);
  const text = decoder.decode(bytes);
  // The bytes themselves go back unless something had to be cut out of them. ASCII is the same either way, and a
  // string leaves in one write with its headers.
  const same = text.length === bytes.length ? text : bytes;
  const content = text.includes(request.secret) ? scrubText(text, request.secret) : same;
  return { status, header, headers, content, body: parse(text) };
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > ANSWER_BYTES_MAX) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  const [only] = chunks;
  if (only && chunks.length === 1) return only;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function parse(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function lookup(headers: UpstreamResponse['headers']): HeaderLookup {
  return (name) => {
    const value = headers[name];
    return typeof value === 'string' ? value : value?.[0];
  };
}

function passedBack(headers: UpstreamResponse['headers'], { vendor, secret }: VendorRequest): [string, string][] {
  const passed: [string, string][] = [];
  for (const name of Object.keys(headers)) {
    if (!vendor.passesBack(name)) continue;
    const value = headers[name] ?? [];
    if (typeof value === 'string') passed.push([name, scrubText(value, secret)]);
    else for (const text of value) passed.push([name, scrubText(text, secret)]);
  }
  return passed;
}
