// `Math.max(…)`, `Object.keys(…)`, `JSON.parse(…)`, `String(…)`: the functions that belong to no value. Owns the whole list;
// there is no way to any other, and none reads a clock or a random number.
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { Frame } from './frame.ts';
import { type Arity, arity } from './method.ts';
import type { Value } from './syntax-tree.ts';
import { chargedText, finite, isTrue, numberOf, weigh } from './values.ts';

export interface KnownFunction extends Arity {
  readonly apply: (args: readonly Value[], frame: Frame) => Value;
}

export const FUNCTIONS: ReadonlyMap<string, KnownFunction> = new Map<string, KnownFunction>([
  ['Object.keys', one((value, frame) => listed(value, frame, (object) => Object.keys(object)))],
  ['Object.values', one((value, frame) => listed(value, frame, (object) => Object.values(object)))],
  ['Object.entries', one((value, frame) => listed(value, frame, (object) => Object.entries(object)))],
  ['Array.isArray', one((value) => Array.isArray(value))],
  ['JSON.stringify', { least: 1, most: 3, apply: ([value, , indent], frame) => stringify(value, frame, indent) }],
  ['JSON.parse', one((value, frame) => parseJson(chargedText(value, frame), frame))],
  ['Number', one(toNumber)],
  ['String', one((value, frame) => chargedText(value, frame))],
  ['Boolean', one((value) => isTrue(value))],
  ['Math.abs', one((value) => calculate(value, Math.abs))],
  ['Math.round', one((value) => calculate(value, Math.round))],
  ['Math.floor', one((value) => calculate(value, Math.floor))],
  ['Math.ceil', one((value) => calculate(value, Math.ceil))],
  ['Math.trunc', one((value) => calculate(value, Math.trunc))],
  ['Math.sqrt', one((value) => calculate(value, Math.sqrt))],
  ['Math.pow', { ...arity(2), apply: ([base, power]) => calculate(base, (x) => x ** (numberOf(power) ?? Number.NaN)) }],
  ['Math.min', { ...arity(1, 100), apply: (args, frame) => extreme(args, frame, Math.min) }],
  ['Math.max', { ...arity(1, 100), apply: (args, frame) => extreme(args, frame, Math.max) }],
]);

function one(apply: (value: Value, frame: Frame) => Value): KnownFunction {
  return { ...arity(1), apply: ([value], frame) => apply(value, frame) };
}

export function calculate(value: Value, operation: (number: number) => number): Value {
  const number = numberOf(value);
  return number === undefined ? undefined : finite(operation(number));
}

/** True is 1 and false 0; what spells no number is missing, where JavaScript has NaN. */
export function toNumber(value: Value): Value {
  return typeof value === 'boolean' ? Number(value) : numberOf(value);
}

/** Keys, values or pairs: of an object, or of a list by its positions. */
export function listed(value: Value, frame: Frame, list: (object: JsonObject) => JsonValue[]): Value {
  if (typeof value !== 'object' || value === null) return undefined;
  const items = list(isJsonObject(value) ? value : Object.fromEntries(value.entries()));
  frame.charge(items.length);
  return items;
}

export function stringify(value: Value, frame: Frame, indent?: Value): Value {
  if (value === undefined) return undefined;
  weigh(value, frame);
  const spaces = typeof indent === 'number' ? indent : typeof indent === 'string' ? indent : undefined;
  return JSON.stringify(value, null, spaces);
}

/** What is no JSON is missing: it came from outside, and `??` can answer for it. */
function parseJson(text: string, frame: Frame): Value {
  frame.chargeText(text.length * 4);
  let value: JsonValue;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  weigh(value, frame);
  return value;
}

/** Of several numbers, or of one list of them. What is no number leaves no answer. */
function extreme(args: readonly Value[], frame: Frame, pick: (a: number, b: number) => number): Value {
  const [first] = args;
  const values = args.length === 1 && Array.isArray(first) ? first : args;
  frame.charge(values.length);
  let result: number | undefined;
  for (const value of values) {
    const number = numberOf(value);
    if (number === undefined) return undefined;
    result = result === undefined ? number : pick(result, number);
  }
  return result;
}
