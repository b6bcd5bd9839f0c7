// The declared inputs of an ensemble: reading their declarations, and applying them to what a caller sends. Must never
// change a value: text stays text, and null counts as given.

import { cutText } from '../model/cut-text.ts';
import type { EnsembleInputField } from '../model/ensemble.ts';
import { AppError, type FieldError } from '../model/error.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts';
import { type Cursor, suggestion } from './cursor.ts';

export const VALUE_TYPES = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'any'] as const;
type ValueType = (typeof VALUE_TYPES)[number];

const DECLARATION = new Set(['type', 'default', 'required', 'description']);

/** `input:` of an ensemble: each key a literal default, or a declaration. */
export function readInputFields(cursor: Cursor): EnsembleInputField[] {
  const fields = cursor.object();
  if (fields === undefined) return [];
  const shape = { what: 'the inputs', keys: Object.keys(fields) };
  return [...(cursor.fields(shape) ?? [])].map(([name, field]) => readField(name, field));
}

function readField(name: string, cursor: Cursor): EnsembleInputField {
  const value = cursor.json();
  if (!isDeclaration(value))
    return { name, type: null, description: null, required: false, default: noExpression(cursor, value) };
  const keys = cursor.fields({ what: 'an input', keys: [...DECLARATION] });
  const type = keys?.get('type');
  const typeName = type?.text('type: string');
  if (type !== undefined && typeName !== undefined && !isType(typeName)) {
    type.error(`"${typeName}" is not a type of input: ${VALUE_TYPES.join(', ')}`, suggestion(typeName, VALUE_TYPES));
  }
  const fallback = keys?.get('default');
  const given = fallback === undefined ? undefined : noExpression(fallback, fallback.json());
  if (
    fallback !== undefined &&
    given !== undefined &&
    typeName !== undefined &&
    isType(typeName) &&
    !hasType(given, typeName)
  ) {
    fallback.error(`The default of \`${name}\` must be ${described(typeName)}`, 'Change the default or the type.');
  }
  return {
    name,
    type: typeName !== undefined && isType(typeName) ? typeName : null,
    description: keys?.get('description')?.text() ?? null,
    required: keys?.get('required')?.flag() ?? false,
    default: given,
  };
}

/** An object declares an input only when it holds nothing else: any other object is a default. */
function isDeclaration(value: JsonValue): value is JsonObject {
  return (
    isJsonObject(value) && Object.keys(value).length > 0 && Object.keys(value).every((key) => DECLARATION.has(key))
  );
}

function noExpression(cursor: Cursor, value: JsonValue): JsonValue {
  if (/\$\{|\{\{/.test(JSON.stringify(value))) {
    cursor.warning(
      'A default is taken as it is: expressions in it are not evaluated',
      'Use `${input.x ?? …}` where the value is used.',
    );
  }
  return value;
}

/** Defaults stand in for what is absent. Throws AppError invalid_request with the fields that are missing or of another type. */
export function applyInputs(fields: readonly EnsembleInputField[], input: JsonObject): JsonObject {
  if (fields.length === 0) return input;
  const applied: JsonObject = { ...input };
  const wrong: FieldError[] = [];
  for (const field of fields) {
    const value = Object.hasOwn(input, field.name) ? input[field.name] : undefined;
    if (value === undefined) {
      if (field.default !== undefined) applied[field.name] = structuredClone(field.default);
      else if (field.required) wrong.push({ path: field.name, message: 'is required' });
    } else if (field.type !== null && isType(field.type) && !hasType(value, field.type)) {
      wrong.push({
        path: field.name,
        message: `must be ${described(field.type)}`,
        invalidValue: cutText(JSON.stringify(value), 100),
      });
    }
  }
  if (wrong.length === 0) return applied;
  throw new AppError(
    'invalid_request',
    `The input is not valid: ${wrong.map((w) => `${w.path} ${w.message}`).join(', ')}`,
    wrong,
  );
}

/** Queries and forms know only text: fields that are declared as numbers and booleans, read as such where they spell one. */
export function readTexts(fields: readonly EnsembleInputField[], texts: JsonObject): JsonObject {
  const types = new Map(fields.map((field) => [field.name, field.type]));
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, spelled(text, types.get(name) ?? null)]),
  );
}

function spelled(text: JsonValue, type: string | null): JsonValue {
  if (typeof text !== 'string') return text;
  if ((type === 'number' || type === 'integer') && /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(text)) return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

function isType(name: string): name is ValueType {
  return VALUE_TYPES.some((type) => type === name);
}

function hasType(value: JsonValue, type: ValueType): boolean {
  if (type === 'any') return true;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isJsonObject(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

function described(type: ValueType): string {
  if (type === 'string') return 'text';
  return type === 'any' ? 'any value' : `${/^[aio]/.test(type) ? 'an' : 'a'} ${type}`;
}
