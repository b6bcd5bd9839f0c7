// A request as an ensemble's input: query and body fields at the root, and beside them, always winning, the structured
// keys. Must never let a credential in: input is kept with the execution and shown in its history.
import { readTexts } from '../ensembles/input-fields.ts';
import { parseJson } from '../http/body.ts';
import type { HttpRequest } from '../http/route.ts';
import type { Ensemble } from '../model/ensemble.ts';
import { AppError } from '../model/error.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts';
import type { TriggerDeps } from './trigger-deps.ts';

/** Headers that ensembles may see. Not authorization, cookie, x-api-key, nor any signature. */
const HEADERS = [
  'accept',
  'accept-language',
  'cf-connecting-ip',
  'content-type',
  'idempotency-key',
  'if-none-match',
  'origin',
  'referer',
  'user-agent',
  'x-event-key',
  'x-forwarded-for',
  'x-github-delivery',
  'x-github-event',
  'x-gitlab-event',
  'x-request-id',
  'x-shopify-topic',
  'x-webhook-event',
  'x-webhook-id',
  'x-webhook-timestamp',
];
const CREDENTIAL_COOKIES = ['session_token', 'api_key'];
const UTF8 = new TextDecoder('utf-8', { fatal: true });

type Place = Pick<TriggerDeps, 'credentialCookies' | 'publicUrl'>;

/** Throws AppError malformed_json | invalid_request | payload_too_large. */
export async function readInput(
  request: HttpRequest,
  ensemble: Pick<Ensemble, 'inputs'>,
  type: 'http' | 'webhook',
  place: Place,
): Promise<JsonObject> {
  return inputOf(request, await readBody(request), ensemble, type, place);
}

function inputOf(
  request: HttpRequest,
  { body, isForm }: Body,
  { inputs }: Pick<Ensemble, 'inputs'>,
  type: 'http' | 'webhook',
  { credentialCookies = CREDENTIAL_COOKIES, publicUrl = '' }: Place,
): JsonObject {
  const hasQuery = request.target !== request.path;
  const query = hasQuery ? fromPairs(request.query) : {};
  const fields = isJsonObject(body) ? withoutPrototype(body) : {};
  return {
    ...(hasQuery ? readTexts(inputs, query) : undefined),
    ...(isForm ? readTexts(inputs, fields) : fields),
    body,
    params: { ...request.params },
    query,
    cookies: cookiesOf(request.header('cookie'), credentialCookies),
    method: request.method,
    path: request.path,
    headers: headersOf(request),
    url: `${publicUrl}${request.target}`,
    _triggerType: type,
  };
}

function headersOf({ header }: HttpRequest): JsonObject {
  const headers: JsonObject = {};
  for (const name of HEADERS) {
    const value = header(name);
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}

interface Body {
  /** Null when there is none. */
  readonly body: JsonValue;
  /** Its fields are texts, whatever they spell. */
  readonly isForm: boolean;
}

const NO_BODY: Body = { body: null, isForm: false };

async function readBody(request: HttpRequest): Promise<Body> {
  if (request.method === 'GET' || request.method === 'HEAD') return NO_BODY;
  const type = request.header('content-type') ?? '';
  const kind = (type.split(';')[0] ?? '').trim().toLowerCase();
  if (kind === 'application/json' || kind.endsWith('+json'))
    return { body: asJson(await request.text()), isForm: false };
  if (kind === 'application/x-www-form-urlencoded') {
    return { body: fromPairs(new URLSearchParams(await request.text())), isForm: true };
  }
  if (kind === 'multipart/form-data') return { body: await fromMultipart(await request.bytes(), type), isForm: true };
  const bytes = await request.bytes();
  if (bytes.byteLength === 0) return NO_BODY;
  try {
    return { body: UTF8.decode(bytes), isForm: false };
  } catch {
    throw new AppError(
      'invalid_request',
      'The body is neither JSON, a form nor UTF-8 text. Encode it, e.g. as base64.',
    );
  }
}

function asJson(text: string): JsonValue {
  const value = parseJson(text);
  return isJson(value) ? value : null;
}

/** What JSON.parse gives is JSON; only an empty body gives undefined. */
function isJson(value: unknown): value is JsonValue {
  return value !== undefined;
}

/** Text fields; files are left out, as no ensemble can hold them. */
async function fromMultipart(bytes: Uint8Array, type: string): Promise<JsonObject> {
  try {
    const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } }).formData();
    const fields = [...form.entries()].flatMap(([name, value]): [string, string][] =>
      typeof value === 'string' ? [[name, value]] : [],
    );
    return fromPairs(fields);
  } catch {
    throw new AppError('invalid_request', 'The body is not the multipart form that its Content-Type announces.');
  }
}

/** A name that comes more than once has a list. */
function fromPairs(pairs: Iterable<readonly [string, string]>): JsonObject {
  const found = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    const values = found.get(name);
    if (values) values.push(value);
    else found.set(name, [value]);
  }
  return withoutPrototype(
    Object.fromEntries(
      [...found].map(([name, values]): [string, JsonValue] => [name, values.length === 1 ? (values[0] ?? '') : values]),
    ),
  );
}

/** Members at the root are copied on by others, by assignment perhaps: this one would not be copied but obeyed. */
function withoutPrototype(given: JsonObject): JsonObject {
  if (!Object.hasOwn(given, '__proto__')) return given;
  return Object.fromEntries(Object.entries(given).filter(([name]) => name !== '__proto__'));
}

function cookiesOf(header: string | undefined, hidden: readonly string[]): JsonObject {
  if (header === undefined) return {};
  const pairs = header.split(';').flatMap((part): [string, string][] => {
    const at = part.indexOf('=');
    const name = part.slice(0, at).trim();
    return at < 1 || hidden.includes(name) ? [] : [[name, unquoted(part.slice(at + 1).trim())]];
  });
  return withoutPrototype(Object.fromEntries(pairs));
}

function unquoted(value: string): string {
  const bare = value.startsWith('"') && value.endsWith('"') && value.length > 1 ? value.slice(1, -1) : value;
  try {
    return decodeURIComponent(bare);
  } catch {
    return bare;
  }
}
