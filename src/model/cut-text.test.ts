import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutText, shortenText } from './cut-text.ts';

/** Half a pair, alone. `isWellFormed` would say so too, but not in every Node that runs us. */
const HALF = /\p{Cs}/u;

test('a cut text is the longest beginning that fits and splits no pair', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '語', '😀'), maxLength: 12 });
  fc.assert(
    fc.property(text, fc.nat(16), (whole, max) => {
      const cut = cutText(whole, max);
      expect(whole.startsWith(cut)).toBe(true);
      expect(cut).not.toMatch(HALF);
      expect(cut.length).toBeLessThanOrEqual(max);
      expect(cut.length).toBeGreaterThanOrEqual(Math.min(whole.length, max) - 1);
    }),
  );
  expect(['ab😀', 'abc', 'ab'].map((whole) => cutText(whole, 3))).toEqual(['ab', 'abc', 'ab']);
});

test('a shortened text says that it is', () => {
  expect(shortenText('ab😀c', 3)).toBe('ab…');
  expect(shortenText('abc', 3)).toBe('abc');
});
