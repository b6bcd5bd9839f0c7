// What a server's configuration says about credentials, as data. Owns its defaults: whatever is left out is closed.
import type { CustomValidator } from './guard.ts';
import type { KeyStore } from './key-store.ts';
import type { SessionStore } from './sessions.ts';

export interface AccessPolicy {
  /**
   * False: a request to the execute API (`/api/v1/*`) without a credential is let in, with `anonymousPermissions`. All
   * other routes still ask for one, and a credential that is not valid is refused everywhere.
   */
  readonly requireAuth: boolean;
  /** As `requireAuth: false`. */
  readonly allowAnonymous: boolean;
  /** Full access for whoever sends one of them. Short ones are refused at the start. */
  readonly staticKeys: readonly string[];
  readonly jwt?: JwtSettings;
  readonly unkey?: UnkeySettings;
  readonly basic?: readonly BasicCredential[];
  readonly cookie?: { readonly name: string; readonly sessions: SessionStore };
  /** Keys beside those of the database: a KV namespace. */
  readonly keyStore?: KeyStore;
  /** By the name that a trigger gives as its custom validator. */
  readonly validators: ReadonlyMap<string, CustomValidator>;
  /** What a caller without a credential may do where that is allowed: run things, and nothing of the server's own. */
  readonly anonymousPermissions: readonly string[];
}

/** A secret (HS256, HS384, HS512) or the URL of public keys (RS, PS, ES, EdDSA): one of them, never both. */
export interface JwtSettings {
  readonly secret?: string;
  readonly jwksUrl?: string;
  readonly issuer?: string;
  /** Any of them, where there are several. */
  readonly audience?: string | readonly string[];
  /** Empty or absent: all that fit the kind of key. */
  readonly algorithms?: readonly string[];
}

export interface UnkeySettings {
  readonly rootKey: string;
  /** Sent along as a tag. Which APIs' keys are accepted is decided by the root key: give it `api.<id>.verify_key` only. */
  readonly apiId?: string;
  /** What a permission of theirs stands for here; one that is not listed stands for itself. */
  readonly permissions?: Readonly<Record<string, readonly string[]>>;
  readonly serverUrl?: string;
  /** How the module `@unkey/api` is loaded, where bundling leaves it no name. */
  readonly load?: () => Promise<unknown>;
}

export interface BasicCredential {
  readonly user: string;
  readonly password: string;
  readonly permissions?: readonly string[];
  readonly roles?: readonly string[];
}

export const DEFAULT_POLICY: AccessPolicy = {
  requireAuth: true,
  allowAnonymous: false,
  staticKeys: [],
  validators: new Map(),
  anonymousPermissions: ['ensemble:*:execute', 'agent:*:execute'],
};
