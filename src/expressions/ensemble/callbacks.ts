// Methods of lists that take a function: map, filter, reduce and so on. Owns their meaning; every call of the function is
// paid for by whoever compiled it. Must never change the list it is given.
import type { JsonValue } from '../../model/json.ts';
import type { Frame } from './frame.ts';
import type { Value } from './syntax-tree.ts';
import { isTrue } from './values.ts';

/** A function written in the expression; parameters that it does not name are dropped. */
export type Callback = (frame: Frame, first: Value, second: Value, third: Value) => Value;

export interface CallbackMethod {
  /** Most parameters that the function may name. */
  readonly parameters: number;
  /** Arguments after the function. */
  readonly more: number;
  /** `initial` is given to reduce only: null when it was left out. */
  readonly apply: (list: readonly JsonValue[], call: Callback, frame: Frame, initial: Value, given: boolean) => Value;
}

export const CALLBACKS: ReadonlyMap<string, CallbackMethod> = new Map<string, CallbackMethod>([
  ['map', over((list, test) => list.map((item, index) => test(item, index) ?? null))],
  ['filter', over((list, test) => list.filter((item, index) => isTrue(test(item, index))))],
  ['find', over((list, test) => list.find((item, index) => isTrue(test(item, index))))],
  ['findIndex', over((list, test) => list.findIndex((item, index) => isTrue(test(item, index))))],
  ['some', over((list, test) => list.some((item, index) => isTrue(test(item, index))))],
  ['every', over((list, test) => list.every((item, index) => isTrue(test(item, index))))],
  ['flatMap', over((list, test, frame) => list.flatMap((item, index) => charged(test(item, index) ?? null, frame)))],
  ['reduce', { parameters: 3, more: 1, apply: reduce }],
  ['sort', { parameters: 2, more: 0, apply: sort }],
]);

type Each = (item: JsonValue, index: number) => Value;

function over(apply: (list: readonly JsonValue[], each: Each, frame: Frame) => Value): CallbackMethod {
  return {
    parameters: 2,
    more: 0,
    apply: (list, call, frame) => apply(list, (item, index) => call(frame, item, index, undefined), frame),
  };
}

function charged(value: JsonValue, frame: Frame): JsonValue {
  if (Array.isArray(value)) frame.charge(value.length);
  return value;
}

function reduce(list: readonly JsonValue[], call: Callback, frame: Frame, initial: Value, given: boolean): Value {
  let result = given ? initial : list[0];
  for (let index = given ? 0 : 1; index < list.length; index += 1) result = call(frame, result, list[index], index);
  return result;
}

function sort(list: readonly JsonValue[], call: Callback, frame: Frame): Value {
  return list.toSorted((a, b) => order(call(frame, a, b, undefined)));
}

/** What the function says, as JavaScript reads it: no number is no difference. */
function order(value: Value): number {
  return typeof value === 'number' ? value : 0;
}
