// The query of a search, `workflowType = billing AND status IN (FAILED, TIMED_OUT)`, as a filter for the store. Owns the
// fields and what may be asked of each. Must never throw anything but an AppError, nor pass over a condition: a search
// that finds more than was asked for is worse than a refusal.
import { didYouMean } from '../../../model/did-you-mean.ts';
import { RUN_STATUSES } from '../../../model/run-status.ts';
import type { RunFilter, TimeRange } from '../../../store/port.ts';
import { queryError, type SearchToken, searchTokens } from './search-tokens.ts';

interface Condition {
  readonly field: SearchToken;
  /** `=` and `IN` are one: a list of values. */
  readonly sign: string;
  readonly values: readonly SearchToken[];
}

type Draft = { -readonly [Field in keyof RunFilter]: RunFilter[Field] };
/** Narrows the filter. `wrong` makes the error for one of the values. */
type Field = (filter: Draft, condition: Condition, wrong: Wrong) => void;
type Wrong = (token: SearchToken, message: string) => Error;

const EVER: TimeRange = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

const ANY_RUN: RunFilter = {
  ids: null,
  names: null,
  correlationIds: null,
  versions: null,
  priorities: null,
  statuses: RUN_STATUSES,
  started: EVER,
  ended: null,
  updated: null,
  text: null,
};

const FIELDS: Readonly<Record<string, Field>> = {
  workflowId: (filter, condition, wrong) => {
    filter.ids = common(filter.ids, textsOf(condition, wrong));
  },
  workflowType: (filter, condition, wrong) => {
    filter.names = common(filter.names, textsOf(condition, wrong));
  },
  correlationId: (filter, condition, wrong) => {
    filter.correlationIds = common(filter.correlationIds, textsOf(condition, wrong));
  },
  version: (filter, condition, wrong) => {
    filter.versions = common(filter.versions, numbersOf(condition, wrong));
  },
  priority: (filter, condition, wrong) => {
    filter.priorities = common(filter.priorities, numbersOf(condition, wrong));
  },
  status: (filter, condition, wrong) => {
    const wanted = textsOf(condition, wrong);
    const unknown = condition.values.find(({ value }) => !RUN_STATUSES.some((status) => status === value));
    if (unknown) throw wrong(unknown, `must be one of ${RUN_STATUSES.join(', ')}`);
    filter.statuses = filter.statuses.filter((status) => wanted.includes(status));
  },
  startTime: (filter, condition, wrong) => {
    filter.started = within(filter.started, condition, wrong);
  },
  endTime: (filter, condition, wrong) => {
    filter.ended = within(filter.ended, condition, wrong);
  },
  updateTime: (filter, condition, wrong) => {
    filter.updated = within(filter.updated, condition, wrong);
  },
};

const FIELD_NAMES = Object.keys(FIELDS);

/** Null or `*` asks for every run. Throws AppError invalid_request, which names the place and how to mend it. */
export function searchFilter(query: string | null, freeText: string | null): RunFilter {
  const filter: Draft = { ...ANY_RUN, text: freeText === '*' ? null : freeText };
  if (query === null || query.trim() === '*') return filter;
  for (const condition of conditionsOf(searchTokens(query), query)) {
    const { field } = condition;
    const name = FIELD_NAMES.find((known) => known === field.value);
    const narrow = name === undefined ? undefined : FIELDS[name];
    if (!narrow) {
      const near = didYouMean(field.value, FIELD_NAMES);
      const mend = near ? `did you mean "${near}"?` : `must be one of ${FIELD_NAMES.join(', ')}`;
      throw queryError(`position ${field.position}: nothing is known of a field "${shown(field)}": ${mend}`, query);
    }
    narrow(filter, condition, (token, message) =>
      queryError(`position ${token.position}: ${field.value} ${message}, not "${shown(token)}"`, query),
    );
  }
  return filter;
}

/** `field sign value`, or `field IN (value, value)`, joined by AND. */
function conditionsOf(tokens: readonly SearchToken[], query: string): Condition[] {
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
    const field = take(`a field (${FIELD_NAMES.join(', ')})`, ({ kind }) => kind === 'word');
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
function common<T>(before: readonly T[] | null, now: readonly T[]): T[] {
  return [...new Set(before ? before.filter((value) => now.includes(value)) : now)];
}
