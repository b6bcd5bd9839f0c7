// What may be asked of a field of a search, and of which field of the filter it narrows. Must never widen a filter: two
// conditions on one field both hold.
import type { TimeRange } from '../../../store/reads.ts';
import type { Condition, Wrong } from './search-query.ts';
import type { SearchToken } from './search-tokens.ts';

export const EVER: TimeRange = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

export function texts<Key extends string>(key: Key) {
  return (filter: Record<Key, readonly string[] | null>, condition: Condition, wrong: Wrong) => {
    filter[key] = common(filter[key], textsOf(condition, wrong));
  };
}

export function numbers<Key extends string>(key: Key) {
  return (filter: Record<Key, readonly number[] | null>, condition: Condition, wrong: Wrong) => {
    filter[key] = common(filter[key], numbersOf(condition, wrong));
  };
}

export function times<Key extends string>(key: Key) {
  return (filter: Record<Key, TimeRange | null>, condition: Condition, wrong: Wrong) => {
    filter[key] = within(filter[key], condition, wrong);
  };
}

export function statusOf<Status extends string>(known: readonly Status[]) {
  return (filter: { statuses: readonly Status[] }, condition: Condition, wrong: Wrong) => {
    const wanted = textsOf(condition, wrong);
    const unknown = condition.values.find(({ value }) => !known.some((status) => status === value));
    if (unknown) throw wrong(unknown, `must be one of ${known.join(', ')}`);
    filter.statuses = filter.statuses.filter((status) => wanted.includes(status));
  };
}

function textsOf({ field, sign, values }: Condition, wrong: Wrong): string[] {
  if (sign !== '=') throw wrong({ ...field, value: sign }, 'is asked for by = or IN');
  const wild = values.find(({ value }) => value.startsWith('*') || value.endsWith('*'));
  if (wild) throw wrong(wild, 'must be given whole, without *');
  return values.map(({ value }) => value);
}

function numbersOf(condition: Condition, wrong: Wrong): number[] {
  textsOf(condition, wrong);
  return condition.values.map((token) => wholeOf(token, wrong, 'must be a whole number'));
}

function within(range: TimeRange | null, { sign, values }: Condition, wrong: Wrong): TimeRange {
  const [ms = 0, lastMs = 0] = values.map((token) => wholeOf(token, wrong, 'must be a time in epoch milliseconds'));
  const { fromMs, toMs } = range ?? EVER;
  if (sign === 'BETWEEN') return { fromMs: Math.max(fromMs, ms), toMs: Math.min(toMs, lastMs) };
  const [, second] = values;
  if (second) throw wrong(second, 'must be one time: ask for a range with BETWEEN');
  return {
    fromMs: sign === '>' ? Math.max(fromMs, ms + 1) : sign === '<' || sign === '<=' ? fromMs : Math.max(fromMs, ms),
    toMs: sign === '<' ? Math.min(toMs, ms - 1) : sign === '>' || sign === '>=' ? toMs : Math.min(toMs, ms),
  };
}

function wholeOf(token: SearchToken, wrong: Wrong, message: string): number {
  if (!/^\d{1,15}$/.test(token.value)) throw wrong(token, message);
  return Number(token.value);
}

/** Two conditions on one field both hold. */
function common<T>(before: readonly T[] | null, now: readonly T[]): T[] {
  return [...new Set(before ? before.filter((value) => now.includes(value)) : now)];
}
