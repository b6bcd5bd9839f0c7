// Bodies and queries, parsed at the edge: text to JSON, JSON to a model type, and what is wrong with it as fields.
import type { z } from 'zod';
import { shortenText } from '../model/cut-text.ts';
import { AppError, type FieldError } from '../model/error.ts';
import { VALIDATION_MESSAGE } from './errors.ts';
import { assertShallow } from './json-depth.ts';
import type { HttpRequest } from './route.ts';

const FIELD_ERRORS_MAX = 50;
const INVALID_VALUE_CHARS_MAX = 200;

/** The body as a model type. Throws AppError malformed_json | invalid_request | payload_too_large. */
export async function readBody<T>(request: HttpRequest, schema: z.ZodType<T>): Promise<T> {
  return check(schema, await request.json());
}

/** Throws AppError invalid_request with every wrong field. */
export function check<T>(schema: z.ZodType<T>, document: unknown): T {
  const parsed = schema.safeParse(document);
  if (parsed.success) return parsed.data;
  throw validationError(fieldErrors(parsed.error.issues, document));
}

export function validationError(fields: readonly FieldError[]): AppError {
  return new AppError('invalid_request', VALIDATION_MESSAGE, fields);
}

/** Throws AppError malformed_json, or invalid_request when it nests too deeply to be handled. */
export function parseJson(text: string): unknown {
  if (text === '') return undefined;
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new AppError('malformed_json', 'The body is not valid JSON. Send a JSON document.');
  }
  assertShallow(text);
  return document;
}

function fieldErrors(issues: readonly z.core.$ZodIssue[], document: unknown): FieldError[] {
  return issues.slice(0, FIELD_ERRORS_MAX).map((issue) => {
    const invalidValue = shown(valueAt(document, issue.path));
    const field = { path: pathText(issue.path), message: issue.message };
    return invalidValue === undefined ? field : { ...field, invalidValue };
  });
}

/** `tasks[0].name`; "" for the document itself. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}

function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  let value = document;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

function shown(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return shortenText(text, INVALID_VALUE_CHARS_MAX);
}
