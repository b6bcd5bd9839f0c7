// What starts an ensemble from outside, as its YAML says it. Secrets are still spelled `${env.X}` here: whoever mounts the
// trigger resolves them, and fails when one is unset.
import type { SourcePosition } from './agent.ts';

export type SignaturePreset = 'default' | 'github' | 'stripe' | 'slack';
export type SignatureAlgorithm = 'sha1' | 'sha256' | 'sha384' | 'sha512';
export type CredentialMethod = 'bearer' | 'apiKey' | 'cookie' | 'basic' | 'unkey' | 'custom';

/** `configured` is what `public: false` alone means: any credential that the server accepts. No methods: all of them. */
export type TriggerAuth =
  | {
      readonly type: 'configured';
      readonly requirement: 'required' | 'optional';
      readonly methods: readonly CredentialMethod[];
      readonly customValidator: string | null;
    }
  | {
      readonly type: 'bearer';
      readonly secret: string | null;
      readonly jwksUrl: string | null;
      readonly issuer: string | null;
      readonly audience: string | null;
      readonly algorithms: readonly string[];
    }
  | { readonly type: 'apiKey' }
  | { readonly type: 'unkey' }
  | {
      readonly type: 'signature';
      readonly secret: string;
      readonly preset: SignaturePreset;
      /** Null: as the preset has it. */
      readonly algorithm: SignatureAlgorithm | null;
      readonly signatureHeader: string | null;
      readonly timestampHeader: string | null;
      readonly timestampToleranceSeconds: number;
    }
  /** `secret`: `user:password`, several separated by commas. */
  | { readonly type: 'basic'; readonly secret: string; readonly realm: string }
  | { readonly type: 'cookie' }
  | { readonly type: 'custom'; readonly validator: string };

/** What a trigger asks of a caller beyond a credential. */
export interface TriggerAccess {
  /** Null: public. */
  readonly auth: TriggerAuth | null;
  /** All of them. */
  readonly permissions: readonly string[];
  /** Any of them. */
  readonly roles: readonly string[];
}

export interface TriggerRateLimit {
  readonly requests: number;
  readonly windowSeconds: number;
  readonly key: 'ip' | 'user';
}

export interface TriggerCors {
  /** `['*']`: any. */
  readonly origins: readonly string[];
  readonly methods: readonly string[] | null;
  readonly allowHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly credentials: boolean;
}

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS';

export interface TriggerPath {
  /** `/users/:id`; a last segment `*` takes the rest. */
  readonly path: string;
  readonly methods: readonly HttpMethod[];
}

export interface TriggerCache {
  readonly ttlSeconds: number;
  readonly vary: readonly string[];
}

interface Mounted extends TriggerAccess {
  readonly paths: readonly TriggerPath[];
  /** Answers 202 with the execution's id at once. */
  readonly async: boolean;
  /** `resume`: continues a suspended execution instead of starting one. */
  readonly mode: 'trigger' | 'resume';
  /** Null: as long as the execution takes. */
  readonly timeoutMs: number | null;
  readonly position: SourcePosition;
}

export interface HttpTrigger extends Mounted {
  readonly type: 'http';
  readonly rateLimit: TriggerRateLimit | null;
  readonly cors: TriggerCors | null;
  readonly cache: TriggerCache | null;
  /** Registered names, outermost first. */
  readonly middleware: readonly string[];
}

export interface WebhookTrigger extends Mounted {
  readonly type: 'webhook';
}

export type Trigger = HttpTrigger | WebhookTrigger;
