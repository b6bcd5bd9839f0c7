// Puts environment values where the ensemble's author spelled `${env.X}`, in the copy that the agent gets and nowhere
// else. Works by position (`env` of the task's input, which only the definition writes), so the same text in data stays
// data. Must never change the document it was given.
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts';

/** `fill`: static text with `${env.X}` to its value; throws for a variable that is not set. */
export function fillEnvironment(taskInput: JsonObject, fill: (text: string) => string): JsonObject {
  if (!Object.hasOwn(taskInput, 'env')) return taskInput;
  const { env, ...rest } = taskInput;
  if (!isJsonObject(env)) return rest;
  let filled: JsonValue = rest;
  for (const [pointer, parts] of Object.entries(env)) {
    const path = pointer.split('/').slice(1).map(unescaped);
    filled = withValue(filled, path, joined(parts, fill));
  }
  return isJsonObject(filled) ? filled : rest;
}

/** Texts of the definition and pieces of data in turn, beginning with a text. */
function joined(parts: JsonValue | undefined, fill: (text: string) => string): string {
  if (!Array.isArray(parts)) return '';
  return parts.map((part, index) => (index % 2 === 0 ? fill(String(part)) : shown(part))).join('');
}

function shown(part: JsonValue): string {
  if (part === null) return '';
  return typeof part === 'object' ? JSON.stringify(part) : String(part);
}

function withValue(at: JsonValue, path: readonly string[], value: string): JsonValue {
  const [key, ...deeper] = path;
  if (key === undefined) return value;
  if (Array.isArray(at))
    return at.map((item, index) => (String(index) === key ? withValue(item, deeper, value) : item));
  const object = isJsonObject(at) ? at : {};
  return { ...object, [key]: withValue(object[key] ?? null, deeper, value) };
}

function unescaped(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~');
}
