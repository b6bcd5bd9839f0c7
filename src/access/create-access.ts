// Puts the parts of access together: the credential chain, the keys, the tokens and the permission check.
// Must never let a request through because something is missing: no credential is a refusal, save under `open`.
import type { ApiKeyRecord } from '../model/api-key.ts';
import { AppError } from '../model/error.ts';
import type { Clock, Transactor } from '../orchestrator/ports.ts';
import type { Freshness } from '../store/freshness.ts';
import type { Reads } from '../store/port.ts';
import type { Access, HeaderLookup, Principal } from './access.ts';
import { type ApiKeys, keyState } from './api-keys.ts';
import { CREDENTIALS } from './credentials/index.ts';
import { KeyRegistry, type LiveKey, unknownKey } from './key-registry.ts';
import { hashKey, isWholeKey, KEY_PREFIX, sameText } from './key-text.ts';
import { hostOf, isLoopbackHost } from './loopback.ts';
import { compilePermissions, type PermissionSet } from './permissions.ts';
import { TOKEN_PREFIX, Tokens } from './tokens.ts';
import { type Holder, VerifiedSecrets } from './verified-secrets.ts';

export interface AccessOptions {
  readonly transactor: Transactor;
  readonly reads: Pick<Reads, 'apiKeys'>;
  /**
   * Null where nobody else writes keys. Else whoever asks awaits `ensure()` before `authenticate` or `issueToken`: these
   * are synchronous, and see what was committed by then.
   */
  readonly freshness: Freshness | null;
  readonly clock: Clock;
  /** Signs tokens; at least 32 bytes. The same after a restart, so that workers need not sign in again. */
  readonly tokenSecret: Uint8Array;
  /** The operator's own credential, from a file that only the operator reads. */
  readonly localKey?: string;
  /** Development only: nobody is asked for a credential. */
  readonly open?: boolean;
}

export const LOCAL_ID = 'local';
const ANONYMOUS: Principal = { id: 'anonymous', name: 'anonymous (--open)', permissions: ['*'] };

/** Reads every key from the store. Throws when the store does not answer, or the secret is too short. */
export async function createAccess(options: AccessOptions): Promise<Access & ApiKeys> {
  return new KeyedAccess(options, await KeyRegistry.open(options));
}

class KeyedAccess implements Access, ApiKeys {
  readonly #registry: KeyRegistry;
  readonly #clock: Clock;
  readonly #tokens: Tokens;
  readonly #local: LiveKey | undefined;
  readonly #open: boolean;
  readonly #verified = new VerifiedSecrets();
  /** One compiled set per principal; a principal lives as long as its key's record. */
  readonly #sets = new WeakMap<Principal, PermissionSet>();

  constructor(options: AccessOptions, registry: KeyRegistry) {
    this.#registry = registry;
    this.#clock = options.clock;
    this.#tokens = new Tokens(options.tokenSecret);
    this.#local = options.localKey === undefined ? undefined : localOperator(options.localKey);
    this.#open = options.open ?? false;
  }

