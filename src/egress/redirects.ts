// What a redirect changes: where to, with which method, and which headers may come along. One place for every kind of
// request that follows redirects. Must open nothing, and never let a credential cross to another origin.

export interface RedirectStep {
  /** Null when `Location` is no URL. */
  readonly url: URL | null;
  readonly toGet: boolean;
  /** Also when only the scheme changes, so that no credential goes from https to http. */
  readonly crossesOrigin: boolean;
}

const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308]);
const CREDENTIAL_HEADERS = new Set(['authorization', 'cookie', 'x-api-key', 'proxy-authorization', 'x-authorization']);
const BODY_HEADERS = new Set(['content-type', 'content-encoding', 'content-language', 'content-location']);
/**
 * Set by the connection itself. A Host of the caller's choice would reach another site behind the checked address, and
 * an Accept-Encoding would bring a body that nobody unpacks.
 */
const CONNECTION_HEADERS = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export function isRedirect(status: number): boolean {
  return REDIRECT_STATUSES.has(status);
}

export function redirectStep(status: number, method: string, from: URL, location: string): RedirectStep {
  const url = URL.canParse(location, from.href) ? new URL(location, from.href) : null;
  if (url !== null && url.hash === '') url.hash = from.hash;
  return {
    url,
    toGet:
      status === 303 ? method !== 'GET' && method !== 'HEAD' : (status === 301 || status === 302) && method === 'POST',
    crossesOrigin: url?.origin !== from.origin,
  };
}

/** `name` in lower case. */
export function keepsHeader(name: string, step: RedirectStep): boolean {
  return !(step.crossesOrigin && CREDENTIAL_HEADERS.has(name)) && !(step.toGet && BODY_HEADERS.has(name));
}

/** `name` in lower case. */
export function setByConnection(name: string): boolean {
  return CONNECTION_HEADERS.has(name);
}
