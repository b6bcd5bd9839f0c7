// User names and passwords as `Authorization: Basic` carries them. Every configured pair is compared, whichever fits:
// how long an answer takes says nothing about who exists.
import type { HeaderLookup, Principal } from './access.ts';
import { matcherOf } from './compare-secrets.ts';
import type { BasicCredential } from './policy.ts';

export interface UserPassword {
  readonly user: string;
  readonly password: string;
}

/** Undefined: the request carries none. An unreadable one reads as an empty name, which nobody has. */
export function readBasic(header: HeaderLookup): UserPassword | undefined {
  const value = header('authorization');
  if (value === undefined || value.slice(0, 6).toLowerCase() !== 'basic ') return undefined;
  const text = decode(value.slice(6).trim());
  const colon = text.indexOf(':');
  // A password may hold colons, a user name cannot (RFC 7617).
  return colon < 0 ? { user: text, password: '' } : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

export class BasicCredentials {
  readonly #known: readonly { readonly matches: (pair: string) => boolean; readonly principal: Principal }[];

  /** Throws an Error for an empty name or password, and for a name with a colon. */
  constructor(credentials: readonly BasicCredential[], where: string) {
    this.#known = credentials.map(({ user, password, permissions = [], roles = [] }) => {
      if (user === '' || password === '' || user.includes(':')) {
        throw new Error(`${where}: a basic credential needs a user name without ":" and a password.`);
      }
      const principal: Principal = { id: `basic:${user}`, name: user, permissions, roles, method: 'basic' };
      return { matches: matcherOf(pairOf({ user, password })), principal };
    });
  }

  find(given: UserPassword): Principal | undefined {
    const pair = pairOf(given);
    let found: Principal | undefined;
    for (const { matches, principal } of this.#known) {
      if (matches(pair)) found ??= principal;
    }
    return found;
  }
}

function pairOf({ user, password }: UserPassword): string {
  return `${user}:${password}`;
}

function decode(base64: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));
  } catch {
    return '';
  }
}
