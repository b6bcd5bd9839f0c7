import { expect, test } from 'vitest';
import { formatUsd, parseUsd } from './money.ts';

test.each([
  [0, 0],
  [500, 500_000_000],
  ['500.00', 500_000_000],
  [0.000001, 1],
  [1e-6, 1],
  [0.0083, 8300],
  ['999999999.999999', 999_999_999_999_999],
])('%j is %i micro-dollars', (amount, micros) => {
  expect(parseUsd(amount)).toBe(micros);
});

test.each([1e-7, 6e-7, 0.0000001, 1.5e-6, 0.1 + 0.2, 1e9, 1e21, -1, Number.NaN, '1e2', '', '0.0000001', null, true])(
  '%j is no amount: it would have to be rounded, or is none',
  (amount) => {
    expect(parseUsd(amount)).toBeUndefined();
  },
);

test('what is shown keeps the digits that count', () => {
  expect([500_000_000, 1, 400, 12_340_000, 0].map(formatUsd)).toEqual([
    '500.00',
    '0.000001',
    '0.0004',
    '12.34',
    '0.00',
  ]);
});
