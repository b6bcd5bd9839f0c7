// Filters: `value | name(arguments)`. Owns the whole list. What is missing passes through all of them but `default`,
// `boolean` and `json`, so that a `default` at the end still sees that it is missing.
import type { JsonValue } from '../../model/json.ts';
import type { Frame } from './frame.ts';
import { calculate, listed, stringify, toNumber } from './functions.ts';
import * as lists from './list-methods.ts';
import { type Arity, arity, wholeOf } from './method.ts';
import type { Value } from './syntax-tree.ts';
import { split } from './text-methods.ts';
import { chargedText, isTrue } from './values.ts';

export interface Filter extends Arity {
  readonly apply: (value: Value, frame: Frame, first: Value, second: Value) => Value;
}

/** Decimal places beyond this are none that a number has. */
const DIGITS_MAX = 15;
/** Texts that mean no, as query parameters and forms spell it. */
const NO: ReadonlySet<string> = new Set(['', 'false', '0', 'no', 'off']);

export const FILTERS: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ['uppercase', onText((text) => text.toUpperCase())],
  ['lowercase', onText((text) => text.toLowerCase())],
  ['capitalize', onText((text) => text.charAt(0).toUpperCase() + text.slice(1))],
  ['trim', onText((text) => text.trim())],
  ['string', onText((text) => text)],
  ['split', onText((text, frame, mark) => split(text, frame, mark ?? ','), arity(0, 1))],
  ['join', onList((list, frame, mark) => lists.join(list, frame, mark === undefined ? ',' : chargedText(mark, frame)))],
  ['sort', onList((list, frame) => lists.sort(list, frame), arity(0))],
  ['length', { ...arity(0), apply: lengthOf }],
  ['first', { ...arity(0), apply: (value) => at(value, 0) }],
  ['last', { ...arity(0), apply: (value) => at(value, -1) }],
  ['slice', { ...arity(1, 2), apply: slice }],
  ['reverse', { ...arity(0), apply: reverse }],
  ['abs', { ...arity(0), apply: (value) => calculate(value, Math.abs) }],
  ['floor', { ...arity(0), apply: (value) => calculate(value, Math.floor) }],
  ['ceil', { ...arity(0), apply: (value) => calculate(value, Math.ceil) }],
  ['round', { ...arity(0, 1), apply: round }],
  ['number', { ...arity(0), apply: toNumber }],
  ['boolean', { ...arity(0), apply: toBoolean }],
  ['keys', { ...arity(0), apply: (value, frame) => listed(value, frame, (object) => Object.keys(object)) }],
  ['values', { ...arity(0), apply: (value, frame) => listed(value, frame, (object) => Object.values(object)) }],
  ['default', { ...arity(1), apply: (value, _frame, other) => value ?? other }],
  ['json', { ...arity(0), apply: (value, frame) => stringify(value, frame) }],
]);

type OnText = (text: string, frame: Frame, first: Value) => Value;
type OnList = (list: readonly JsonValue[], frame: Frame, first: Value) => Value;

function onText(apply: OnText, takes = arity(0)): Filter {
  return {
    ...takes,
    apply: (value, frame, first) => {
      if (value === undefined || value === null) return undefined;
      const text = chargedText(value, frame);
      frame.chargeText(text.length);
      return apply(text, frame, first);
    },
  };
}

function onList(apply: OnList, takes = arity(0, 1)): Filter {
  return { ...takes, apply: (value, frame, first) => (Array.isArray(value) ? apply(value, frame, first) : undefined) };
}

function lengthOf(value: Value): Value {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return typeof value === 'object' && value !== null ? Object.keys(value).length : undefined;
}

function at(value: Value, index: number): Value {
  return typeof value === 'string' || Array.isArray(value) ? value.at(index) : undefined;
}

function slice(value: Value, frame: Frame, from: Value, to: Value): Value {
  if (Array.isArray(value)) return lists.slice(value, frame, from, to);
  return typeof value === 'string' ? value.slice(wholeOf(from, 0), wholeOf(to, undefined)) : undefined;
}

function reverse(value: Value, frame: Frame): Value {
  if (Array.isArray(value)) return lists.reverse(value, frame);
  if (typeof value !== 'string') return undefined;
  frame.charge(value.length);
  return [...value].reverse().join('');
}

/** To whole numbers, or to so many decimal places. */
function round(value: Value, _frame: Frame, digits: Value): Value {
  const places = Math.min(Math.max(wholeOf(digits, 0), 0), DIGITS_MAX);
  return calculate(value, (number) => Number(`${Math.round(Number(`${number}e${places}`))}e-${places}`));
}

function toBoolean(value: Value): Value {
  return typeof value === 'string' ? !NO.has(value.trim().toLowerCase()) : isTrue(value);
}
