// User names and passwords of a trigger's own.
import { BasicCredentials, readBasic } from '../basic-credentials.ts';
import { CredentialError, challenge } from '../credential-error.ts';
import type { Guard } from '../guard.ts';
import type { BasicCredential } from '../policy.ts';
import { type Environment, isReference, resolveSecret } from './resolve-secret.ts';

export function basicGuard(credentials: readonly BasicCredential[], realm: string, where: string): Guard {
  const known = new BasicCredentials(credentials, where);
  const headers = challenge('Basic', realm);
  return (request) => {
    const given = readBasic(request.header);
    if (!given) {
      const code = request.header('authorization') === undefined ? 'unauthenticated' : 'invalid_credential';
      throw new CredentialError(code, 'A user name and password are required: send Authorization: Basic.', headers);
    }
    const principal = known.find(given);
    if (principal) return principal;
    throw new CredentialError('invalid_credential', 'The user name or the password is not right.', headers);
  };
}

/**
 * `user:password`, several separated by commas. A variable may hold such a list whole; one that holds a password alone may
 * have commas in it. Throws AppError invalid_definition | an Error that names `where`.
 */
export function basicCredentials(text: string, environment: Environment, where: string): BasicCredential[] {
  const pieces = text.split(',').flatMap((piece) => {
    const resolved = resolveSecret(piece.trim(), environment, where);
    return isReference(piece) ? resolved.split(',').map((each) => each.trim()) : [resolved];
  });
  return pieces.map((pair) => {
    const colon = pair.indexOf(':');
    if (colon < 1 || colon === pair.length - 1) {
      throw new Error(`${where}: auth "basic" needs a secret like user:password, several separated by commas.`);
    }
    return { user: pair.slice(0, colon), password: pair.slice(colon + 1) };
  });
}
