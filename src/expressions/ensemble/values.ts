// What the operators mean for JSON values. Owns text, truth, equality, order and reading of members, the same rules
// everywhere in the language. Must never read an inherited property, and never give NaN or Infinity: JSON has neither.
import type { JsonObject, JsonValue } from '../../model/json.ts';
import type { Frame } from './frame.ts';
import { FORBIDDEN, type Value } from './syntax-tree.ts';

/** Deeper documents cannot be printed everywhere. */
const DEPTH_MAX = 500;

/** As part of a text: what is missing or null reads as nothing, objects and lists as JSON. */
export function textOf(value: Value): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The same, paid for. */
export function chargedText(value: Value, frame: Frame): string {
  if (typeof value === 'object' && value !== null) weigh(value, frame);
  return textOf(value);
}

/** Pays for everything in a value, and refuses one that is too deep: lists made of lists grow faster than they cost. */
export function weigh(value: Value, frame: Frame, depth = 0): void {
  if (typeof value === 'string') frame.chargeText(value.length);
  else frame.charge(1);
  if (typeof value !== 'object' || value === null) return;
  if (depth >= DEPTH_MAX) throw frame.refuse(`makes a value nested deeper than ${DEPTH_MAX} levels`);
  if (Array.isArray(value)) {
    for (const item of value) weigh(item, frame, depth + 1);
    return;
  }
  for (const key of Object.keys(value)) {
    frame.chargeText(key.length);
    weigh(value[key], frame, depth + 1);
  }
}

/** JavaScript's: all but false, 0, empty text, null and what is missing. */
export function isTrue(value: Value): boolean {
  return Boolean(value);
}

/** Numbers, and texts that spell one, since query parameters are texts. Undefined: it is none. */
export function numberOf(value: Value): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || value.length > 400 || value.trim() === '') return undefined;
  return finite(Number(value));
}

/** No NaN, no Infinity, and no -0, which JSON does not tell from 0. */
export function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value + 0 : undefined;
}

/** Sums of numbers; with a text on either side, both joined. */
export function add(left: Value, right: Value, frame: Frame): Value {
  if (typeof left === 'number' && typeof right === 'number') return finite(left + right);
  if (typeof left !== 'string' && typeof right !== 'string') return undefined;
  const text = chargedText(left, frame) + chargedText(right, frame);
  // Joining shares both sides: it costs one step, and by its length only where the result is used.
  frame.checkText(text.length);
  return text;
}

/** Values are equal when their JSON is, whatever the order of members; null equals what is missing. */
export function isEqual(left: Value, right: Value, frame: Frame): boolean {
  if (left === right) return true;
  if (left === undefined || left === null) return right === undefined || right === null;
  if (typeof left !== 'object' || typeof right !== 'object' || right === null) return false;
  return sameContent(left, right, frame, 0);
}

function sameContent(
  left: JsonObject | JsonValue[],
  right: JsonObject | JsonValue[],
  frame: Frame,
  depth: number,
): boolean {
  frame.charge(1);
  if (depth >= DEPTH_MAX) throw frame.refuse(`compares values nested deeper than ${DEPTH_MAX} levels`);
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, index) => sameValue(item, right[index], frame, depth));
  }
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => Object.hasOwn(right, key) && sameValue(left[key], right[key], frame, depth));
}

function sameValue(left: Value, right: Value, frame: Frame, depth: number): boolean {
  frame.charge(1);
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  return sameContent(left, right, frame, depth + 1);
}

/** Below, equal or above 0; undefined when there is no order between the two. */
export function compare(left: Value, right: Value): number | undefined {
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0;
  const first = numberOf(left);
  const second = numberOf(right);
  return first === undefined || second === undefined ? undefined : first - second;
}

/** `'DE' in list` looks for an element, `'name' in object` for a member of its own. */
export function isIn(left: Value, right: Value, frame: Frame): boolean {
  if (typeof right !== 'object' || right === null) return false;
  if (Array.isArray(right)) return indexIn(right, left, frame) >= 0;
  return (typeof left === 'string' || typeof left === 'number') && Object.hasOwn(right, left);
}

export function indexIn(list: readonly JsonValue[], wanted: Value, frame: Frame): number {
  frame.charge(list.length);
  return list.findIndex((item) => isEqual(item, wanted, frame));
}

export function memberOf(value: Value, name: string): Value {
  if (typeof value === 'object' && value !== null) {
    if (!Array.isArray(value)) return Object.hasOwn(value, name) ? value[name] : undefined;
    return name === 'length' ? value.length : /^\d{1,10}$/.test(name) ? itemOf(value, Number(name)) : undefined;
  }
  return name === 'length' && typeof value === 'string' ? value.length : undefined;
}

export function elementOf(value: Value, index: Value): Value {
  if (typeof index === 'string') return FORBIDDEN.has(index) ? undefined : memberOf(value, index);
  if (typeof index !== 'number') return undefined;
  if (typeof value === 'string') return value[index];
  if (Array.isArray(value)) return itemOf(value, index);
  return memberOf(value, String(index));
}

function itemOf(list: readonly JsonValue[], index: number): Value {
  return index >= 0 && index < list.length ? list[index] : undefined;
}

/** Gives an object a member, also one named `__proto__`, which assigning would take for its prototype. */
export function put(object: JsonObject, key: string, value: JsonValue): void {
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}
