// Query parameters with defaults. A wrong one is a 400 that names it, never a silent default.

import { cutText } from '../model/cut-text.ts';
import type { FieldError } from '../model/error.ts';
import { isServerProcess } from '../model/worker-id.ts';
import { validationError } from './body.ts';
import type { HttpRequest } from './route.ts';

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** A whole number, or `fallback` when absent or empty. Throws AppError invalid_request. */
export function wholeQuery<T extends number | null>(
  request: HttpRequest,
  name: string,
  fallback: T,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: Bounds = {},
): number | T {
  const given = request.query.get(name);
  return given === null || given === '' ? fallback : whole(name, given, min, max);
}

/** A whole number in a path. Throws AppError invalid_request. */
export function wholeParam(request: HttpRequest, name: string, { min = 0, max = 2_147_483_647 }: Bounds = {}): number {
  return whole(name, request.params[name] ?? '', min, max);
}

/** `true` or `false` in any case; `fallback` when absent or empty. Throws AppError invalid_request. */
export function flagQuery(request: HttpRequest, name: string, fallback: boolean): boolean {
  const given = request.query.get(name);
  if (given === null || given === '') return fallback;
  const lower = given.toLowerCase();
  if (lower !== 'true' && lower !== 'false') throw wrong(name, 'must be true or false', given);
  return lower === 'true';
}

/** A text, or null when absent or empty. */
export function textQuery(request: HttpRequest, name: string): string | null {
  return request.query.get(name) || null;
}

/** Who asks or reports, or null when absent or empty. Throws AppError invalid_request for a name that is the server's own. */
export function workerQuery(request: HttpRequest): string | null {
  const given = textQuery(request, 'workerid');
  if (given !== null && isServerProcess(given)) throw wrong('workerid', 'must not begin with "server:"', given);
  return given;
}

/** One of `allowed`, as a path segment. Throws AppError invalid_request. */
export function oneOf<T extends string>(name: string, given: string | undefined, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === given);
  if (found === undefined) throw wrong(name, `must be one of ${allowed.join(', ')}`, given ?? '');
  return found;
}

function whole(name: string, given: string, min: number, max: number): number {
  const value = /^-?\d{1,16}$/.test(given) ? Number(given) : Number.NaN;
  if (Number.isNaN(value)) throw wrong(name, 'must be a whole number', given);
  if (value < min) throw wrong(name, `must be at least ${min}`, given);
  if (value > max) throw wrong(name, `must be at most ${max}`, given);
  return value;
}

function wrong(path: string, message: string, invalidValue: string) {
  const field: FieldError = { path, message, invalidValue: cutText(invalidValue, 200) };
  return validationError([field]);
}
