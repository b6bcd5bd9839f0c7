// A finished execution's output as a reply: status, headers, redirect, format, raw. One place for triggers and for the
// execute API. Must never let a caller's text decide about anything but the body.
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { Reply } from '../route.ts';
import { formatOutput } from './formats.ts';
import {
  headerValue,
  OutputError,
  outputHeaders,
  outputStatus,
  redirectStatus,
  redirectTarget,
} from './header-rules.ts';

const JSON_TYPE = 'application/json';
const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+ *(;[\x20-\x7e]*)?$/;

/** For pages that say nothing of their own: no foreign scripts, none inline, no framing. */
export const HTML_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: https:; " +
    "font-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'strict-origin-when-cross-origin',
};

/** The output as a trigger sends it. Throws OutputError. */
export function renderOutput(output: JsonValue, response: JsonObject): Reply {
  if (Object.keys(response).length === 0) return { status: 200, contentType: JSON_TYPE, body: JSON.stringify(output) };
  const sent = renderAlone(output, response);
  if (sent) return sent;
  const { 'content-type': given, ...headers } = outputHeaders(response.headers);
  const status = outputStatus(response.status, 200);
  if (isJsonObject(response.format)) {
    const { contentType, text } = formatOutput(output, response.format);
    return textReply(text, given ?? contentType, status, headers);
  }
  if (isEmpty(status)) return { status, headers };
  return { status, headers, contentType: mediaType(given ?? JSON_TYPE), body: JSON.stringify(output) };
}

/** Redirects and raw bodies, which go out alone on every route; null for everything else. Throws OutputError. */
export function renderAlone(output: JsonValue, response: JsonObject): Reply | null {
  const { redirect, raw } = response;
  if (isJsonObject(redirect)) {
    const location = redirectTarget(redirect.url);
    return { status: redirectStatus(redirect.status), headers: { ...outputHeaders(response.headers), location } };
  }
  if (raw !== true) return null;
  const { 'content-type': given, ...headers } = outputHeaders(response.headers);
  const status = outputStatus(response.status, 200);
  if (typeof output === 'string') return textReply(output, given ?? 'text/plain; charset=utf-8', status, headers);
  const page = asPage(output);
  if (page) {
    const own = { ...outputHeaders(page.headers), ...headers };
    return textReply(page.text, given ?? page.contentType, outputStatus(response.status ?? page.status, 200), own);
  }
  return textReply(JSON.stringify(output), given ?? JSON_TYPE, status, headers);
}

interface Page {
  readonly text: string;
  readonly contentType: string;
  readonly status: JsonValue | undefined;
  readonly headers: JsonValue | undefined;
}

/** `{html | body, contentType}`: how an agent says what its text is. */
function asPage(output: JsonValue): Page | null {
  if (!isJsonObject(output) || typeof output.contentType !== 'string') return null;
  const text = output.html ?? output.body;
  const { contentType, status, headers } = output;
  return typeof text === 'string' ? { text, contentType, status, headers } : null;
}

function textReply(text: string, type: string, status: number, headers: Readonly<Record<string, string>>): Reply {
  if (isEmpty(status)) return { status, headers };
  const contentType = mediaType(type);
  const isHtml = /^(text\/html|application\/xhtml\+xml|image\/svg\+xml)/i.test(contentType);
  return { status, contentType, body: text, headers: isHtml ? { ...HTML_HEADERS, ...headers } : headers };
}

function mediaType(type: string): string {
  if (!MEDIA_TYPE.test(type))
    throw new OutputError('INVALID_HEADER', 'The output has a content type that cannot be one.');
  return headerValue('content-type', type);
}

function isEmpty(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}
