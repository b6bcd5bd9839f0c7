// The query of a search, `workflowType = billing AND status IN (FAILED, TIMED_OUT)`, as a filter for the store. Owns the
// grammar; what may be asked of a field is the field's. Must never throw anything but an AppError, nor pass over a
// condition: a search that finds more than was asked for is worse than a refusal.
import { didYouMean } from '../../../model/did-you-mean.ts';
import { queryError, type SearchToken, searchTokens } from './search-tokens.ts';

export interface Condition {
  readonly field: SearchToken;
  /** `=` and `IN` are one: a list of values. `BETWEEN` has two. */
  readonly sign: string;
  readonly values: readonly SearchToken[];
}

/** Makes the error for one of the values. */
export type Wrong = (token: SearchToken, message: string) => Error;
/** Narrows the filter. */
export type Field<Filter> = (filter: Filter, condition: Condition, wrong: Wrong) => void;

/** Null or `*` leaves the filter as it is. Throws AppError invalid_request, which names the place and how to mend it. */
export function narrow<Filter>(filter: Filter, fields: Readonly<Record<string, Field<Filter>>>, query: string | null) {
  if (query === null || query.trim() === '*') return filter;
  const fieldNames = Object.keys(fields);
  for (const condition of conditionsOf(query, fieldNames)) {
    const { field } = condition;
    const name = fieldNames.find((known) => known === field.value);
    const narrowBy = name === undefined ? undefined : fields[name];
    if (!narrowBy) {
      const near = didYouMean(field.value, fieldNames);
      const mend = near ? `did you mean "${near}"?` : `must be one of ${fieldNames.join(', ')}`;
      throw queryError(`position ${field.position}: nothing is known of a field "${shown(field)}": ${mend}`, query);
    }
    narrowBy(filter, condition, (token, message) =>
      queryError(`position ${token.position}: ${field.value} ${message}, not "${shown(token)}"`, query),
    );
  }
  return filter;
}

/** `field sign value`, `field IN (value, value)` or `field BETWEEN value AND value`, joined by AND. */
function conditionsOf(query: string, fieldNames: readonly string[]): Condition[] {
  const tokens = searchTokens(query);
  const conditions: Condition[] = [];
  let at = 0;
  const take: Take = (what, fits) => {
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
    const field = take(`a field (${fieldNames.join(', ')})`, ({ kind }) => kind === 'word');
    const sign = take('one of = < > <= >= IN BETWEEN', (token) => isComparison(token) || isRelation(token));
    if (isComparison(sign)) conditions.push({ field, sign: sign.value, values: [take('a value', isValue)] });
    else if (isKeyword(sign, 'IN')) conditions.push({ field, sign: '=', values: list(take) });
    else conditions.push({ field, sign: 'BETWEEN', values: range(take) });
  } while (tokens[at]?.kind !== 'end');
  return conditions;
}

type Take = (what: string, fits: (token: SearchToken) => boolean) => SearchToken;

function range(take: Take): SearchToken[] {
  const from = take('a value', isValue);
  take('AND', (token) => isKeyword(token, 'AND'));
  return [from, take('a value', isValue)];
}

function list(take: Take): SearchToken[] {
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
const isRelation = (token: SearchToken) => isKeyword(token, 'IN') || isKeyword(token, 'BETWEEN');
const shown = ({ value }: SearchToken) => (value.length > 60 ? `${value.slice(0, 60)}…` : value);
