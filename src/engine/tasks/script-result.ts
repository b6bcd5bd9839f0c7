// How results of scripts read as answers: Conductor's truth values and case names.
import type { JsonValue } from '../../model/json.ts';

/** Booleans as they are, numbers above zero, "true" in any case. */
export function isTruthy(value: JsonValue): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value > 0;
  return typeof value === 'string' && value.trim().toLowerCase() === 'true';
}

/** The name of the case a value chooses; null chooses "null". */
export function caseName(value: JsonValue): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

/** Evaluators whose expression is the name of an input. */
export const VALUE_PARAM = 'value-param';
