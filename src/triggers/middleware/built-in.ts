// The middleware that comes along. Each looks at a finished reply and adds to it; none decides who may pass.
import { type Around, type Reply, withHeaders } from '../../http/route.ts';
import { vary } from '../reply-headers.ts';

/** Below this a compressed body is hardly smaller. */
const COMPRESS_BYTES_MIN = 1024;
const COMPRESSIBLE = /^(text\/|application\/(json|xml|javascript|x-yaml|.+\+(json|xml)))/i;

export function logger(log: (message: string, details: Readonly<Record<string, unknown>>) => void): Around {
  return async ({ id, method, path }, next) => {
    const startedMs = performance.now();
    const reply = await next();
    log('request', {
      requestId: id,
      method,
      path,
      status: reply.status,
      ms: Math.round(performance.now() - startedMs),
    });
    return reply;
  };
}

export const timing: Around = async (_call, next) => {
  const startedMs = performance.now();
  const reply = await next();
  return withHeaders(reply, { 'server-timing': `total;dur=${(performance.now() - startedMs).toFixed(1)}` });
};

const SECURE: Readonly<Record<string, string>> = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=15552000; includeSubDomains',
  'x-frame-options': 'DENY',
};

export const secureHeaders: Around = async (_call, next) => {
  const reply = await next();
  return { ...reply, headers: { ...SECURE, ...reply.headers } };
};

/** Indents JSON for who asks with `?pretty`. */
export const prettyJson: Around = async ({ query }, next) => {
  const reply = await next();
  if (!query.has('pretty') || typeof reply.body !== 'string' || !reply.contentType?.startsWith('application/json'))
    return reply;
  return { ...reply, body: JSON.stringify(JSON.parse(reply.body), null, 2) };
};

/** Answers 304 to who has the same bytes already. */
export const etag: Around = async ({ header, method }, next) => {
  const reply = await next();
  const bytes = bytesOf(reply);
  if (!bytes || reply.status !== 200 || (method !== 'GET' && method !== 'HEAD')) return reply;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const tag = `"${Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('')}"`;
  const asked = (header('if-none-match') ?? '').split(',').map((one) => one.trim().replace(/^W\//, ''));
  if (!asked.includes(tag) && !asked.includes('*')) return withHeaders(reply, { etag: tag });
  return { status: 304, headers: { ...reply.headers, etag: tag } };
};

export const compress: Around = async ({ header }, next) => {
  const reply = await next();
  const bytes = bytesOf(reply);
  if (!bytes || !COMPRESSIBLE.test(reply.contentType ?? '') || reply.headers?.['content-encoding']) return reply;
  const varied = vary(reply, ['Accept-Encoding']);
  if (
    bytes.byteLength < COMPRESS_BYTES_MIN ||
    !/\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(header('accept-encoding') ?? '')
  )
    return varied;
  const body = new Response(bytes).body?.pipeThrough(new CompressionStream('gzip'));
  if (!body) return varied;
  const packed = new Uint8Array(await new Response(body).arrayBuffer());
  return withHeaders({ ...varied, body: packed }, { 'content-encoding': 'gzip' });
};

/** Undefined for streams: what is not there yet cannot be looked at. */
function bytesOf({ body }: Reply): Uint8Array<ArrayBuffer> | undefined {
  if (typeof body === 'string') return new Uint8Array(new TextEncoder().encode(body));
  return body instanceof Uint8Array ? new Uint8Array(body) : undefined;
}
