// Output formats: a JSON value as text of a type. What has more than one candidate for the text is refused, not guessed.
import { stringify } from 'yaml';
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import { OutputError } from './header-rules.ts';

export const FORMAT_TYPES: Readonly<Record<string, string>> = {
  json: 'application/json',
  text: 'text/plain; charset=utf-8',
  html: 'text/html; charset=utf-8',
  xml: 'application/xml',
  csv: 'text/csv; charset=utf-8',
  markdown: 'text/markdown; charset=utf-8',
  yaml: 'application/x-yaml',
  ics: 'text/calendar; charset=utf-8',
  rss: 'application/rss+xml',
  atom: 'application/atom+xml',
};

export interface Formatted {
  readonly text: string;
  readonly contentType: string;
}

/** `format` as blocks hold it: a name, or `{type, extract?, contentType?}`. Throws OutputError. */
export function formatOutput(body: JsonValue, format: JsonObject): Formatted {
  const type = typeof format.type === 'string' ? format.type.toLowerCase() : '';
  const contentType = Object.hasOwn(FORMAT_TYPES, type) ? FORMAT_TYPES[type] : undefined;
  if (contentType === undefined) {
    throw new OutputError(
      'UNKNOWN_FORMAT',
      `The output has no format that is known. Known: ${Object.keys(FORMAT_TYPES).join(', ')}`,
    );
  }
  const extract = typeof format.extract === 'string' && format.extract !== '' ? format.extract : null;
  const text = render(extract === null ? body : at(body, extract), type, extract !== null);
  return { text, contentType: typeof format.contentType === 'string' ? format.contentType : contentType };
}

function render(value: JsonValue, type: string, extracted: boolean): string {
  if (type === 'json') return JSON.stringify(value);
  if (type === 'yaml') return typeof value === 'string' && extracted ? value : stringify(value);
  const one = extracted ? value : onlyField(value);
  if (type === 'csv' && Array.isArray(one)) return csv(one);
  if (typeof one === 'object' && one !== null) throw ambiguous(type);
  return one === null ? '' : String(one);
}

/** A body of a single field stands for that field. */
function onlyField(body: JsonValue): JsonValue {
  if (!isJsonObject(body)) return body;
  const [only, ...more] = Object.values(body);
  return only !== undefined && more.length === 0 ? only : body;
}

/** `a.b.0` in own members only. */
function at(body: JsonValue, path: string): JsonValue {
  let value: JsonValue | undefined = body;
  for (const key of path.split('.')) {
    if (Array.isArray(value)) value = /^\d+$/.test(key) ? value[Number(key)] : undefined;
    else value = isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  }
  if (value === undefined)
    throw new OutputError('FORMAT_EXTRACTION_FAILED', `The output has no field "${path}" to send.`);
  return value;
}

function csv(rows: readonly JsonValue[]): string {
  const names = [...new Set(rows.flatMap((row) => (isJsonObject(row) ? Object.keys(row) : [])))];
  const lines = rows.map((row) => {
    if (isJsonObject(row)) return names.map((name) => (Object.hasOwn(row, name) ? (row[name] ?? null) : null));
    return Array.isArray(row) ? row : [row];
  });
  return [...(names.length > 0 ? [names] : []), ...lines].map((line) => `${line.map(cell).join(',')}\r\n`).join('');
}

function cell(value: JsonValue): string {
  if (value === null) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function ambiguous(type: string): OutputError {
  return new OutputError(
    'FORMAT_EXTRACTION_FAILED',
    `The output has several fields, and ${type} sends one: name it with format: { type: ${type}, extract: <field> }.`,
  );
}
