// Who is calling: one chain for every route. A request is searched for credentials in one order, and the first one
// present decides; a bad one is refused, never passed over for another. Must never answer for somebody who sent nothing.
import type { AppError } from '../model/error.ts';
import type { Clock } from '../orchestrator/ports.ts';
import type { HeaderLookup, Principal } from './access.ts';
import { BasicCredentials, readBasic } from './basic-credentials.ts';
import { CredentialError, challenge, type ReplyHeaders } from './credential-error.ts';
import type { Credential } from './credentials/credential.ts';
import { basic, bearer, CREDENTIALS } from './credentials/index.ts';
import type { CustomValidator } from './guard.ts';
import type { JwtVerifier } from './jwt.ts';
import { looksLikeJwt } from './jwt.ts';
import type { KeyStore } from './key-store.ts';
import { hashKey } from './key-text.ts';
import { type OwnKeys, unknownSecret } from './own-keys.ts';
import type { AccessPolicy } from './policy.ts';
import { requireSameSite, sessionHolder, sessionToken } from './sessions.ts';
import type { UnkeyVerifier } from './unkey/unkey-verifier.ts';

/** Credentials that need nothing but headers. `bearer`: whatever may stand in Authorization: Bearer. */
export type ChainMethod = 'apiKey' | 'bearer' | 'unkey' | 'basic' | 'cookie';

/** What is read of a request, beyond its headers, or by whom. */
export interface ChainAsk {
  /** Null: any. */
  readonly methods: ReadonlySet<ChainMethod> | null;
  /** Other sites whose pages may send a session cookie along. */
  readonly origins: readonly string[];
}

export interface CredentialChain {
  /**
   * Who is calling, by these methods alone; undefined when the request carries no credential at all.
   * Throws AppError invalid_credential | expired_token | rate_limited | forbidden | auth_unavailable.
   */
  identify(header: HeaderLookup, ask: ChainAsk): Principal | Promise<Principal> | undefined;
  /** Whether the configuration provides for the method. */
  offers(method: ChainMethod): boolean;
  /** The configured JWT settings at work; null where there are none. */
  readonly jwt: JwtVerifier | null;
  validator(name: string): CustomValidator | undefined;
  /** What a request without a credential is told. */
  missing(): AppError;
}

export const ANY: ChainAsk = { methods: null, origins: [] };

/** Keys are of no other length; what else is sent is not looked up. */
const KEY_LENGTH_MIN = 8;
const KEY_LENGTH_MAX = 256;
/** Whatever begins so was made here, and is shown to nobody else. */
const OURS = 'cnd_';

export interface ChainParts {
  readonly keys: OwnKeys;
  readonly policy: AccessPolicy;
  readonly jwt: JwtVerifier | null;
  readonly unkey: UnkeyVerifier | null;
  readonly clock: Clock;
}

export class Chain implements CredentialChain {
  readonly jwt: JwtVerifier | null;
  readonly #keys: OwnKeys;
  readonly #keyStore: KeyStore | undefined;
  readonly #unkey: UnkeyVerifier | null;
  readonly #basic: BasicCredentials | undefined;
  readonly #cookie: AccessPolicy['cookie'];
  readonly #validators: ReadonlyMap<string, CustomValidator>;
  readonly #clock: Clock;
  readonly #challenge: ReplyHeaders;

  /** Throws an Error that names what is configured wrongly. */
  constructor({ keys, policy, jwt, unkey, clock }: ChainParts) {
    this.#keys = keys;
    this.jwt = jwt;
    this.#unkey = unkey;
    this.#clock = clock;
    this.#keyStore = policy.keyStore;
    this.#basic = policy.basic && new BasicCredentials(policy.basic, 'auth.basic');
    this.#cookie = policy.cookie;
    this.#validators = policy.validators;
    this.#challenge = challenge(this.#basic ? 'Basic' : 'Bearer');
  }

  identify(header: HeaderLookup, ask: ChainAsk): Principal | Promise<Principal> | undefined {
    for (const credential of CREDENTIALS) {
      const secret = credential.read(header);
      if (secret !== undefined) return this.#holderOf(credential, secret, header, ask);
    }
    if (header('authorization')) {
      throw this.#refused('The Authorization header must be "Bearer <API key>" or "Basic".');
    }
    return this.#session(header, ask);
  }

  offers(method: ChainMethod): boolean {
    switch (method) {
      case 'unkey':
        return this.#unkey !== null;
      case 'basic':
        return this.#basic !== undefined;
      case 'cookie':
        return this.#cookie !== undefined;
      default:
        return true;
    }
  }

  validator(name: string): CustomValidator | undefined {
    return this.#validators.get(name);
  }

  missing(): AppError {
    const words = 'API key is required: send X-API-Key or Authorization: Bearer.';
    return new CredentialError('unauthenticated', words, this.#challenge);
  }

  #holderOf(
    credential: Credential,
    secret: string,
    header: HeaderLookup,
    { methods }: ChainAsk,
  ): Principal | Promise<Principal> {
    const accepts = (method: ChainMethod) => methods === null || methods.has(method);
    if (credential === basic && accepts('basic')) {
      const given = readBasic(header);
      const user = given && this.#basic?.find(given);
      if (user) return user;
    }
    const atBearer = credential === bearer && accepts('bearer');
    const asKey = atBearer || accepts('apiKey');
    const own = asKey ? this.#keys.holderOf(secret) : undefined;
    if (own) return own;
    if (atBearer && this.jwt && looksLikeJwt(secret)) return this.jwt.verify(secret);
    const elsewhere = this.#elsewhere(secret, asKey, accepts('unkey'));
    if (elsewhere) return elsewhere;
    if (!asKey) throw this.#refused('This route does not accept the kind of credential that was sent.');
    throw unknownSecret(secret);
  }

  /** Keys that somebody else keeps: the namespace first, which costs nothing, then Unkey. */
  #elsewhere(secret: string, asKey: boolean, atUnkey: boolean): Promise<Principal> | undefined {
    if (secret.length < KEY_LENGTH_MIN || secret.length > KEY_LENGTH_MAX) return undefined;
    const keyStore = asKey ? this.#keyStore : undefined;
    const unkey = atUnkey && !secret.startsWith(OURS) ? this.#unkey : null;
    if (!keyStore) return unkey?.verify(secret);
    return keyStore.holderOf(hashKey(secret)).then((holder) => {
      if (holder) return holder;
      if (unkey) return unkey.verify(secret);
      throw unknownSecret(secret);
    });
  }

  #session(header: HeaderLookup, { methods, origins }: ChainAsk): Promise<Principal> | undefined {
    if (!this.#cookie || (methods !== null && !methods.has('cookie'))) return undefined;
    const { name, sessions } = this.#cookie;
    const token = sessionToken(header, name);
    if (token === undefined) return undefined;
    requireSameSite(header, origins);
    return sessionHolder(sessions, token, this.#clock.now());
  }

  #refused(message: string): AppError {
    return new CredentialError('invalid_credential', message, this.#challenge);
  }
}
