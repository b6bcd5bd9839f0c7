// An agent: a named piece of work that runs inside the server. Owns its shape once its YAML (or a built-in's source) has
// been read; what an operation does with it is operations' business.
import type { JsonObject, JsonValue } from './json.ts';

/** Where something was defined, for messages. Lines and columns count from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type AgentOrigin = 'file' | 'inline' | 'built-in';

export interface AgentDefinition {
  /** What steps call it: the plain name, or `<ensemble>/<name>` for one that was written into an ensemble. */
  readonly id: string;
  readonly name: string;
  readonly operation: string;
  readonly description: string | null;
  /** May hold `${…}` over `input` and `env`; resolved at every call, once. */
  readonly config: JsonObject;
  /** JSON Schemas; null: anything goes. */
  readonly schema: { readonly input: JsonValue | null; readonly output: JsonValue | null };
  /** Undefined: as `api.execution.agents.requireExplicit` says. */
  readonly apiExecutable: boolean | undefined;
  /** False lets its requests reach private addresses. */
  readonly ssrf: boolean;
  /** Milliseconds; null: as the configuration's `execution.defaultTimeout` says. */
  readonly timeoutMs: number | null;
  /** Path of the handler of a `code` agent, relative to the project; null elsewhere. */
  readonly handler: string | null;
  readonly origin: AgentOrigin;
  readonly position: SourcePosition | null;
}
