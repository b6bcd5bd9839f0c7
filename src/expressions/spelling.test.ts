import { expect, test } from 'vitest';
import type { JsonValue } from '../model/json.ts';
import { compileSpelling } from './spelling.ts';
import { compileTemplate } from './template.ts';

const KEY = '${workflow.vault.stripe.key}';
const fill = (literal: string) => (literal === KEY ? 'FILLED' : literal);

/** What a worker gets of a document, with `data` as the workflow's input. */
function handed(document: JsonValue, data: JsonValue): JsonValue {
  const input = compileTemplate(document).resolve({ lookup: () => data });
  return compileSpelling(document)?.(input, fill) ?? input;
}

test('fills where the document spells it, at any depth', () => {
  const document = { key: KEY, list: [1, { text: `Bearer ${KEY}, ${KEY}` }], twilio: '${workflow.vault.twilio.key}' };
  expect(handed(document, null)).toEqual({ ...document, key: 'FILLED', list: [1, { text: 'Bearer FILLED, FILLED' }] });
});

test.each<JsonValue>([KEY, `a ${KEY}`, { deep: [KEY] }, { [KEY]: KEY }])('%j as data stays data', (data) => {
  const document = { key: KEY, note: '${workflow.input}', texts: ['${workflow.input}'] };
  expect(handed(document, data)).toEqual({ key: 'FILLED', note: data, texts: [data] });
});

test('beside data in one text it is filled, unless the data says the same', () => {
  const document = { header: `${KEY} for \${workflow.input}` };
  expect(handed(document, 'Ada')).toEqual({ header: 'FILLED for Ada' });
  expect(handed(document, KEY)).toEqual({ header: `${KEY} for ${KEY}` });
});

test('an escaped one is text', () => {
  expect(handed({ key: KEY, how: `write $${KEY}` }, null)).toEqual({ key: 'FILLED', how: `write ${KEY}` });
});

test('keeps what an object would rather not have', () => {
  const data: JsonValue = JSON.parse('{"__proto__": {"a": 1}}');
  const filled = handed({ key: KEY, data: '${workflow.input}' }, data);
  expect(JSON.stringify(filled)).toBe('{"key":"FILLED","data":{"__proto__":{"a":1}}}');
});

test('a document that spells none has nothing to fill', () => {
  for (const document of [null, 1, 'text', ['${workflow.input.a}'], { a: `$${KEY}` }]) {
    expect(compileSpelling(document)).toBeNull();
  }
});
