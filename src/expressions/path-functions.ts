// The functions a path may end in, `.length()` and its kin. They fold what the path selected into one value.
// Must never throw: what cannot be folded is null.
import type { JsonValue } from '../model/json.ts';

export type Fold = (value: JsonValue) => JsonValue;

const TAIL = /\.\s*([a-z]+)\(\s*\)$/;

const FOLDS: ReadonlyMap<string, Fold> = new Map<string, Fold>([
  ['length', sizeOf],
  ['size', sizeOf],
  [
    'keys',
    (value) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : null),
  ],
  ['first', (value) => (Array.isArray(value) ? (value[0] ?? null) : null)],
  ['last', (value) => (Array.isArray(value) ? (value.at(-1) ?? null) : null)],
  ['min', (value) => overNumbers(value, (numbers) => numbers.reduce((least, item) => Math.min(least, item)))],
  ['max', (value) => overNumbers(value, (numbers) => numbers.reduce((most, item) => Math.max(most, item)))],
  ['sum', (value) => overNumbers(value, total)],
  ['avg', (value) => overNumbers(value, (numbers) => total(numbers) / numbers.length)],
]);

/** Cuts a function off the end of a path: null when it is one that does not exist. */
export function foldTail(rest: string): { readonly path: string; readonly fold: Fold | null } | null {
  const match = TAIL.exec(rest);
  if (!match) return { path: rest, fold: null };
  const fold = FOLDS.get(match[1] ?? '');
  return fold ? { path: rest.slice(0, match.index), fold } : null;
}

function sizeOf(value: JsonValue): JsonValue {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return typeof value === 'object' && value !== null ? Object.keys(value).length : null;
}

function overNumbers(value: JsonValue, fold: (numbers: readonly number[]) => number): JsonValue {
  const numbers = Array.isArray(value) ? value.filter((item) => typeof item === 'number') : [];
  return numbers.length > 0 ? fold(numbers) : null;
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, item) => sum + item, 0);
}
