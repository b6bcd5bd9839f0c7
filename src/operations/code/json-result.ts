// What a handler returned, as JSON. Owns what is let through and what is refused by name and place: a value that would
// be stored as something else than it is (a Map as `{}`) is a mistake that must be seen. Must never change what it is given.
import { put } from '../../expressions/ensemble/values.ts';
import { cutText } from '../../model/cut-text.ts';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import { AgentError } from '../operation.ts';

const DEPTH_MAX = 200;

/**
 * Undefined becomes null, in an object it is left out; NaN and the infinities become null; `toJSON` is honoured (a Date
 * is ISO text), as JSON.stringify does. Throws AgentError, not retryable, for a Response, Map, Set, bytes, function,
 * symbol, BigInt, promise, cycle, and for what is nested more than 200 deep.
 */
export function jsonResult(value: unknown): JsonValue {
  return convert(value, 'the result', []) ?? null;
}

function convert(given: unknown, place: string, above: readonly object[]): JsonValue | undefined {
  const value = toJson(given);
  switch (typeof value) {
    case 'undefined':
      return undefined;
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      // JSON has no -0: adding 0 makes it what will be read back.
      return Number.isFinite(value) ? value + 0 : null;
    case 'object':
      return value === null ? null : structure(value, place, above);
    default:
      throw refused(place, typeof value === 'bigint' ? 'a BigInt: send it as text' : `a ${typeof value}`);
  }
}

function structure(value: object, place: string, above: readonly object[]): JsonValue {
  const kind = unwelcome(value);
  if (kind !== null) throw refused(place, kind);
  if (above.includes(value)) throw refused(place, 'a cycle: it contains itself');
  if (above.length >= DEPTH_MAX) throw refused(cutText(place, 80), `nested more than ${DEPTH_MAX} deep`);
  const path = [...above, value];
  if (Array.isArray(value)) return value.map((each, index) => convert(each, `${place}[${index}]`, path) ?? null);
  const converted: JsonObject = {};
  for (const [key, each] of Object.entries(value)) {
    const json = convert(each, `${place}.${key}`, path);
    if (json !== undefined) put(converted, key, json);
  }
  return converted;
}

function toJson(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('toJSON' in value)) return value;
  return typeof value.toJSON === 'function' ? value.toJSON() : value;
}

function unwelcome(value: object): string | null {
  if (Object.getPrototypeOf(value) === Object.prototype) return null;
  if (value instanceof Response) return 'a Response: return its data (`await response.json()`), or use output blocks';
  if (value instanceof Promise) return 'a promise: await it';
  if (value instanceof Map || value instanceof Set) return 'a Map or Set: make it an object or a list';
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return 'bytes: send them as base64 text';
  if (value instanceof Request || value instanceof ReadableStream || value instanceof Blob) return 'a stream of bytes';
  return null;
}

function refused(place: string, what: string): AgentError {
  return new AgentError(`The handler must return JSON, but ${place} is ${what}.`, false);
}
