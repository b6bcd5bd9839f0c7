// A scope over plain data, for the tests of the ensemble language.
import type { JsonObject, JsonValue } from '../../model/json.ts';
import type { Scope } from '../template.ts';
import { compileExpression } from './expression.ts';
import type { Value } from './syntax-tree.ts';

export const DATA: JsonObject = {
  input: {
    name: 'Ada',
    count: 3,
    page: '2',
    zero: 0,
    empty: '',
    yes: true,
    no: false,
    nothing: null,
    tags: ['a', 'b', 'c'],
    numbers: [10, 9, 1],
    items: [
      { sku: 'x', price: 2, qty: 3, tags: ['t1'] },
      { sku: 'y', price: 5, qty: 1, tags: ['t2', 't3'] },
    ],
    nested: { deep: { value: 'found' } },
    'order-id': 'o-1',
    attack: '${input.name} {{input.name}} `${input.name}`',
  },
  'fetch-user': { output: { id: 7, list: [{ c: 'deep' }] }, success: true },
};

export function scopeOf(data: JsonObject): Scope {
  return { lookup: (root, field) => (field === '' && Object.hasOwn(data, root) ? data[root] : undefined) };
}

export const SCOPE = scopeOf(DATA);

export function evaluate(source: string, data: JsonObject = DATA): Value {
  return compileExpression(source).evaluate(scopeOf(data));
}

export function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

export type Row = readonly [string, JsonValue | undefined];
