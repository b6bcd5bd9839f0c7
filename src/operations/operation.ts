// What an operation is, and what a piece of agent work is given. One folder per operation implements it; the agent
// runner makes the context. Must never hold anything that outlives the call.
// CONTRACT FILE: shapes stay; implementations live beside it.
import type { z } from 'zod';
import type { SafeFetch } from '../egress/egress.ts';
import type { AgentDefinition } from '../model/agent.ts';
import type { JsonObject, JsonValue } from '../model/json.ts';
import type { EdgeContext, LocationContext } from '../visitor/visitor.ts';

export interface AgentLogger {
  debug(message: string, details?: Readonly<Record<string, unknown>>): void;
  info(message: string, details?: Readonly<Record<string, unknown>>): void;
  warn(message: string, details?: Readonly<Record<string, unknown>>): void;
  error(message: string, details?: Readonly<Record<string, unknown>>): void;
}

/** Who started the execution. No secret is ever in it. */
export interface AuthContext {
  readonly authenticated: boolean;
  /** `apiKey`, `jwt`, `basic`, `signature`, `cookie`, `unkey`, `static`, or null for nobody. */
  readonly method: string | null;
  /** On whose behalf: the user of the key (`keys generate --user-id`), else `user.id`. Absent for nobody. */
  readonly userId?: string;
  readonly user: {
    readonly id: string;
    readonly roles: readonly string[];
    readonly permissions: readonly string[];
    readonly metadata: JsonObject;
  } | null;
}

/** What a handler gets: `export default async function (context: AgentExecutionContext) { … }`. */
export interface AgentExecutionContext {
  // biome-ignore lint/suspicious/noExplicitAny: handlers read their own input as they know it; printed so in the docs.
  readonly input: any;
  /** The agent's config, the step's laid over it, expressions resolved. */
  // biome-ignore lint/suspicious/noExplicitAny: as `input`.
  readonly config: any;
  /** Environment variables that the operator lets agents see. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly executionId: string;
  readonly requestId: string;
  readonly auth: AuthContext;
  readonly location: LocationContext | undefined;
  readonly edge: EdgeContext | undefined;
  /** Refuses private addresses, unless the agent says `security: { ssrf: false }`. */
  readonly fetch: SafeFetch;
  readonly logger: AgentLogger;
  readonly state: Readonly<JsonObject>;
  /** Merged into the execution's state when the step is done. */
  setState(patch: JsonObject): void;
  /** Outputs of the steps before, by step name. */
  readonly previousOutputs: Readonly<Record<string, JsonValue>>;
  readonly signal: AbortSignal;
  /** Keeps work going after the answer. */
  waitUntil(work: Promise<unknown>): void;
}

/** The same, and what only operations of ours may touch. */
export interface OperationContext extends AgentExecutionContext {
  readonly input: JsonValue;
  readonly config: JsonObject;
  readonly agent: AgentDefinition;
  readonly services: OperationServices;
  readonly clock: { now(): number };
}

/** The outside world of operations, wired by the runtime. */
export interface OperationServices {
  /** Handlers of `code` agents by `AgentDefinition.handler`; at once where it is loaded already. */
  handler(agent: AgentDefinition): AgentHandler | Promise<AgentHandler>;
  readonly keyValue: KeyValueStores;
  readonly databases: Databases;
  readonly vectors: VectorStore;
  /** What the docs agent and `inspect-context` may tell of the project. */
  readonly catalog: Catalog;
}

// biome-ignore lint/suspicious/noExplicitAny: a handler may return anything; it is checked to be JSON afterwards.
export type AgentHandler = (context: AgentExecutionContext, second?: unknown) => any;

/** One named key-value store: a Cloudflare KV namespace, or its local equivalent in the data directory. */
export interface KeyValueStore {
  get(key: string): Promise<string | null>;
  /** `ttlSeconds` 0: for ever. */
  put(key: string, value: string, ttlSeconds: number): Promise<void>;
  delete(key: string): Promise<void>;
  list(prefix: string, limit: number, cursor: string | null): Promise<{ keys: string[]; cursor: string | null }>;
  /** Puts only when the present value is `expected` (null: absent). */
  replace(key: string, expected: string | null, value: string, ttlSeconds: number): Promise<boolean>;
}

/** By binding name; made when first asked for. Throws AppError invalid_request for a binding that cannot be. */
export interface KeyValueStores {
  open(binding: string): KeyValueStore;
}

/** Named SQL databases of the project, apart from the engine's own. */
export interface Databases {
  open(binding: string): SqlDatabase;
}

export interface SqlDatabase {
  readonly dialect: 'sqlite' | 'postgres';
  /** `?` placeholders on every dialect. */
  query(
    sql: string,
    parameters: readonly JsonValue[],
    options: {
      readonly readOnly: boolean;
      readonly rowsMax: number;
      readonly timeoutMs: number;
      readonly signal?: AbortSignal;
    },
  ): Promise<{ readonly rows: JsonObject[]; readonly changes: number }>;
}

export interface VectorStore {
  upsert(
    namespace: string,
    entries: readonly {
      readonly id: string;
      readonly vector: Float32Array;
      readonly text: string;
      readonly metadata: JsonObject;
    }[],
  ): Promise<void>;
  search(
    namespace: string,
    vector: Float32Array,
    topK: number,
  ): Promise<
    readonly { readonly id: string; readonly score: number; readonly text: string; readonly metadata: JsonObject }[]
  >;
  /** Also every chunk `<id>#…` of a document that was stored in pieces. */
  delete(namespace: string, ids: readonly string[]): Promise<void>;
}

export interface Catalog {
  readonly projectName: string;
  readonly projectVersion: string | null;
  agents(): readonly {
    readonly name: string;
    readonly operation: string;
    readonly description: string | null;
    readonly builtIn: boolean;
  }[];
  ensembles(): readonly {
    readonly name: string;
    readonly description: string | null;
    readonly steps: readonly string[];
    readonly triggers: readonly string[];
    readonly inputs: readonly {
      readonly name: string;
      readonly type: string | null;
      readonly required: boolean;
      readonly description: string | null;
    }[];
  }[];
  /** Markdown pages of the project's `docs/`. */
  pages(): readonly {
    readonly slug: string;
    readonly title: string;
    readonly order: number;
    readonly markdown: string;
  }[];
  /** The API's OpenAPI document. */
  openapi(): JsonObject;
}

export interface Operation {
  readonly name: string;
  /** Strict: unknown keys are reported when the project loads. */
  readonly config: z.ZodType;
  /**
   * Config keys that hold a language of the operation's own (a template, SQL). They are passed as written, never resolved
   * as expressions: data put into them would get past the operation's escaping.
   */
  readonly literal?: readonly string[];
  /** Throws AgentError, or any error: its message becomes the step's reason. */
  run(context: OperationContext): Promise<JsonValue> | JsonValue;
}

/** A failure that a user can read. `retryable: false` ends the step at once, whatever its retry rules. */
export class AgentError extends Error {
  readonly retryable: boolean;
  constructor(message: string, retryable = true) {
    super(message);
    this.name = 'AgentError';
    this.retryable = retryable;
  }
}
