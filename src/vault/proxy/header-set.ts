// The request's headers, read once and strictly: what could be understood in two ways is refused before anything else
// looks at it. Owns the smuggling checks; must never join two values into one.
import type { HeaderLookup } from '../../access/access.ts';
import { Refusal } from './refusal.ts';

const HEADERS_MAX = 100;
/** One value, or none: everything that decides who calls, what is sent, or how it is framed. */
const SINGLE = new Set([
  'authorization',
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'host',
  'idempotency-key',
  'x-agent-run-id',
]);
const OVERRIDES = ['x-http-method-override', 'x-http-method', 'x-method-override'];

/** `single`: further header names of the vendor that decide something. Throws Refusal malformed_request. */
export function readHeaders(rawHeaders: readonly string[], single: (name: string) => boolean): HeaderLookup {
  if (rawHeaders.length > 2 * HEADERS_MAX) throw malformed(`more than ${HEADERS_MAX} headers; send fewer`);
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase();
    if (!values.has(name)) values.set(name, rawHeaders[i + 1] ?? '');
    else if (SINGLE.has(name) || single(name)) throw malformed(`the header ${name} came twice; send it once`);
  }
  const header: HeaderLookup = (name) => values.get(name);
  if (values.has('content-length') && values.has('transfer-encoding')) {
    throw malformed('both Content-Length and Transfer-Encoding are set; send one of them');
  }
  for (const name of OVERRIDES) {
    if (values.has(name)) throw malformed(`the header ${name} is not accepted; use the method itself`);
  }
  const encoding = header('content-encoding')?.trim().toLowerCase();
  if (encoding && encoding !== 'identity') throw malformed('the body is compressed; send it as it is');
  return header;
}

function malformed(what: string): Refusal {
  return new Refusal('malformed_request', `malformed_request: ${what}.`);
}
