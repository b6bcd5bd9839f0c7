// The configuration's words about credentials as the access chain wants them. Must never make a setting weaker than it is.
import type { CustomValidator } from '../access/guard.ts';
import type { AccessPolicy } from '../access/policy.ts';
import { kvSessions } from '../access/sessions.ts';
import type { Settings } from '../config/config-schema.ts';
import type { KeyValueStores } from '../operations/operation.ts';

export function accessPolicyOf(
  { auth }: Settings,
  keyValue: KeyValueStores,
  validators: ReadonlyMap<string, CustomValidator>,
): Partial<AccessPolicy> {
  const { jwt, provider, rootKey } = auth;
  const hasJwt = jwt.secret !== null || jwt.jwksUrl !== null;
  return {
    requireAuth: auth.requireAuth,
    allowAnonymous: auth.allowAnonymous,
    staticKeys: auth.apiKeys,
    ...(hasJwt && { jwt: jwtSettings(jwt) }),
    ...(provider === 'unkey' && rootKey !== null && { unkey: unkeySettings(rootKey, auth) }),
    ...(auth.basic.credentials.length > 0 && { basic: auth.basic.credentials.map(basicCredential) }),
    ...(provider === 'cookie' && {
      cookie: { name: auth.cookie.name, sessions: kvSessions(keyValue.open(auth.cookie.namespace)) },
    }),
    validators,
  };
}

function unkeySettings(rootKey: string, { apiId, unkeyUrl }: Settings['auth']) {
  return { rootKey, ...(apiId !== null && { apiId }), ...(unkeyUrl !== null && { serverUrl: unkeyUrl }) };
}

function jwtSettings({ secret, jwksUrl, issuer, audience, algorithms }: Settings['auth']['jwt']) {
  return {
    algorithms,
    ...(secret !== null && { secret }),
    ...(jwksUrl !== null && { jwksUrl }),
    ...(issuer !== null && { issuer }),
    ...(audience !== null && { audience }),
  };
}

function basicCredential(text: string) {
  const colon = text.indexOf(':');
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
