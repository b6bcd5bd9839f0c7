// Checks a value against the schema an agent declares: JSON Schema, or the short form `{ url: string, count: number? }`.
// A schema is compiled once. Must never change the value.
import { z } from 'zod';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts';

const SHORT = /^(string|number|integer|boolean|object|array|any)(\[\])?(\?)?$/;
const TYPES = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'];
const LISTS = ['anyOf', 'oneOf', 'allOf', 'enum', 'prefixItems'];
const OBJECTS = ['properties', 'patternProperties', '$defs', 'definitions', 'not'];
const TEXTS = ['$ref', '$schema', '$id'];

const compiled = new WeakMap<object, z.ZodType>();

/** Throws Error, saying what of the schema cannot be understood. */
export function compileSchema(schema: JsonValue): z.ZodType {
  if (!isJsonObject(schema)) throw new Error('a schema is a mapping: JSON Schema, or `name: type` lines');
  const before = compiled.get(schema);
  if (before !== undefined) return before;
  const made = z.fromJSONSchema(isJsonSchema(schema) ? schema : fromShortForm(schema));
  compiled.set(schema, made);
  return made;
}

/** What is wrong with the value, in one line; null: nothing. */
export function validateAgainst(schema: JsonValue, value: JsonValue): string | null {
  const result = compileSchema(schema).safeParse(value);
  if (result.success) return null;
  return result.error.issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    .join('; ');
}

/** Something in it can mean nothing else. `{ type: string, url: string }` is the short form of two fields. */
function isJsonSchema(schema: JsonObject): boolean {
  const keys = Object.keys(schema);
  if (keys.length === 0) return true;
  if (
    LISTS.some((key) => Array.isArray(schema[key])) ||
    OBJECTS.some((key) => isJsonObject(schema[key]) && !isField(schema[key]))
  )
    return true;
  if (TEXTS.some((key) => typeof schema[key] === 'string' && !SHORT.test(schema[key]))) return true;
  const { type } = schema;
  if (Array.isArray(type)) return true;
  if (typeof type !== 'string' || !TYPES.includes(type)) return Object.hasOwn(schema, 'const');
  return keys.every((key) => key === 'type' || typeof schema[key] !== 'string' || !SHORT.test(schema[key]));
}

/** A field of the short form that is called as a keyword is: `properties: { type: string }`. */
function isField(value: JsonValue | undefined): boolean {
  return isJsonObject(value) && typeof value.type === 'string' && TYPES.includes(value.type);
}

function fromShortForm(fields: JsonObject): JsonObject {
  const properties: JsonObject = {};
  const required: string[] = [];
  for (const [name, field] of Object.entries(fields)) {
    const read = shortField(name, field);
    properties[name] = read.schema;
    if (read.required) required.push(name);
  }
  return { type: 'object', properties, required };
}

function shortField(name: string, field: JsonValue): { readonly schema: JsonValue; readonly required: boolean } {
  if (typeof field === 'string') {
    const [, type, list, optional] = SHORT.exec(field) ?? [];
    if (type === undefined)
      throw new Error(
        `"${field}" of \`${name}\` is not a type: string, number, integer, boolean, object, array or any, with [] for a list and ? for optional`,
      );
    const one: JsonObject = type === 'any' ? {} : { type };
    return { schema: list === undefined ? one : { type: 'array', items: one }, required: optional === undefined };
  }
  if (!isJsonObject(field)) throw new Error(`\`${name}\` must be a type or a schema`);
  const { required, ...rest } = field;
  if (typeof required !== 'boolean')
    return { schema: isJsonSchema(field) ? field : fromShortForm(field), required: false };
  return { schema: isJsonSchema(rest) ? rest : fromShortForm(rest), required };
}
