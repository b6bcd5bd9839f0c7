// Runs ensembles and agents, whoever asks: the execute API, a trigger, the command line. Owns no policy; who may ask has
// been decided before. CONTRACT FILE: shapes stay; the implementation lives beside it.
import type { Ensemble } from '../model/ensemble.ts';
import type { JsonObject, JsonValue } from '../model/json.ts';
import type { AuthContext } from '../operations/operation.ts';
import type { VisitorData } from '../visitor/visitor.ts';

/** About the request that an execution was started by. Kept with the execution. */
export interface CallContext {
  readonly requestId: string;
  readonly auth: AuthContext;
  readonly visitor: VisitorData;
  /** `api`, `http`, `webhook`, `cli`. */
  readonly trigger: string;
}

export interface ExecuteOptions {
  /** Resolve as soon as the execution is committed, whatever it still has to do. */
  readonly detached?: boolean;
  /** The caller waits no longer than this; the execution goes on. */
  readonly waitMs?: number;
  /** Laid over the config of an agent executed directly. */
  readonly config?: JsonObject;
}

export type ExecutionOutcome =
  | {
      readonly kind: 'completed';
      readonly executionId: string;
      readonly output: JsonValue;
      readonly response: JsonObject;
    }
  /** It waits for somebody or something outside (an approval, a worker), or was started detached. */
  | { readonly kind: 'running'; readonly executionId: string; readonly suspended: JsonObject | null }
  /** `message` is fit for the caller; `agent` names the step that failed. */
  | { readonly kind: 'failed'; readonly executionId: string; readonly message: string; readonly agent: string | null };

export interface Executor {
  /** Throws AppError invalid_request (input), payload_too_large, store_unavailable, shutting_down. */
  ensemble(
    ensemble: Ensemble,
    input: JsonObject,
    call: CallContext,
    options?: ExecuteOptions,
  ): Promise<ExecutionOutcome>;
  /** An agent on its own, as an execution of one step. Throws as `ensemble`, and not_found. */
  agent(agentId: string, input: JsonValue, call: CallContext, options?: ExecuteOptions): Promise<ExecutionOutcome>;
}
