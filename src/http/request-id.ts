// Names a request in replies and logs. Takes the caller's X-Request-Id when it is harmless, else makes one: a random
// prefix per process and a counter, because a UUID per request is not free on the hot path.
import type { HeaderLookup } from '../access/access.ts';

const HARMLESS = /^[A-Za-z0-9._-]{1,64}$/;

export function createRequestIds(): (header: HeaderLookup) => string {
  let prefix = '';
  let count = 0;
  return (header) => {
    const given = header('x-request-id');
    if (given !== undefined && HARMLESS.test(given)) return given;
    // Made at the first request: some runtimes forbid randomness while modules load.
    prefix ||= `req_${crypto.randomUUID().replaceAll('-', '').slice(0, 12)}`;
    count += 1;
    return `${prefix}_${count.toString(36)}`;
  };
}
