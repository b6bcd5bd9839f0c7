import { describe, expect, it } from 'vitest';
import type { Principal } from '../access/access.ts';
import { AppError } from '../model/error.ts';
import type { JsonObject } from '../model/json.ts';
import { approverOf, readBallot } from './approvals.ts';

const caller = (id: string, name: string, method?: Principal['method']): Principal => ({
  ...{ id, name, permissions: [] },
  ...(method && { method }),
});

describe('as whom a caller votes', () => {
  it('is its id, or the name that we gave it', () => {
    expect(approverOf(caller('key_1', 'ann'), ['key_1', 'ann'])).toBe('key_1');
    expect(approverOf(caller('key_1', 'ann'), ['ann'])).toBe('ann');
    expect(approverOf(caller('basic:ann', 'ann', 'basic'), ['ann'])).toBe('ann');
    expect(approverOf(caller('ann@example.com', 'Ann', 'jwt'), ['ann@example.com'])).toBe('ann@example.com');
    expect(approverOf(caller('key_1', 'ann'), [])).toBe('key_1');
  });

  it.each(['jwt', 'unkey', 'custom', 'cookie', 'open'] as const)(
    'is never a name out of %s, which its holder may have chosen',
    (method) => {
      expect(approverOf(caller('u-666', 'ann', method), ['ann'])).toBe(null);
    },
  );

  it('is nobody when it is nobody in particular, whatever the list says', () => {
    expect(approverOf(caller('anonymous', 'anonymous'), ['anonymous'])).toBe(null);
    expect(approverOf(caller('key_2', 'eve'), ['ann'])).toBe(null);
  });
});

describe('what is sent as a vote', () => {
  it.each<[JsonObject, object]>([
    [{ approved: true }, { decision: 'approve' }],
    [{ approved: 'false' }, { decision: 'reject' }],
    [
      { decision: 'approve', feedback: ' ', data: null },
      { decision: 'approve', data: null },
    ],
    [
      { decision: 'reject', feedback: 'no', data: { a: 1 } },
      { decision: 'reject', feedback: 'no', data: { a: 1 } },
    ],
  ])('%j is %j', (sent, ballot) => expect(readBallot(sent)).toEqual(ballot));

  it.each<JsonObject>([
    {},
    { approved: 1 },
    { approved: 'yes' },
    { approved: null },
    { decision: 'approved' },
    { decision: ['approve'] },
    { decision: 'approve', approved: true },
    { decision: 'approve', feedback: 1 },
  ])('%j is none: doubt never approves', (sent) => expect(() => readBallot(sent)).toThrow(AppError));
});
