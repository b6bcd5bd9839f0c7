// JSON Web Tokens of somebody else: signed with a secret that we share, or with keys published at a URL. Owns which
// algorithms may count with which kind of key. Must never let a token choose: `none` is refused always, and a shared
// secret is never tried where public keys are configured.
import { createRemoteJWKSet, customFetch, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { SafeFetch } from '../egress/egress.ts';
import { AppError } from '../model/error.ts';
import { isJsonObject, type JsonObject } from '../model/json.ts';
import type { Clock } from '../orchestrator/ports.ts';
import type { Principal } from './access.ts';
import { CredentialError, challenge } from './credential-error.ts';
import type { JwtSettings } from './policy.ts';

const SHARED = ['HS256', 'HS384', 'HS512'];
const PUBLISHED = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];
/** Clocks differ a little; more would keep expired tokens alive. */
const LEEWAY_SECONDS = 5;
/** How soon an unknown key id may ask for the keys again, and how soon a failed request may be repeated. */
const COOLDOWN_MS = 30_000;
const FAILURE_COOLDOWN_MS = 2_000;
const FETCH_TIMEOUT_MS = 5_000;
const CACHE_MS = 600_000;
const SHAPE = /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/;

export interface JwtVerifier {
  /**
   * Whose token this is. `permissions` are those of the claim `permissions` (a list, or words) or else the words of
   * `scope`; roles those of `roles`. A token with none of them holds no permission: it passes where only authentication
   * is asked, such as the execute API without `autoPermissions`, and nowhere else.
   * Throws AppError invalid_credential | expired_token, auth_unavailable when the published keys cannot be fetched.
   */
  verify(token: string): Promise<Principal>;
}

/** Whether a text looks like a JWT; says nothing about its worth. */
export function looksLikeJwt(text: string): boolean {
  return SHAPE.test(text);
}

/** Throws an Error that names what is configured wrongly; `where` says whose settings these are. */
export function createJwtVerifier(
  settings: JwtSettings,
  { fetch, clock, where }: { readonly fetch: SafeFetch | undefined; readonly clock: Clock; readonly where: string },
): JwtVerifier {
  const { secret, jwksUrl, issuer, audience } = settings;
  if ((secret === undefined) === (jwksUrl === undefined)) {
    throw new Error(`${where}: JWT settings need either a secret or a jwksUrl, not ${secret ? 'both' : 'neither'}.`);
  }
  const algorithms = allowed(settings, where);
  const key = jwksUrl === undefined ? sharedKey(secret ?? '', where) : publishedKeys(jwksUrl, fetch, clock, where);
  const fixed = {
    algorithms,
    clockTolerance: LEEWAY_SECONDS,
    ...(issuer ? { issuer } : {}),
    ...(audience?.length ? { audience: typeof audience === 'string' ? audience : [...audience] } : {}),
  };
  return {
    async verify(token) {
      try {
        const currentDate = new Date(clock.now());
        const { payload } = await jwtVerify(token, key, { ...fixed, currentDate });
        return principalOf(payload);
      } catch (error) {
        throw refusal(error);
      }
    },
  };
}

function allowed({ algorithms = [], jwksUrl }: JwtSettings, where: string): string[] {
  const fitting = jwksUrl === undefined ? SHARED : PUBLISHED;
  for (const algorithm of algorithms) {
    if (fitting.includes(algorithm)) continue;
    const kind = jwksUrl === undefined ? 'a shared secret' : 'published keys (jwksUrl)';
    throw new Error(`${where}: JWT algorithm "${algorithm}" does not go with ${kind}. Use ${fitting.join(', ')}.`);
  }
  return algorithms.length === 0 ? fitting : [...algorithms];
}

function sharedKey(secret: string, where: string): JWTVerifyGetKey {
  if (secret === '') throw new Error(`${where}: the JWT secret is empty.`);
  const bytes = new TextEncoder().encode(secret);
  return async () => bytes;
}

/** Fetched when first needed, kept for ten minutes, asked for anew when a key id is unknown, but not at a stranger's will. */
function publishedKeys(
  jwksUrl: string,
  safeFetch: SafeFetch | undefined,
  clock: Clock,
  where: string,
): JWTVerifyGetKey {
  if (!URL.canParse(jwksUrl) || !/^https?:$/.test(new URL(jwksUrl).protocol)) {
    throw new Error(`${where}: the jwksUrl must be an http(s) URL.`);
  }
  if (!safeFetch) throw new Error(`${where}: a jwksUrl needs a way out to fetch it.`);
  let failed: { readonly untilMs: number; readonly error: AppError } | undefined;
  return createRemoteJWKSet(new URL(jwksUrl), {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: CACHE_MS,
    [customFetch]: async (url, options) => {
      if (failed && clock.now() < failed.untilMs) throw failed.error;
      try {
        const response = await safeFetch(url, options);
        if (response.status !== 200) throw new Error(`status ${response.status}`);
        failed = undefined;
        return response;
      } catch {
        const error = new AppError('auth_unavailable', 'The keys that tokens are signed with could not be fetched.');
        failed = { untilMs: clock.now() + FAILURE_COOLDOWN_MS, error };
        throw error;
      }
    },
  });
}

function refusal(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof errors.JWTExpired) {
    return new CredentialError('expired_token', 'The token has expired.', challenge('Bearer'));
  }
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) {
    return new AppError('auth_unavailable', 'The keys that tokens are signed with could not be read.');
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new CredentialError(
      'invalid_credential',
      `The token's claim "${error.claim}" is not accepted.`,
      challenge('Bearer'),
    );
  }
  return new CredentialError('invalid_credential', 'The token is not valid.', challenge('Bearer'));
}

const TIMES = new Set(['exp', 'nbf', 'iat', 'jti']);

function principalOf(payload: JWTPayload): Principal {
  const { sub, name, permissions, scope, roles } = payload;
  const id = typeof sub === 'string' && sub !== '' ? sub : 'jwt';
  const claims: unknown = Object.fromEntries(Object.entries(payload).filter(([claim]) => !TIMES.has(claim)));
  return {
    id,
    name: typeof name === 'string' ? name : id,
    permissions: permissions === undefined ? words(scope) : words(permissions),
    roles: words(roles),
    method: 'jwt',
    metadata: asJson(claims),
  };
}

/** A list of words, or words in one text. */
function words(claim: unknown): string[] {
  const list = typeof claim === 'string' ? claim.split(/\s+/) : Array.isArray(claim) ? claim : [];
  return list.filter((word): word is string => typeof word === 'string' && word !== '');
}

function asJson(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}
