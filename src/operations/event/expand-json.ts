// Texts of a document that hold JSON objects or lists, as what they hold; also inside of what they held.
import type { JsonObject, JsonValue } from '../../model/json.ts';

/** Deeper than this a document is left as it is. */
const DEPTH_MAX = 100;

export function expandJson(document: JsonObject): JsonObject {
  return expandObject(document, 0);
}

function expandObject(object: JsonObject, depth: number): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, expand(value, depth + 1)]));
}

function expand(value: JsonValue, depth: number): JsonValue {
  if (depth > DEPTH_MAX) return value;
  if (Array.isArray(value)) return value.map((item) => expand(item, depth + 1));
  if (typeof value === 'object' && value !== null) return expandObject(value, depth);
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return expand(JSON.parse(value), depth + 1);
  } catch {
    return value;
  }
}
