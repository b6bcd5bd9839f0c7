// The secrets that this server itself knows: keys of the database, keys of the configuration, the operator's own, and the
// tokens that stand for keys. Answers at once: most requests carry one of these. Must never keep a key's text beyond the
// cache of verified ones.
import { AppError } from '../model/error.ts';
import type { Clock } from '../orchestrator/ports.ts';
import type { Principal } from './access.ts';
import { keyState } from './api-keys.ts';
import { sameText } from './compare-secrets.ts';
import type { KeyRegistry, LiveKey } from './key-registry.ts';
import { hashKey, isWholeKey, KEY_PREFIX } from './key-text.ts';
import { TOKEN_PREFIX, Tokens } from './tokens.ts';
import { type Holder, VerifiedSecrets } from './verified-secrets.ts';

export const LOCAL_ID = 'local';

/** Below this a key of the configuration can be guessed. */
const STATIC_LENGTH_MIN = 16;

export interface OwnKeysOptions {
  readonly registry: KeyRegistry;
  readonly clock: Clock;
  readonly tokenSecret: Uint8Array;
  readonly localKey: string | undefined;
  readonly staticKeys: readonly string[];
}

export class OwnKeys {
  readonly #registry: KeyRegistry;
  readonly #clock: Clock;
  readonly #tokens: Tokens;
  /** The operator's own and those of the configuration, by id. */
  readonly #fixed: ReadonlyMap<string, LiveKey>;
  readonly #verified = new VerifiedSecrets();

  /** Throws an Error for a configured key that is empty or short. */
  constructor({ registry, clock, tokenSecret, localKey, staticKeys }: OwnKeysOptions) {
    this.#registry = registry;
    this.#clock = clock;
    this.#tokens = new Tokens(tokenSecret);
    const fixed = staticKeys.map((key, index) => staticKey(key, index));
    if (localKey !== undefined) fixed.push(fixedKey(LOCAL_ID, 'local operator', localKey, 'apiKey'));
    this.#fixed = new Map(fixed.map((key) => [key.record.id, key]));
  }

  /** Whose secret this is; undefined: none of ours. Throws AppError invalid_credential | expired_token for a dead one. */
  holderOf(secret: string): Principal | undefined {
    const holder = this.#holder(secret);
    if (!holder) return undefined;
    if (holder.expiresMs !== 0 && holder.expiresMs <= this.#clock.now()) {
      throw new AppError('expired_token', 'The token has expired: fetch a new one from /api/token.');
    }
    return this.#liveKey(holder.keyId).principal;
  }

  /** Throws AppError invalid_credential. */
  issueToken(keyId: string, keySecret: string): { readonly token: string; readonly expiresInSeconds: number } {
    // A token cannot be traded for a fresh one: that would outlive the hour it was given.
    if (keySecret.startsWith(TOKEN_PREFIX)) throw new AppError('invalid_credential', 'A token is not a key secret.');
    const holder = this.#holder(keySecret);
    if (!holder) throw unknownSecret(keySecret);
    if (holder.keyId !== keyId) {
      throw new AppError('invalid_credential', 'The key id does not belong to the key.');
    }
    const key = this.#liveKey(keyId);
    // Its id is a place in a list: after a restart another key may stand there, and inherit the token.
    if (key.principal.method === 'static') {
      throw new AppError('invalid_credential', 'A key of the configuration has no tokens: send it as X-API-Key.');
    }
    return this.#tokens.issue(keyId, key.record.expiresMs, this.#clock.now());
  }

  /** A token for nobody in particular: while nobody is asked for a credential. */
  openToken(id: string): { readonly token: string; readonly expiresInSeconds: number } {
    return this.#tokens.issue(id, 0, this.#clock.now());
  }

  #holder(secret: string): Holder | undefined {
    const known = this.#verified.holderOf(secret);
    if (known) return known;
    const holder = this.#verify(secret);
    if (holder) this.#verified.remember(secret, holder);
    return holder;
  }

  #verify(secret: string): Holder | undefined {
    if (secret.startsWith(TOKEN_PREFIX)) {
      const holder = this.#tokens.read(secret);
      if (!holder) throw new AppError('invalid_credential', 'The token is not one of this server.');
      return holder;
    }
    const hash = hashKey(secret);
    const key = this.#fixedByHash(hash) ?? this.#registry.byHash(hash);
    return key && sameText(key.record.hash, hash) ? { keyId: key.record.id, expiresMs: 0 } : undefined;
  }

  /** Looks at each of them, whichever fits. */
  #fixedByHash(hash: string): LiveKey | undefined {
    let found: LiveKey | undefined;
    for (const key of this.#fixed.values()) {
      if (sameText(key.record.hash, hash)) found ??= key;
    }
    return found;
  }

  /** The key as it stands now. Throws invalid_credential when it is revoked, expired or gone. */
  #liveKey(id: string): LiveKey {
    const key = this.#fixed.get(id) ?? this.#registry.byId(id);
    const state = key ? keyState(key.record, this.#clock.now()) : 'unknown';
    if (key && state === 'active') return key;
    throw new AppError('invalid_credential', `The API key is ${state}.`);
  }
}

export function unknownSecret(secret: string): AppError {
  const torn = secret.startsWith(KEY_PREFIX) && !isWholeKey(secret);
  return new AppError(
    'invalid_credential',
    torn ? 'The API key is mistyped or cut short.' : 'Invalid credentials: no such API key.',
  );
}

function staticKey(key: string, index: number): LiveKey {
  if (key.length < STATIC_LENGTH_MIN) {
    const told =
      key === '' ? 'is empty: is its environment variable set?' : `has fewer than ${STATIC_LENGTH_MIN} characters.`;
    throw new Error(`auth.apiKeys: key ${index + 1} ${told}`);
  }
  return fixedKey(`static_${index + 1}`, `auth.apiKeys ${index + 1}`, key, 'static');
}

function fixedKey(id: string, name: string, key: string, method: 'static' | 'apiKey'): LiveKey {
  const permissions = ['*'];
  const record = {
    id,
    name,
    permissions,
    hash: hashKey(key),
    createdMs: 0,
    expiresMs: 0,
    revokedMs: 0,
    rotatedFrom: null,
  };
  return { record, principal: { id, name, permissions, method } };
}
