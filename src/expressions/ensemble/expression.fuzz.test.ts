import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../model/json.ts';
import { compileCondition } from './condition.ts';
import { fillEnvText } from './env.ts';
import { compileExpression, ExpressionError } from './expression.ts';
import { errorOf, SCOPE, scopeOf } from './scope.fixture.ts';
import { compileEnsembleTemplate } from './template.ts';

const WORDS = [
  ...[
    'input',
    'fetch-user',
    'x',
    'name',
    'tags',
    'items',
    'env',
    'constructor',
    '__proto__',
    'prototype',
    'toString',
    'length',
  ],
  ...[
    'map',
    'filter',
    'reduce',
    'sort',
    'join',
    'slice',
    'repeat',
    'split',
    'flat',
    'concat',
    'at',
    'includes',
    'replaceAll',
  ],
  ...[
    'Math',
    'Object',
    'JSON',
    'max',
    'keys',
    'entries',
    'parse',
    'stringify',
    'uppercase',
    'default',
    'json',
    'typeof',
    'in',
  ],
  ...[
    '.',
    '?.',
    '[',
    ']',
    '(',
    ')',
    '{',
    '}',
    '${',
    '{{',
    '}}',
    '`',
    "'",
    '"',
    '\\',
    ',',
    ':',
    '?',
    '??',
    '|',
    '||',
    '&&',
    '!',
  ],
  ...[
    '==',
    '!=',
    '<',
    '>=',
    '+',
    '-',
    '*',
    '/',
    '%',
    '=>',
    '...',
    ' ',
    ' ',
    '\n',
    '0',
    '1',
    '3.5',
    'null',
    'true',
    'undefined',
    'é',
    '😀',
  ],
];
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom(...WORDS), maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
);

function orError<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    expect(error).toBeInstanceOf(ExpressionError);
    return undefined;
  }
}

describe('any text at all', () => {
  it('compiles or is refused; what compiles evaluates to JSON', () => {
    fc.assert(
      fc.property(text, (source) => {
        const value = orError(() => compileExpression(source))?.evaluate(SCOPE);
        expect(['undefined', 'string', 'number', 'boolean', 'object']).toContain(typeof value);
        if (value !== undefined) expect(JSON.parse(JSON.stringify(value))).toEqual(value);
      }),
      { numRuns: 3_000 },
    );
  });

  it('is a template, a condition and an env text, or is refused', () => {
    fc.assert(
      fc.property(text, (source) => {
        const template = orError(() => compileEnsembleTemplate({ a: source, b: `\${${source}}` }));
        if (template) JSON.stringify(template.resolve(SCOPE));
        orError(() => compileCondition(source))?.evaluate(SCOPE);
        orError(() => fillEnvText(source, { x: '1' }));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('no way leads out of the data', () => {
  const name = fc.constantFrom(
    'constructor',
    '__proto__',
    'prototype',
    'toString',
    'valueOf',
    '__lookupGetter__',
    'call',
    'apply',
    'bind',
  );
  const step = fc.oneof(
    name.map((key) => `.${key}`),
    name.map((key) => `?.${key}`),
    name.map((key) => `['${key}']`),
    name.map((key) => `["${key.slice(0, 2)}" + "${key.slice(2)}"]`),
    fc.constantFrom(
      '[key]',
      '[[key]]',
      '[0]',
      '.data',
      '.map(x => x[key])',
      '()',
      "('return 1')",
      '.at(0)',
      '| values',
      '| first',
    ),
  );
  const start = fc.constantFrom(
    'data',
    "''",
    '[]',
    '{}',
    '(1)',
    'true',
    'Math',
    'Object',
    'JSON',
    'String',
    'data.fn',
    '[].map',
    '`x`',
    'Object.keys(data)',
  );

  it('members of the host are never reached', () => {
    fc.assert(
      fc.property(start, fc.array(step, { minLength: 1, maxLength: 5 }), name, (from, steps, key) => {
        const data: JsonObject = { data: { a: [1, 'x', {}] }, key };
        const value = orError(() => compileExpression(from + steps.join('')))?.evaluate(scopeOf(data));
        expect(typeof value).not.toBe('function');
        if (typeof value === 'object' && value !== null) {
          expect([Object.prototype, Array.prototype]).not.toContain(value);
          expect([Object.prototype, Array.prototype]).toContain(Object.getPrototypeOf(value));
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('data with the names of the host stays data', () => {
    const data = JSON.parse(
      '{"o": {"__proto__": {"x": 1}, "constructor": {"prototype": {"y": 2}}, "hasOwnProperty": 3}}',
    );
    const rebuilt = compileExpression('[o].map(v => {...v, z: 1})[0]').evaluate(scopeOf(data));
    expect(JSON.stringify(rebuilt)).toBe(JSON.stringify(data.o).replace(/}$/, ',"z":1}'));
    expect(errorOf(() => compileExpression('o == o').evaluate(scopeOf(data)))).toBeUndefined();
    expect(Object.hasOwn(Object.prototype, 'x') || Object.hasOwn(Object.prototype, 'y')).toBe(false);
  });
});
