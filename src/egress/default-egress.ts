// The door for code that imports the package without running a server: one per process, made when first used.
// Must never carry an operator's exceptions: those belong to the server that read them.
import { createEgress } from './create-egress.ts';
import type { Egress, SafeFetch } from './egress.ts';
import { warnOfBypass } from './tell-bypass.ts';

let door: Egress | undefined;

/**
 * `fetch` behind the address rules. Names are resolved once and the address pinned; every redirect (20 at most) is
 * checked again; Authorization, Cookie, Proxy-Authorization and X-API-Key are dropped when a redirect leaves the origin;
 * 30 seconds and 10 MB are the limits unless `timeoutMs` and `responseBytesMax` say otherwise.
 *
 * `allowInternalRequests: true` lets this call reach private addresses, and redirects that stay on its origin. Use it
 * for hardcoded URLs alone; each origin is named once on stderr.
 *
 * Throws AppError `invalid_request` (`Invalid URL: …`), AppError `egress_denied` (`Unsupported protocol: …`, `SSRF
 * protection: Blocked request …`), TypeError when the request fails or takes too long, and the signal's reason when it
 * is aborted. Reading the body throws TypeError past the size limit.
 */
export const safeFetch: SafeFetch = (input, init) => {
  door ??= createEgress({ onBypass: warnOfBypass });
  return door.safeFetch(input, init);
};

export { isURLSafe, validateURL } from './address-rules.ts';
