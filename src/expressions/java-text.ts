// How a value reads inside a longer string: the way Java prints maps and lists, which existing definitions rely on.
// Must never throw, whatever the depth of the value.
import type { JsonValue } from '../model/json.ts';

/** Deeper levels print as an ellipsis: a document from outside must not run us out of stack. */
const DEPTH_MAX = 200;

/** `{a=1, b=[x, null]}`; strings as they are, null as "null". */
export function javaText(value: JsonValue): string {
  return typeof value === 'string' ? value : print(value, 0);
}

/** Compact JSON; "null" for what is nested too deeply to print. */
export function jsonText(value: JsonValue): string {
  try {
    return JSON.stringify(value);
  } catch {
    return 'null';
  }
}

function print(value: JsonValue, depth: number): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return numberText(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (depth >= DEPTH_MAX) return '...';
  if (Array.isArray(value)) return `[${value.map((item) => print(item, depth + 1)).join(', ')}]`;
  const entries = Object.entries(value).map(([key, item]) => `${key}=${print(item, depth + 1)}`);
  return `{${entries.join(', ')}}`;
}

/** Whole numbers in full: 1e21 is the integer 1000000000000000000000, not a float. */
function numberText(value: number): string {
  return Number.isInteger(value) && Math.abs(value) >= 1e21 ? BigInt(value).toString() : String(value);
}
