import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digest } from '../../vault/ledger/digest.ts';
import { nativeDigest } from './native-digest.ts';

test('gives the same text as the neutral digest, whatever is digested', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      expect(nativeDigest(text)).toBe(digest(text));
    }),
  );
  for (const text of ['', '\u0000', 'a\ud800b', '\udc00', 'ä€𐍈']) expect(nativeDigest(text)).toBe(digest(text));
  expect(nativeDigest('amount=50')).toMatch(/^[\w-]{32}$/);
});
