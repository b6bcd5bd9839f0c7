import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../model/json.ts';
import { compileSchema, validateAgainst } from './validate-against.ts';

const good: [JsonValue, JsonValue][] = [
  [{}, 'anything'],
  [{ url: 'string', count: 'number?' }, { url: 'x' }],
  [
    { url: 'string', count: 'number?' },
    { url: 'x', count: 1, more: true },
  ],
  [
    { tags: 'string[]', any: 'any' },
    { tags: ['a'], any: { x: 1 } },
  ],
  [
    { type: 'string', url: 'string' },
    { type: 'a', url: 'b' },
  ],
  [{ properties: 'object' }, { properties: {} }],
  [{ url: { type: 'string', required: true }, n: { type: 'integer' } }, { url: 'x' }],
  [{ user: { name: 'string' } }, { user: { name: 'x' } }],
  [{ type: 'string', description: 'a word' }, 'x'],
  [{ type: 'object', properties: { type: { type: 'string' } }, required: ['type'] }, { type: 'a' }],
  [{ enum: ['a', 'b'] }, 'b'],
  [{ type: ['string', 'null'] }, null],
  [{ anyOf: [{ type: 'string' }, { type: 'number' }] }, 1],
];

const bad: [JsonValue, JsonValue, string][] = [
  [{ url: 'string' }, {}, 'url: '],
  [{ url: 'string', count: 'number?' }, { url: 'x', count: 'y' }, 'count: '],
  [{ tags: 'string[]' }, { tags: [1] }, 'tags.0: '],
  [{ url: { type: 'string', required: true } }, {}, 'url: '],
  [{ type: 'object', properties: { n: { type: 'integer', minimum: 1 } }, required: ['n'] }, { n: 0 }, 'n: '],
  [{ type: 'object', additionalProperties: false, properties: {} }, { x: 1 }, 'x'],
  [{ enum: ['a', 'b'] }, 'c', 'Invalid'],
];

describe('the schemas of agents', () => {
  test.each(good)('%j takes %j', (schema, value) => {
    expect(validateAgainst(schema, value)).toBeNull();
  });

  test.each(bad)('%j refuses %j', (schema, value, told) => {
    expect(validateAgainst(schema, value)).toContain(told);
  });

  test('a schema is compiled once, and never changes the value', () => {
    const schema = { type: 'object', properties: { n: { type: 'number', default: 3 } } };
    expect(compileSchema(schema)).toBe(compileSchema(schema));
    const value = Object.freeze({ extra: 1 });
    expect(validateAgainst(schema, value)).toBeNull();
    expect(value).toEqual({ extra: 1 });
  });

  test.each([['text'], [['string']], [{ x: 5 }], [{ x: 'strng' }], [{ $ref: 'https://example.com/schema.json' }]])(
    '%j is no schema',
    (schema) => {
      expect(() => compileSchema(schema)).toThrow();
    },
  );
});
