// Sign-in sessions that a cookie stands for: the port, and sessions in a key-value namespace. A session is found by the
// hash of its token under a name that no other record of the namespace can have.
import { z } from 'zod';
import type { HeaderLookup, Principal } from './access.ts';
import { CredentialError, challenge } from './credential-error.ts';
import { hashKey } from './key-text.ts';
import { type KvReader, read } from './kv-key-store.ts';

export interface Session {
  readonly userId: string;
  readonly permissions: readonly string[];
  readonly roles: readonly string[];
  /** Epoch ms. */
  readonly expiresMs: number;
}

export interface SessionStore {
  /** Null: nobody's. May return one that has ended. Throws AppError auth_unavailable. */
  get(token: string): Promise<Session | null>;
}

const StoredSession = z.object({
  userId: z.string().min(1),
  permissions: z.array(z.string()).default([]),
  roles: z.array(z.string()).default([]),
  expiresMs: z.number(),
});

/** The name under which the session of a token is kept. */
export function sessionName(token: string): string {
  return `auth-session:${hashKey(token)}`;
}

export function kvSessions(namespace: KvReader): SessionStore {
  return {
    async get(token) {
      const text = await read(namespace, sessionName(token));
      return text === null ? null : StoredSession.parse(JSON.parse(text));
    },
  };
}

/** Whose session the token stands for. Throws AppError invalid_credential | expired_token. */
export async function sessionHolder(sessions: SessionStore, token: string, now: number): Promise<Principal> {
  const session = await sessions.get(token);
  if (!session) throw new CredentialError('invalid_credential', 'There is no such session.', challenge('Bearer'));
  const { userId, permissions, roles, expiresMs } = session;
  if (expiresMs <= now) {
    throw new CredentialError('expired_token', 'The session has ended: sign in again.', challenge('Bearer'));
  }
  return { id: userId, name: userId, permissions, roles, method: 'cookie' };
}

/**
 * The session token as sent, undefined when there is none. Two of one name are a credential that is refused: another
 * site under the same domain may have set the second.
 */
export function sessionToken(header: HeaderLookup, name: string): string | undefined {
  const values = new Set<string>();
  for (const pair of (header('cookie') ?? '').split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === name) values.add(unquoted(pair.slice(equals + 1).trim()));
  }
  values.delete('');
  if (values.size > 1) {
    throw new CredentialError('invalid_credential', 'The session cookie was sent twice.', challenge('Bearer'));
  }
  return [...values][0];
}

/**
 * Throws AppError forbidden. A browser sends cookies along with what any page asks it to send: a session counts only on
 * requests of the same site, or of an origin that the route is open to.
 */
export function requireSameSite(header: HeaderLookup, origins: readonly string[]): void {
  const origin = header('origin');
  if (origin !== undefined && origins.includes(origin)) return;
  const site = header('sec-fetch-site');
  if (site === undefined ? origin === undefined || hostOfOrigin(origin) === header('host') : ownSite(site)) return;
  // A link that somebody followed here. Browsers name the origin of everything but a plain GET.
  if (origin === undefined && header('sec-fetch-mode') === 'navigate') return;
  throw new CredentialError('forbidden', 'A session cookie counts only on requests from the same site.', {});
}

/**
 * For a GET that changes something. Throws AppError forbidden where a link on anybody's page would do: a browser sends its
 * cookies along with it, and the name and password that it was given.
 */
export function requireNoLink({ method }: Principal, header: HeaderLookup): void {
  if (method !== 'cookie' && (method !== 'basic' || ownSite(header('sec-fetch-site') ?? 'none'))) return;
  const message = 'A session of a browser cannot do this by GET. Send PUT where there is one, or use an API key.';
  throw new CredentialError('forbidden', message, {});
}

/** `none`: typed into the address bar, or a bookmark. */
function ownSite(site: string): boolean {
  return site === 'same-origin' || site === 'none';
}

function hostOfOrigin(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function unquoted(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}
