// What a search's query asks, condition by condition, of whatever fields there are: `state = FAILED AND name IN (a, b)`. Owns
// the grammar. Must never throw anything but an AppError, nor pass over a condition: a search that finds more than was asked
// for is worse than a refusal.
import { didYouMean } from '../../../model/did-you-mean.ts';
import type { TimeRange } from '../../../store/port.ts';
import { queryError, type SearchToken, searchTokens } from './search-tokens.ts';

export interface Condition {
  readonly field: SearchToken;
  /** `=` and `IN` are one: a list of values. */
  readonly sign: string;
  readonly values: readonly SearchToken[];
}

export type Wrong = (token: SearchToken, message: string) => Error;
export type Draft<Filter> = { -readonly [Field in keyof Filter]: Filter[Field] };
/** What each field makes of the filter. `wrong` makes the error for one of the values. */
export type Fields<Filter> = Readonly<
  Record<string, (filter: Draft<Filter>, condition: Condition, wrong: Wrong) => void>
>;

export const EVER: TimeRange = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

/** Null or `*` asks for everything. Throws AppError invalid_request, which names the place and how to mend it. */
export function narrowed<Filter>(query: string | null, fields: Fields<Filter>, any: Filter): Filter {
  const filter: Draft<Filter> = { ...any };
  if (query === null || query.trim() === '*') return filter;
  const names = Object.keys(fields);
  for (const condition of conditionsOf(searchTokens(query), query, names)) {
    const { field } = condition;
    const name = names.find((known) => known === field.value);
    const narrow = name === undefined ? undefined : fields[name];
    if (!narrow) {
      const near = didYouMean(field.value, names);
      const mend = near ? `did you mean "${near}"?` : `must be one of ${names.join(', ')}`;
      throw queryError(`position ${field.position}: nothing is known of a field "${shown(field)}": ${mend}`, query);
    }
    narrow(filter, condition, (token, message) =>
      queryError(`position ${token.position}: ${field.value} ${message}, not "${shown(token)}"`, query),
    );
  }
  return filter;
}

/** `field sign value`, or `field IN (value, value)`, joined by AND. */
function conditionsOf(tokens: readonly SearchToken[], query: string, names: readonly string[]): Condition[] {
  const conditions: Condition[] = [];
  let at = 0;
  const take = (what: string, fits: (token: SearchToken) => boolean): SearchToken => {
    const token = tokens[at];
    if (token && fits(token)) {
      at += 1;
      return token;
    }
    const found = token && token.kind !== 'end' ? `"${shown(token)}"` : 'the end';
    throw queryError(`position ${token?.position ?? query.length + 1}: ${what} must stand here, not ${found}`, query);
  };
  if (tokens[0]?.kind === 'end') return [];
  do {
    if (conditions.length > 0) take('AND', (token) => isKeyword(token, 'AND'));
    const field = take(`a field (${names.join(', ')})`, ({ kind }) => kind === 'word');
    const sign = take('one of = < > <= >= IN', (token) => isComparison(token) || isKeyword(token, 'IN'));
    const values = isComparison(sign) ? [take('a value', isValue)] : list(take);
    conditions.push({ field, sign: isComparison(sign) ? sign.value : '=', values });
  } while (tokens[at]?.kind !== 'end');
  return conditions;
}

function list(take: (what: string, fits: (token: SearchToken) => boolean) => SearchToken): SearchToken[] {
  take('"("', isSign('('));
  const values = [take('a value', isValue)];
  while (take('"," or ")"', (token) => isSign(',')(token) || isSign(')')(token)).value === ',') {
    values.push(take('a value', isValue));
  }
  return values;
}

const isSign = (value: string) => (token: SearchToken) => token.kind === 'sign' && token.value === value;
const isValue = ({ kind }: SearchToken) => kind === 'word' || kind === 'text';
const isComparison = ({ kind, value }: SearchToken) => kind === 'sign' && ['=', '<', '>', '<=', '>='].includes(value);
const isKeyword = ({ kind, value }: SearchToken, keyword: string) => kind === 'word' && value.toUpperCase() === keyword;
const shown = ({ value }: SearchToken) => (value.length > 60 ? `${value.slice(0, 60)}…` : value);

export function textsOf({ field, sign, values }: Condition, wrong: Wrong): string[] {
  if (sign !== '=') throw wrong({ ...field, value: sign }, 'is asked for by = or IN');
  const wild = values.find(({ value }) => value.startsWith('*') || value.endsWith('*'));
  if (wild) throw wrong(wild, 'must be given whole, without *');
  return values.map(({ value }) => value);
}

export function numbersOf(condition: Condition, wrong: Wrong): number[] {
  textsOf(condition, wrong);
  return condition.values.map((token) => wholeOf(token, wrong, 'must be a whole number'));
}

export function within(range: TimeRange | null, { sign, values }: Condition, wrong: Wrong): TimeRange {
  const times = values.map((token) => wholeOf(token, wrong, 'must be a time in epoch milliseconds'));
  const [ms = 0] = times;
  const [, second] = values;
  if (second) throw wrong(second, 'must be one time: ask for a range with >= and <=');
  const { fromMs, toMs } = range ?? EVER;
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
export function common<T>(before: readonly T[] | null, now: readonly T[]): T[] {
  return [...new Set(before ? before.filter((value) => now.includes(value)) : now)];
}