  authenticate(header: HeaderLookup): Principal {
    if (this.#open) return openPrincipal(header);
    for (const credential of CREDENTIALS) {
      const secret = credential.read(header);
      if (secret !== undefined) return this.#principalOf(secret);
    }
    if (header('authorization')) {
      throw new AppError('invalid_credential', 'The Authorization header must be "Bearer <API key>" or "Basic".');
    }
    throw new AppError('unauthenticated', 'API key is required: send X-API-Key or Authorization: Bearer.');
  }

  allows(principal: Principal, permission: string): boolean {
    return this.#setOf(principal).covers(permission);
  }

  require(principal: Principal, permission: string): void {
    if (!this.allows(principal, permission)) {
      throw new AppError('forbidden', `Missing required permission: ${permission}`);
    }
  }

  mayGrant(principal: Principal, permission: string): boolean {
    return this.#setOf(principal).includes(permission);
  }

  issueToken(keyId: string, keySecret: string): { readonly token: string; readonly expiresInSeconds: number } {
    const now = this.#clock.now();
    if (this.#open) return this.#tokens.issue(ANONYMOUS.id, 0, now);
    // A token cannot be traded for a fresh one: that would outlive the hour it was given.
    if (keySecret.startsWith(TOKEN_PREFIX)) throw new AppError('invalid_credential', 'A token is not a key secret.');
    if (this.#verify(keySecret).keyId !== keyId) {
      throw new AppError('invalid_credential', 'The key id does not belong to the key.');
    }
    return this.#tokens.issue(keyId, this.#liveKey(keyId).record.expiresMs, now);
  }

  generateKey: ApiKeys['generateKey'] = (request) => this.#registry.generate(request);
  listKeys: ApiKeys['listKeys'] = () => this.#registry.list();
  revokeKey: ApiKeys['revokeKey'] = (id) => this.#registry.revoke(id);
  rotateKey: ApiKeys['rotateKey'] = (id, overlapMs) => this.#registry.rotate(id, overlapMs);

  keyInfo(id: string): ApiKeyRecord {
    const key = this.#registry.byId(id);
    if (!key) throw unknownKey(id);
    return key.record;
  }

  #principalOf(secret: string): Principal {
    let holder = this.#verified.holderOf(secret);
    if (!holder) {
      holder = this.#verify(secret);
      this.#verified.remember(secret, holder);
    }
    if (holder.expiresMs !== 0 && holder.expiresMs <= this.#clock.now()) {
      throw new AppError('expired_token', 'The token has expired: fetch a new one from /api/token.');
    }
    return this.#liveKey(holder.keyId).principal;
  }

  /** Whose secret this is. Throws invalid_credential for one that nobody was given. */
  #verify(secret: string): Holder {
    if (secret.startsWith(TOKEN_PREFIX)) {
      const holder = this.#tokens.read(secret);
      if (!holder) throw new AppError('invalid_credential', 'The token is not one of this server.');
      return holder;
    }
    const hash = hashKey(secret);
    const key = hash === this.#local?.record.hash ? this.#local : this.#registry.byHash(hash);
    if (!key || !sameText(key.record.hash, hash)) throw unknownSecret(secret);
    return { keyId: key.record.id, expiresMs: 0 };
  }

  /** The key as it stands now. Throws invalid_credential when it is revoked, expired or gone. */
  #liveKey(id: string): LiveKey {
    const key = id === LOCAL_ID ? this.#local : this.#registry.byId(id);
    const state = key ? keyState(key.record, this.#clock.now()) : 'unknown';
    if (key && state === 'active') return key;
    throw new AppError('invalid_credential', `The API key is ${state}.`);
  }

  #setOf(principal: Principal): PermissionSet {
    let set = this.#sets.get(principal);
    if (!set) {
      set = compilePermissions(principal.permissions);
      this.#sets.set(principal, set);
    }
    return set;
  }
}

/**
 * Without credentials the browser of the machine's own user is the danger: any page may send requests to loopback, or
 * rebind its name to it. So the Host must name this machine, and a page that calls must come from it.
 */
function openPrincipal(header: HeaderLookup): Principal {
  const host = header('host');
  const origin = header('origin');
  const foreign = origin !== undefined && !(URL.canParse(origin) && isLoopbackHost(new URL(origin).hostname));
  if (foreign || (host !== undefined && !isLoopbackHost(hostOf(host)))) {
    throw new AppError('forbidden', 'A server started with --open answers only to this machine (localhost).');
  }
  return ANONYMOUS;
}

function localOperator(key: string): LiveKey {
  const principal: Principal = { id: LOCAL_ID, name: 'local operator', permissions: ['*'] };
  const { id, name, permissions } = principal;
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
  return { record, principal };
}

function unknownSecret(secret: string): AppError {
  const torn = secret.startsWith(KEY_PREFIX) && !isWholeKey(secret);
  return new AppError(
    'invalid_credential',
    torn ? 'The API key is mistyped or cut short.' : 'Invalid credentials: no such API key.',
  );
}
