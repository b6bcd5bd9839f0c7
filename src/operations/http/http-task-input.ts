// Reads the input of an HTTP task: `http_request`, or the same keys at the top. Owns defaults and header precedence.
// Must never throw: input is data, a mistake in it is a reason.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { OutboundRequest } from '../../egress/egress.ts';
import { cutText } from '../../model/cut-text.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts';

export interface HttpTaskRequest extends Omit<OutboundRequest, 'responseBytesMax' | 'signal'> {
  /** The task stays open after the answer, until somebody reports it. */
  readonly asyncComplete: boolean;
}

export type HttpTaskInput =
  | { readonly ok: true; readonly request: HttpTaskRequest }
  | { readonly ok: false; readonly reason: string };

const TIMEOUT_MS = 3_000;
const TIMEOUT_MS_MAX = 3_600_000;
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const CHANGING_METHODS = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
const FORM = 'application/x-www-form-urlencoded';

export function readHttpTaskInput(input: JsonObject, workflowId: string, ref: string): HttpTaskInput {
  const fields = isJsonObject(input.http_request) ? input.http_request : input;
  const uri = textOf(fields.uri);
  if (uri === '') {
    return refuse('HTTP task: "uri" is missing. Give an absolute http(s) URL in inputParameters.http_request.uri.');
  }
  const method = textOf(fields.method).toUpperCase();
  if (method === '') {
    return refuse('HTTP task: "method" is missing. Give GET, POST, … in inputParameters.http_request.method.');
  }
  if (!METHODS.has(method)) return refuse(`HTTP task: method "${cutText(method, 40)}" is not supported.`);
  const headers = readHeaders(fields.headers);
  const body = fields.body ?? null;
  setDefault(headers, 'Accept', acceptOf(fields.accept));
  if (body !== null) setDefault(headers, 'Content-Type', textOf(fields.contentType) || 'application/json');
  if (CHANGING_METHODS.has(method)) setDefault(headers, 'Idempotency-Key', idempotencyKey(workflowId, ref));
  const connectTimeoutMs = timeoutOf(fields.connectionTimeOut);
  const readTimeoutMs = timeoutOf(fields.readTimeOut);
  return {
    ok: true,
    request: {
      url: uri,
      method,
      headers: Object.fromEntries(headers.values()),
      body: bodyText(body, headers.get('content-type')?.[1] ?? ''),
      connectTimeoutMs,
      readTimeoutMs,
      timeoutMs: connectTimeoutMs + readTimeoutMs,
      asyncComplete: fields.asyncComplete === true || fields.asyncComplete === 'true',
    },
  };
}

/**
 * The same for every attempt of a step of a run and for nothing else, so that a server that honours the header does a
 * retried request once. A digest, because reference names may hold what a header may not.
 */
export function idempotencyKey(workflowId: string, ref: string): string {
  return bytesToHex(sha256(utf8ToBytes(`${workflowId}\n${ref}`))).slice(0, 40);
}

/** By lower-case name, so that no header is sent twice however it is spelled. */
type Headers = Map<string, [name: string, value: string]>;

function readHeaders(value: JsonValue | undefined): Headers {
  const headers: Headers = new Map();
  if (!isJsonObject(value)) return headers;
  for (const [name, given] of Object.entries(value)) {
    if (given === null) continue;
    const parts = Array.isArray(given) ? given.filter((part) => part !== null) : [given];
    if (parts.length > 0) headers.set(name.toLowerCase(), [name, parts.map(plain).join(', ')]);
  }
  return headers;
}

function setDefault(headers: Headers, name: string, value: string): void {
  const key = name.toLowerCase();
  if (!headers.has(key)) headers.set(key, [name, value]);
}

function acceptOf(value: JsonValue | undefined): string {
  const listed = Array.isArray(value)
    ? value
        .map(textOf)
        .filter((part) => part !== '')
        .join(', ')
    : textOf(value);
  return listed === '' ? 'application/json' : listed;
}

function bodyText(body: JsonValue, contentType: string): string | null {
  if (body === null || typeof body === 'string') return body;
  if (isJsonObject(body) && contentType.toLowerCase().startsWith(FORM)) {
    return new URLSearchParams(
      Object.entries(body).map(([name, value]): [string, string] => [name, plain(value)]),
    ).toString();
  }
  return JSON.stringify(body);
}

function timeoutOf(value: JsonValue | undefined): number {
  const wanted = typeof value === 'number' || typeof value === 'string' ? Math.ceil(Number(value)) : 0;
  return wanted > 0 ? Math.min(wanted, TIMEOUT_MS_MAX) : TIMEOUT_MS;
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value.trim() : '';
}

function plain(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function refuse(reason: string): HttpTaskInput {
  return { ok: false, reason };
}
