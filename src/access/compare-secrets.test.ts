import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matcherOf, sameBytes, sameSecret, sameText } from './compare-secrets.ts';

const FOLDER = new URL('.', import.meta.url).pathname;
/** One side of a comparison that holds what must not be guessed. */
const SECRETIVE = /(secret|password|signature|signatures|token|hash|digest|expected|apikey|pair)\)?$/i;
/** What any secret may be compared with: whether it is there at all. */
const HARMLESS = /^(undefined|null|''|-?\d+)$/;
const COMPARISON = /([\w.?[\]#]+(?:\([^()]*\))?)\s*[!=]==?\s*([\w.?[\]#'-]+(?:\([^()]*\))?)/g;
const SEARCH = /\.(includes|indexOf|startsWith|endsWith|has)\((secret|password|signature|token|expected)\)/;

function comparisonsOf(source: string): string[] {
  return source
    .split('\n')
    .filter((line) => !/^\s*(\/\/|\*|\/\*)/.test(line))
    .flatMap((line) => {
      const found = [...line.matchAll(COMPARISON)].filter(([, left = '', right = '']) => {
        const sides = [left, right];
        return sides.some((side) => SECRETIVE.test(side)) && !sides.some((side) => HARMLESS.test(side));
      });
      return found.length > 0 || SEARCH.test(line) ? [line.trim()] : [];
    });
}

describe('comparing secrets', () => {
  test('is comparing them whole', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(sameText(a, b)).toBe(a === b);
        expect(sameText(a, a)).toBe(true);
        const [bytesOfA, bytesOfB] = [Buffer.from(a), Buffer.from(b)];
        expect(sameBytes(bytesOfA, bytesOfB)).toBe(bytesOfA.equals(bytesOfB));
        expect(sameSecret(a, a) && matcherOf(a)(a)).toBe(true);
        expect([sameSecret(a, b), matcherOf(a)(b)]).toEqual(bytesOfA.equals(bytesOfB) ? [true, true] : [false, false]);
      }),
    );
  });

  test('a beginning, an end or another case is not the same', () => {
    for (const other of ['secre', 'ecret', 'secret ', 'Secret', '']) {
      expect(sameText('secret', other) || sameSecret('secret', other)).toBe(false);
    }
  });

  test('is done nowhere in access by an operator that stops at the first difference', () => {
    const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(file),
    );
    expect(files.length).toBeGreaterThan(25);
    const found = files.flatMap((file) =>
      comparisonsOf(readFileSync(join(FOLDER, file), 'utf8')).map((line) => `${file}: ${line}`),
    );
    expect(found).toEqual([]);
  });

  test('the search for such operators finds them', () => {
    const bad = [
      "if (given.secret === secret) return 'x';",
      'return signature == expected;',
      'if (token !== this.#token) throw x;',
      'const key = hash === record.hash ? a : b;',
      'return known.includes(secret);',
    ];
    for (const line of bad) expect(comparisonsOf(line)).toEqual([line]);
    for (const good of ['if (secret === undefined) return;', "if (password === '') x();", 'a.length === b.length']) {
      expect(comparisonsOf(good)).toEqual([]);
    }
  });
});
