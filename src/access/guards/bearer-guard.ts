// Bearer tokens of a trigger's own: the secret itself, or a JWT that is signed with it (or with keys at the trigger's own
// URL). A trigger's secret stands for itself: no variable of another name can take its place.
import type { TriggerAuth } from '../../model/trigger.ts';
import type { Principal } from '../access.ts';
import { matcherOf } from '../compare-secrets.ts';
import { CredentialError, challenge } from '../credential-error.ts';
import { bearer } from '../credentials/index.ts';
import type { Guard } from '../guard.ts';
import { createJwtVerifier, type JwtVerifier, looksLikeJwt } from '../jwt.ts';
import type { GuardDeps } from './guard-deps.ts';

export type BearerAuth = Extract<TriggerAuth, { readonly type: 'bearer' }>;

/** `secret` is resolved; null: the trigger names none. Throws an Error that says what is missing. */
export function bearerGuard(auth: BearerAuth, secret: string | null, deps: GuardDeps): Guard {
  const { trigger } = deps;
  const jwt = verifierOf(auth, secret, deps);
  const isSecret = secret === null ? () => false : matcherOf(secret);
  const holder: Principal = { id: 'bearer', name: trigger, permissions: [], method: 'static' };
  return (request) => {
    const token = bearer.read(request.header);
    if (token === undefined) {
      const absent = request.header('authorization') === undefined;
      const code = absent ? 'unauthenticated' : 'invalid_credential';
      throw new CredentialError(code, 'A token is required: send Authorization: Bearer.', challenge('Bearer'));
    }
    if (isSecret(token)) return holder;
    if (looksLikeJwt(token)) return jwt.verify(token);
    throw new CredentialError('invalid_credential', 'The token is not valid.', challenge('Bearer'));
  };
}

function verifierOf(
  auth: BearerAuth,
  secret: string | null,
  { access, clock, fetch, trigger }: GuardDeps,
): JwtVerifier {
  const { jwksUrl, issuer, audience, algorithms } = auth;
  if (secret === null && jwksUrl === null) {
    if (access.jwt) return access.jwt;
    throw new Error(`${trigger}: auth "bearer" needs a secret or a jwksUrl, or auth.jwt in the configuration.`);
  }
  const settings = {
    ...(secret === null ? {} : { secret }),
    ...(jwksUrl === null ? {} : { jwksUrl }),
    ...(issuer === null ? {} : { issuer }),
    ...(audience === null ? {} : { audience }),
    algorithms,
  };
  return createJwtVerifier(settings, { fetch, clock, where: trigger });
}
