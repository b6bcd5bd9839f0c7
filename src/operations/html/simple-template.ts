// The `simple` template language: `{{path.to.value}}`, escaped for HTML; `{{path | raw}}` (or `safe`) as it is. Nothing
// else is a tag. Owns its whole syntax; must never evaluate what it inserts.
import type { JsonValue } from '../../model/json.ts';

const TAG = /\{\{\s*([^{}|\s]+)\s*(?:\|\s*(raw|safe)\s*)?\}\}/g;
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** What is missing is empty; objects and lists are written as JSON. */
export function renderSimple(template: string, scope: JsonValue): string {
  return template.replace(TAG, (_, path: string, raw: string | undefined) => {
    const value = textOf(valueAt(scope, path));
    return raw === undefined ? escapeHtml(value) : value;
  });
}

/** Fit for text and for quoted attributes; not for scripts, styles or unquoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

function valueAt(scope: JsonValue, path: string): JsonValue | undefined {
  let value: JsonValue | undefined = scope;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Array.isArray(value) ? value[Number(key)] : value[key];
  }
  return value;
}

function textOf(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
