// Writes replies of the dispatcher and of the vault to a node:http response. Must never throw because a caller has
// gone, and never leave a vendor's stream half read: the vault settles at its end.
import type { ServerResponse } from 'node:http';
import type { Reply } from '../../http/route.ts';
import { SECURITY_HEADERS } from '../../http/security-headers.ts';
import type { ProxyReply } from '../../vault/proxy-api.ts';

const SECURITY = Object.entries(SECURITY_HEADERS).flat();

/** The same status, headers and bytes that Hono's mount gives. */
export async function writeReply(response: ServerResponse, reply: Reply, requestId: string): Promise<void> {
  const { body, contentType, status } = reply;
  // A header that is set twice would be sent twice, so a reply's own (a cache-control) must take the place of ours.
  const headers = reply.headers
    ? Object.entries({ ...SECURITY_HEADERS, 'x-request-id': requestId, ...reply.headers }).flat()
    : [...SECURITY, 'x-request-id', requestId];
  if (body === undefined || body === '') {
    if (contentType !== undefined) headers.push('content-type', contentType);
    // Without a length a client would wait for chunks; a 204 must have none, and that of a 304 would be another's.
    if (status !== 204 && status !== 304) headers.push('content-length', '0');
    response.writeHead(status, headers).end();
    return;
  }
  if (contentType !== undefined) headers.push('content-type', contentType);
  if (typeof body === 'string' || body instanceof Uint8Array) {
    headers.push('content-length', String(Buffer.byteLength(body)));
    response.writeHead(status, headers).end(body);
    return;
  }
  response.writeHead(status, headers);
  await pump(response, body);
}

/** Header names may repeat (set-cookie), so they travel as a flat list; `setHeader` before it would fold them. */
export async function writeProxyReply(
  response: ServerResponse,
  reply: ProxyReply,
  raw: { readonly id: string; readonly method: string },
): Promise<void> {
  const { body, status } = reply;
  const headers: string[] = [];
  let hasLength = status === 204;
  for (const [name, value] of reply.headers) {
    headers.push(name, value);
    hasLength ||= name.toLowerCase() === 'content-length';
  }
  headers.push('x-request-id', raw.id);
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
    response.writeHead(status, headers);
    await pump(response, body);
    return;
  }
  const size = Buffer.byteLength(body);
  if (!hasLength) headers.push('content-length', String(size));
  response.writeHead(status, headers);
  if (raw.method === 'HEAD' || status === 204 || status === 304) response.end();
  // One byte per character is ASCII: said to be so, it is copied and not encoded, and leaves in one write with its head.
  else if (size === body.length) response.end(body, 'latin1');
  else response.end(body);
}

/** Reads to the end whether or not anybody listens; slows down for a slow reader, not for an absent one. */
async function pump(response: ServerResponse, body: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of body) {
      if (!response.destroyed && !response.write(chunk)) await drainedOrGone(response);
    }
    response.end();
  } catch {
    // The status line is out already: a broken connection is the one way left to say that the body is not whole.
    response.destroy();
  }
}

function drainedOrGone(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
    if (response.destroyed) done();
  });
}
