import { describe, expect, test } from 'vitest';
import { parseExpiry, parseOverlap } from './lifetime.ts';

const NOW = Date.UTC(2024, 1, 15);
const DAY_MS = 86_400_000;

describe('parseExpiry', () => {
  test.each([
    ['90d', 90 * DAY_MS],
    ['2w', 14 * DAY_MS],
    ['1m', 30 * DAY_MS],
    ['1y', 365 * DAY_MS],
    ['12h', DAY_MS / 2],
    ['30s', 30_000],
  ])('%s counts from now', (text, lengthMs) => {
    expect(parseExpiry(text, NOW)).toBe(NOW + lengthMs);
  });

  test('never is 0, a date is its first instant, an instant is itself', () => {
    expect(parseExpiry('never', NOW)).toBe(0);
    expect(parseExpiry('2024-05-15', NOW)).toBe(Date.UTC(2024, 4, 15));
    expect(parseExpiry('2024-05-15T12:00:00Z', NOW)).toBe(Date.UTC(2024, 4, 15, 12));
  });

  test.each(['', '90', 'd', '-1d', '1.5d', '90 d', 'tomorrow', '2024-13-40', '0d', '2020-01-01', '999999y'])(
    '"%s" is refused',
    (text) => {
      expect(() => parseExpiry(text, NOW)).toThrow(/expiration/);
    },
  );
});

describe('parseOverlap', () => {
  test('reads lengths, and 0', () => {
    expect(parseOverlap('24h')).toBe(DAY_MS);
    expect(parseOverlap('15min')).toBe(900_000);
    expect(parseOverlap('0')).toBe(0);
  });

  test.each(['15m', 'never', '2y', '', '-1h'])('"%s" is refused', (text) => {
    expect(() => parseOverlap(text)).toThrow(/overlap/);
  });
});
