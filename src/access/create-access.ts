// Puts the parts of access together: the credential chain, the keys, the tokens and the permission check.
// Must never let a request through because something is missing: no credential is a refusal, save under `open`.
import type { SafeFetch } from '../egress/egress.ts';
import type { ApiKeyRecord } from '../model/api-key.ts';
import { AppError } from '../model/error.ts';
import type { Clock, Transactor } from '../orchestrator/ports.ts';
import type { Freshness } from '../store/freshness.ts';
import type { Reads } from '../store/reads.ts';
import type { Access, HeaderLookup, Principal } from './access.ts';
import type { ApiKeys } from './api-keys.ts';
import { ANY, Chain, type ChainAsk, type ChainParts, type CredentialChain } from './credential-chain.ts';
import { NOBODY } from './guard.ts';
import { createJwtVerifier, type JwtVerifier } from './jwt.ts';
import { KeyRegistry, unknownKey } from './key-registry.ts';
import { hostOf, isLoopbackHost } from './loopback.ts';
import { OwnKeys } from './own-keys.ts';
import { compilePermissions, type PermissionSet } from './permissions.ts';
import { type AccessPolicy, DEFAULT_POLICY, type UnkeySettings } from './policy.ts';
import { UnkeyVerifier } from './unkey/unkey-verifier.ts';

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
  /** What the configuration says of credentials; what it leaves out is closed. */
  readonly policy?: Partial<AccessPolicy>;
  /** The way out for published JWT keys and for Unkey; needed where these are configured. */
  readonly fetch?: SafeFetch;
}

const ANONYMOUS: Principal = { id: 'anonymous', name: 'anonymous (--open)', permissions: ['*'], method: 'open' };

/**
 * Reads every key from the store. Throws when the store does not answer, the secret is too short, or the policy is not
 * one: what is configured wrongly is told at the start, not at a request.
 */
export async function createAccess(options: AccessOptions): Promise<Access & ApiKeys & CredentialChain> {
  const { clock, tokenSecret, localKey, fetch } = options;
  const policy = { ...DEFAULT_POLICY, ...options.policy };
  const jwt = policy.jwt ? createJwtVerifier(policy.jwt, { fetch, clock, where: 'auth.jwt' }) : null;
  const registry = await KeyRegistry.open(options);
  const keys = new OwnKeys({ registry, clock, tokenSecret, localKey, staticKeys: policy.staticKeys });
  const unkey = policy.unkey ? await openUnkey(policy.unkey, options) : null;
  return new KeyedAccess({ ...options, policy }, registry, { keys, policy, jwt, unkey, clock });
}

async function openUnkey(settings: UnkeySettings, { fetch, clock }: AccessOptions): Promise<UnkeyVerifier> {
  if (!fetch) throw new Error('auth.provider "unkey" needs a way out to reach Unkey.');
  return await UnkeyVerifier.open(settings, fetch, clock);
}

class KeyedAccess implements Access, ApiKeys, CredentialChain {
  readonly #registry: KeyRegistry;
  readonly #keys: OwnKeys;
  readonly #chain: Chain;
  readonly #open: boolean;
  /** Who a request without a credential is on the execute API; null: nobody. */
  readonly #anonymous: Principal | null;
  /** One compiled set per principal; a principal lives as long as its key's record. */
  readonly #sets = new WeakMap<Principal, PermissionSet>();

  constructor(
    { open, policy }: Pick<AccessOptions, 'open'> & { policy: AccessPolicy },
    registry: KeyRegistry,
    parts: ChainParts,
  ) {
    this.#registry = registry;
    this.#keys = parts.keys;
    this.#chain = new Chain(parts);
    this.#open = open ?? false;
    const { requireAuth, allowAnonymous, anonymousPermissions: permissions } = policy;
    this.#anonymous = requireAuth && !allowAnonymous ? null : { ...NOBODY, permissions, method: 'open' };
  }

  authenticate(header: HeaderLookup, where: 'anywhere' | 'executeApi' = 'anywhere'): Principal | Promise<Principal> {
    const caller = this.identify(header, ANY);
    if (caller !== undefined) return caller;
    if (where === 'executeApi' && this.#anonymous) return this.#anonymous;
    throw this.missing();
  }

  identify(header: HeaderLookup, ask: ChainAsk): Principal | Promise<Principal> | undefined {
    return this.#open ? openPrincipal(header) : this.#chain.identify(header, ask);
  }

  get jwt(): JwtVerifier | null {
    return this.#chain.jwt;
  }

  offers: CredentialChain['offers'] = (method) => this.#chain.offers(method);
  validator: CredentialChain['validator'] = (name) => this.#chain.validator(name);
  missing: CredentialChain['missing'] = () => this.#chain.missing();

  allows(principal: Principal, permission: string): boolean {
    return this.#setOf(principal).covers(permission);
  }

  require(principal: Principal, permission: string): void {
    if (this.allows(principal, permission)) return;
    // Who has not said who they are is asked, rather than told what they lack.
    if (principal === this.#anonymous || principal === NOBODY) throw this.missing();
    throw new AppError('forbidden', `Missing required permission: ${permission}`);
  }

  mayGrant(principal: Principal, permission: string): boolean {
    return this.#setOf(principal).includes(permission);
  }

  issueToken(keyId: string, keySecret: string): { readonly token: string; readonly expiresInSeconds: number } {
    return this.#open ? this.#keys.openToken(ANONYMOUS.id) : this.#keys.issueToken(keyId, keySecret);
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
