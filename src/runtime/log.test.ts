import { expect, test } from 'vitest';
import { AppError } from '../model/error.ts';
import { jsonLog } from './log.ts';

function logged(error: unknown): { error: Record<string, unknown> } {
  let written = '';
  jsonLog((line) => {
    written += line;
  }).error('a round was lost', { error });
  return JSON.parse(written);
}

const refusal = Object.assign(new Error('cannot execute SELECT FOR UPDATE in a read-only transaction'), {
  code: '25006',
  detail: 'Key (id)=(a value) is in it',
});

test('an error of ours is logged with what the database said, and with no value', () => {
  const error = new AppError('store_unavailable', 'The database did not carry out the request.');
  error.cause = refusal;
  expect(logged(error).error).toEqual({
    name: 'AppError',
    message: error.message,
    stack: error.stack,
    cause: { message: refusal.message, code: '25006' },
  });
});

test('causes of errors that are not ours stay where they are', () => {
  const error = new Error('the query failed', { cause: refusal });
  expect(logged(error).error).toEqual({ name: 'Error', message: 'the query failed', stack: error.stack });
});
