// What triggers are mounted with.
import type { Guard, RateLimiter } from '../access/guard.ts';
import type { GuardedTrigger } from '../access/guards/index.ts';
import type { CallContext, ExecutionOutcome, Executor } from '../ensembles/executor.ts';
import type { Matcher } from '../http/match.ts';
import type { Route } from '../http/route.ts';
import type { JsonObject } from '../model/json.ts';
import type { VisitorSource } from '../visitor/visitor.ts';
import type { MiddlewareRegistry } from './middleware/registry.ts';

export interface TriggerDeps {
  readonly executor: Executor;
  readonly visitor: VisitorSource;
  /** Makes the guard of a trigger, under a name that no other has; throws for what is configured wrongly (an unset secret). */
  readonly guard: (access: GuardedTrigger, trigger: string) => Guard;
  readonly limiter: RateLimiter;
  readonly middleware: MiddlewareRegistry;
  readonly clock: { now(): number };
  /** The server's own routes: a trigger cannot have what they answer. */
  readonly fixed: Matcher;
  /** Paths that something before all routes takes (the vault). */
  readonly owned?: (path: string) => boolean;
  /** Continues the suspended execution that a one-time token stands for; absent: `mode: resume` cannot be mounted. */
  readonly resume?: (token: string, input: JsonObject, call: CallContext) => Promise<ExecutionOutcome>;
  /** Routes for paths that no trigger takes: `GET /`. */
  readonly fallback?: readonly Route[];
  /** How callers reach us, for `input.url`; a path without it. */
  readonly publicUrl?: string;
  /** Cookies that are credentials: never in `input.cookies`. */
  readonly credentialCookies?: readonly string[];
  readonly debugHeaders?: boolean;
}
