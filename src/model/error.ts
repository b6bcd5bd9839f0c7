// The error registry: one row per code, and the one error class that carries a code to a renderer.
// Task failures are values of the engine and never pass through here.

interface Registered {
  readonly status: number;
  readonly retryable: boolean;
  readonly title: string;
  readonly fix: string;
}

export const ERRORS = {
  invalid_request: row(400, 'The request is not valid', 'Correct the named fields and send it again.'),
  malformed_json: row(400, 'The body is not valid JSON', 'Send a JSON document.'),
  invalid_definition: row(400, 'The definition is not valid', 'Correct what the message names and register it again.'),
  unauthenticated: row(401, 'A credential is required', 'Send X-API-Key, Authorization: Bearer or X-Authorization.'),
  invalid_credential: row(401, 'The credential is not valid', 'Use a live API key, or fetch a new token.'),
  sign_in_refused: row(401, 'The key or its secret is wrong', 'Sign in with the id and the secret of a live API key.'),
  expired_token: row(401, 'The token has expired', 'Fetch a new token from /api/token.'),
  forbidden: row(403, 'The credential lacks a permission', 'Grant the named permission to the API key.'),
  egress_denied: row(
    403,
    'The address is not allowed',
    'Use a public address, or allow the origin in the configuration.',
  ),
  not_found: row(404, 'Not found', 'Check the name or id.'),
  method_not_allowed: row(405, 'Method not allowed', 'Use a method that the route accepts.'),
  conflict: row(409, 'The request conflicts with the present state', 'Read the present state and try again.'),
  payload_too_large: row(
    413,
    'The payload is too large',
    'Send less, or store the data elsewhere and pass a reference.',
  ),
  rate_limited: row(429, 'Too many requests', 'Wait and try again.', true),
  internal: row(500, 'Internal error', 'Look in the server log for the request id.'),
  execution_failed: row(500, 'The execution failed', 'Look at the execution under its id.'),
  execution_timeout: row(
    504,
    'The execution takes longer than its caller waits',
    'Ask for it under its id: it goes on.',
  ),
  not_implemented: row(501, 'This runtime cannot do that', 'Run it on a server: conductor start.'),
  auth_unavailable: row(503, 'The credential could not be checked', 'Try again.', true),
  store_unavailable: row(
    503,
    'The database did not carry it out',
    'Try again: none of it was written or, where the answer was lost, all of it.',
    true,
  ),
  shutting_down: row(503, 'The server is stopping', 'Try again at another replica, or after the restart.', true),
} as const satisfies Record<string, Registered>;

export type ErrorCode = keyof typeof ERRORS;

/** A field of a request that is wrong, as Conductor's `validationErrors` prints it. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
  readonly invalidValue?: string;
}

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly fields: readonly FieldError[];

  constructor(code: ErrorCode, message: string, fields: readonly FieldError[] = []) {
    super(message);
    this.name = 'AppError';
    this.code = code;
    this.fields = fields;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}

function row(status: number, title: string, fix: string, retryable = false): Registered {
  return { status, retryable, title, fix };
}
