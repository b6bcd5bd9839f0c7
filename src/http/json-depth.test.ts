import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertShallow, JSON_DEPTH_MAX } from './json-depth.ts';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

function nested(depth: number): string {
  return `${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`;
}

describe('the depth of JSON', () => {
  it('is allowed up to the limit', () => {
    expect(() => assertShallow(nested(JSON_DEPTH_MAX))).not.toThrow();
    expect(() => assertShallow(nested(JSON_DEPTH_MAX + 2))).toThrow('levels deep');
    expect(() => assertShallow('['.repeat(100_000) + ']'.repeat(100_000))).toThrow('levels deep');
  });

  it('does not count brackets in strings, however they are escaped', () => {
    const hostile = ['['.repeat(500), `"${'{'.repeat(500)}`, `\\"${'['.repeat(500)}`, `\\\\${'['.repeat(500)}\\`];
    expect(() => assertShallow(JSON.stringify(hostile))).not.toThrow();
  });

  it('never refuses a shallow document', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const padded = JSON.stringify([value, '['.repeat(JSON_DEPTH_MAX * 2)]);
        expect(depthOf(value)).toBeLessThan(JSON_DEPTH_MAX);
        expect(() => assertShallow(padded)).not.toThrow();
      }),
    );
  });
});
