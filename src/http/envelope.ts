// The one error body of the ensembles' API, flat: `{success:false, error, code, message, …}`. Must never hold more than
// its caller was told to show.
import type { ErrorCode, FieldError } from '../model/error.ts';

/** What `error` says: one word, after the status and not after our code. */
export const TITLES: Record<ErrorCode, string> = {
  invalid_request: 'ValidationError',
  malformed_json: 'ValidationError',
  invalid_definition: 'ValidationError',
  unauthenticated: 'Unauthorized',
  invalid_credential: 'Unauthorized',
  sign_in_refused: 'Unauthorized',
  expired_token: 'Unauthorized',
  forbidden: 'Forbidden',
  egress_denied: 'Forbidden',
  not_found: 'NotFound',
  method_not_allowed: 'MethodNotAllowed',
  conflict: 'Conflict',
  payload_too_large: 'PayloadTooLarge',
  rate_limited: 'RateLimited',
  internal: 'InternalError',
  execution_failed: 'ExecutionError',
  execution_timeout: 'ExecutionTimeout',
  not_implemented: 'NotImplemented',
  auth_unavailable: 'ServiceUnavailable',
  store_unavailable: 'ServiceUnavailable',
  shutting_down: 'ServiceUnavailable',
};

export interface Envelope {
  readonly error: string;
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly requestId: string;
  /** Epoch ms. */
  readonly now: number;
  readonly fix?: string;
  readonly fields?: readonly FieldError[];
  /** Further members: a reason, an execution's id. */
  readonly more?: Readonly<Record<string, unknown>>;
}

export function envelope({ more, error, code, message, retryable, now, requestId, fix, fields }: Envelope): object {
  return { success: false, error, code, message, ...more, fix, fields, retryable, timestamp: now, requestId };
}
