// What went wrong at the database, in the store's words: a lost round, or a store that is not available.
import { AppError } from '../../model/error.ts';
import { RoundConflict } from '../port.ts';

/** serialization_failure, deadlock_detected, lock_not_available: the transaction is gone, and may be tried again. */
const CONFLICTS = new Set(['40001', '40P01', '55P03']);

export function sqlStateOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  return typeof code === 'string' ? code : '';
}

/** The database's own words become the cause: they name tables and hosts, and are for the log. */
export function failureOf(error: unknown): Error {
  if (error instanceof AppError || error instanceof RoundConflict) return error;
  if (CONFLICTS.has(sqlStateOf(error))) return new RoundConflict('Another writer got in the way.', { cause: error });
  return unavailable('The database did not carry out the request.', error);
}

export function unavailable(message: string, cause: unknown): AppError {
  const error = new AppError('store_unavailable', message);
  error.cause = cause;
  return error;
}
