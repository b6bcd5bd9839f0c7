// Stripe's wire: replies and error bodies. Owns shapes only.

export interface SimulatedReply {
  readonly status: number;
  readonly body: string;
  /** Kept under the idempotency key: the call was begun. */
  readonly stored: boolean;
}

export function ok(object: unknown): SimulatedReply {
  return { status: 200, body: JSON.stringify(object), stored: true };
}

export function failure(status: number, error: Readonly<Record<string, unknown>>, stored = false): SimulatedReply {
  return { status, body: JSON.stringify({ error: { param: null, ...error } }), stored };
}

export function invalid(message: string, param: string, code = 'parameter_missing'): SimulatedReply {
  return failure(400, { type: 'invalid_request_error', code, message, param });
}

export function missing(kind: string, id: string): SimulatedReply {
  return failure(404, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${kind}: '${id}'`,
    param: 'id',
  });
}

export function internalError(stored: boolean): SimulatedReply {
  return failure(500, { type: 'api_error', message: 'An unknown error occurred' }, stored);
}
