// Whether the result of a loop or decision expression means yes. Owns Conductor's rule, which is not JavaScript's.
import type { JsonValue } from '../model/json.ts';

/** Booleans as they are, numbers above 0, the string "true" in any case; everything else is no. */
export function isTruthy(value: JsonValue): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value > 0;
  return typeof value === 'string' && value.toLowerCase() === 'true';
}
