// How config and input become one outward request. Owns who may choose what: where the config names a URL, input gives
// no more than a body. Must never send a header that input named: a trigger's input holds its caller's credentials.
import { z } from 'zod';
import type { JsonValue } from '../../model/json.ts';
import { isJsonObject } from '../../model/json.ts';
import { jsonValue, loose } from '../../model/schema.ts';
import { AgentError } from '../operation.ts';
import { text } from '../read-values.ts';

export interface OutboundCall {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string | null;
}

export const Method = z
  .string()
  .transform((method) => method.toUpperCase())
  .pipe(z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']));

export const CallInput = z.object({
  url: text(),
  body: jsonValue().optional(),
  query: loose(z.record(z.string(), jsonValue())),
});

interface CallConfig {
  readonly url?: string | undefined;
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string | number | boolean | null>> | undefined;
  readonly body?: JsonValue | undefined;
}

/** Throws AgentError, not retryable, for a call that cannot be. */
export function outboundCall(config: CallConfig, input: z.infer<typeof CallInput>): OutboundCall {
  const base = config.url ?? input.url;
  if (base === undefined || base === '') {
    throw new AgentError('"url" is missing: give an absolute http(s) URL in the config, or in the input.', false);
  }
  if (!URL.canParse(base)) throw new AgentError('"url" is not an absolute http(s) URL.', false);
  const method = config.method ?? 'GET';
  const given = config.body ?? input.body ?? null;
  const bodyless = method === 'GET' || method === 'HEAD';
  if (bodyless && (config.body ?? null) !== null) throw new AgentError(`A ${method} request has no body.`, false);
  const headers = headersOf(config.headers ?? {});
  const body = bodyless ? null : bodyText(given);
  if (body !== null && typeof given !== 'string' && !headers.has('content-type')) {
    headers.set('content-type', 'application/json');
  }
  return { url: config.url === undefined ? withQuery(base, input.query) : base, method, headers, body };
}

function headersOf(record: Readonly<Record<string, string | number | boolean | null>>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(record)) {
    if (value === null) continue;
    try {
      headers.set(name, String(value));
    } catch {
      // Neither the name nor the value is shown: a secret with a line break in it ends here.
      throw new AgentError('config.headers: a name or value holds a character that no header may hold', false);
    }
  }
  return headers;
}

function bodyText(body: JsonValue): string | null {
  if (body === null || typeof body === 'string') return body;
  return JSON.stringify(body);
}

function withQuery(url: string, query: Readonly<Record<string, JsonValue>> | undefined): string {
  if (query === undefined || Object.keys(query).length === 0) return url;
  const whole = new URL(url);
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null) whole.searchParams.append(name, isJsonObject(each) ? JSON.stringify(each) : String(each));
    }
  }
  return whole.href;
}

/** Read as JSON where the answer says it is JSON; text otherwise. */
export function bodyOf(contentType: string | undefined, body: string): JsonValue {
  if (body === '') return null;
  if (!/^[^;]*[/+]json\s*(;|$)/i.test(contentType ?? '')) return body;
  try {
    const value: JsonValue = JSON.parse(body);
    return value;
  } catch {
    return body;
  }
}
