// The one place where an error becomes a reply, one renderer per dialect. Must never put a stack, a path of this
// machine or the text of an unexpected error into a body: those go to the log, under the request id.
import { AppError, ERRORS, type ErrorCode } from '../model/error.ts';
import { envelope, TITLES } from './envelope.ts';
import type { Dialect, Reply } from './route.ts';

export const VALIDATION_MESSAGE = 'Validation failed, check below errors for detail.';

/**
 * Conductor's SDKs fetch a new token when a 401 or 403 carries one of these words in `error`, also where it is the answer to
 * fetching one: a refused sign-in carries none, or they would ask for ever.
 */
const TOKEN_WORDS: Partial<Record<ErrorCode, string>> = {
  unauthenticated: 'INVALID_TOKEN',
  invalid_credential: 'INVALID_TOKEN',
  expired_token: 'EXPIRED_TOKEN',
};

/** Their messages are for the log: they may quote a driver, a file name or our own code. */
const HIDDEN: ReadonlySet<ErrorCode> = new Set(['internal', 'store_unavailable']);

/** What a caller may see of an error: itself, or a stand-in that says no more than its code and where to look. */
export function asAppError(error: unknown, requestId: string): AppError {
  if (error instanceof AppError && !HIDDEN.has(error.code)) return error;
  const code = error instanceof AppError ? error.code : 'internal';
  return new AppError(code, `${ERRORS[code].title}. ${ERRORS[code].fix} Request id: ${requestId}`);
}

export interface ErrorPlace {
  /** The name of this server, for Conductor's clients. */
  readonly instance: string;
  readonly requestId: string;
  readonly now: number;
}

export function errorReply(error: AppError, dialect: Dialect, place: ErrorPlace): Reply {
  const body = BODIES[dialect](error, place);
  const base = { status: error.status, contentType: 'application/json', body: JSON.stringify(body) };
  const headers = errorHeaders(error);
  return headers ? { ...base, headers } : base;
}

const BODIES: Record<Dialect, (error: AppError, place: ErrorPlace) => object> = {
  conductor: conductorBody,
  vault: vaultBody,
  ensemble: ensembleBody,
};

function conductorBody(error: AppError, { instance }: ErrorPlace): object {
  return {
    status: error.status,
    message: error.message,
    instance,
    retryable: error.retryable,
    code: error.code,
    error: TOKEN_WORDS[error.code],
    validationErrors: error.fields.length > 0 ? error.fields : undefined,
  };
}

function vaultBody(error: AppError): object {
  const fields = error.fields.length > 0 ? error.fields : undefined;
  const { code, message, retryable } = error;
  return { error: { code, message, fix: ERRORS[code].fix, retryable, fields } };
}

function ensembleBody(error: AppError, { requestId, now }: ErrorPlace): object {
  const { code, fields, message, retryable } = error;
  const reason: unknown = Reflect.get(error, 'reason');
  return envelope({
    error: TITLES[code],
    code,
    message,
    retryable,
    requestId,
    now,
    fix: ERRORS[code].fix,
    ...(fields.length > 0 ? { fields } : {}),
    ...(typeof reason === 'string' ? { more: { reason } } : {}),
  });
}

function errorHeaders(error: AppError): Record<string, string> | undefined {
  const own: unknown = Reflect.get(error, 'headers');
  if (typeof own === 'object' && own !== null)
    return Object.fromEntries(Object.entries(own).map(([k, v]) => [k.toLowerCase(), String(v)]));
  if (error.status === 401) return { 'www-authenticate': 'Bearer' };
  if (error.code === 'shutting_down' || error.code === 'store_unavailable') return { 'retry-after': '1' };
  return undefined;
}
