import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../model/json.ts';
import { ExpressionError } from './expression.ts';
import { DATA, errorOf, SCOPE, scopeOf } from './scope.fixture.ts';
import { compileEnsembleTemplate } from './template.ts';

function resolve(document: JsonValue): JsonValue {
  return compileEnsembleTemplate(document).resolve(SCOPE);
}

describe('a string that is one expression keeps the type of its value', () => {
  it.each<[string, JsonValue]>([
    ['${input.count}', 3],
    ['{{input.count}}', 3],
    ['{{ input.yes }}', true],
    ['${input.tags}', ['a', 'b', 'c']],
    ['${input.tags}\n', ['a', 'b', 'c']],
    ['${input.missing}', null],
    ['${ {a: {b: "}"}} }', { a: { b: '}' } }],
    ['{{ {a: {b: "}}"}} }}', { a: { b: '}}' } }],
    ['${`a${`}`}`}', 'a}'],
    ["${input.missing ?? '}'}", '}'],
  ])('%s', (text, expected) => expect(resolve(text)).toEqual(expected));

  it('hands out the very value it found', () => {
    expect(resolve('${input}')).toBe(DATA.input);
  });
});

describe('inside a longer string values become text', () => {
  it.each([
    ['Hi ${input.name}!', 'Hi Ada!'],
    ['${input.name}{{input.count}}', 'Ada3'],
    ['<${input.missing}|${input.nothing}|${input.empty}>', '<||>'],
    ['${input.tags} ${input.nested} ${input.yes}', '["a","b","c"] {"deep":{"value":"found"}} true'],
    ['\\${input.name} \\{{input.name}} ${input.name}', '${input.name} {{input.name}} Ada'],
    ['a $b {c} } \\ \\n', 'a $b {c} } \\ \\n'],
    ['${input.name}\n\n', 'Ada\n\n'],
  ])('%s', (text, expected) => expect(resolve(text)).toBe(expected));
});

describe('documents', () => {
  it('leave keys alone, drop members that are missing, and keep the places of elements', () => {
    expect(
      resolve({
        '${input.name}': ['${input.missing}', '${input.count}', { a: '${input.missing}', b: '${input.nothing}' }],
        c: 1,
      }),
    ).toEqual({ '${input.name}': [null, 3, { b: null }], c: 1 });
  });

  it('that hold no expression are constant, and the same object each time', () => {
    const document = { a: [1, 'x', { b: null }], c: '$5 {d}' };
    const template = compileEnsembleTemplate(document);
    expect(template.constant).toBe(true);
    expect(template.resolve(SCOPE)).toBe(document);
  });

  it('are constant when their expressions read nothing', () => {
    const template = compileEnsembleTemplate({ a: '${1 + 1}', b: '\\${x}', c: 'n=${2 * 2}' });
    expect(template.constant).toBe(true);
    expect(template.resolve(SCOPE)).toEqual({ a: 2, b: '${x}', c: 'n=4' });
  });

  it('say what they read', () => {
    const { roots } = compileEnsembleTemplate({
      a: 'x ${fetch-user.output.id}',
      b: ['{{ input.x + items.map(x => x.y + z) }}'],
    });
    expect([...roots].sort()).toEqual(['fetch-user', 'input', 'items', 'z']);
  });

  it('keep a member named __proto__ as a member', () => {
    const document = JSON.parse('{"__proto__": "${input.name}"}');
    expect(JSON.stringify(resolve(document))).toBe('{"__proto__":"Ada"}');
  });

  it('may hold another template language in double braces when told so', () => {
    const template = compileEnsembleTemplate('{{ title | upcase }} {% if x %} ${input.name}', { braces: false });
    expect(template.resolve(SCOPE)).toBe('{{ title | upcase }} {% if x %} Ada');
  });

  it.each([
    ['a ${input.name', 2],
    ['a {{input.name}', 2],
    ['ab ${}', 5],
    ['ab ${input.name | nope}', 16],
    ['${input.name} ${1 +}', 19],
    ['${env.X + input.y}', 8],
  ])('with a mistake say where in the string: %s', (text, offset) => {
    const error = errorOf(() => compileEnsembleTemplate({ a: [text] }));
    expect(error).toBeInstanceOf(ExpressionError);
    expect(error).toMatchObject({ offset });
  });
});

describe('env stays as it is written', () => {
  it.each(['${env.TOKEN}', 'Bearer ${env.TOKEN}', '{{env.A}}/${env.B ?? "x"}', '$env.TOKEN', "${'k'}=${env.K} \\${x}"])(
    '%s',
    (text) => {
      const template = compileEnsembleTemplate({ a: text });
      expect(template.constant).toBe(true);
      expect(template.resolve(scopeOf({ env: { TOKEN: 'secret', A: 'secret', B: 'secret', K: 'secret' } }))).toEqual({
        a: text,
      });
      expect([...template.literals]).toEqual([text]);
      expect(template.roots.size).toBe(0);
    },
  );

  it('also beside data, in texts that are not taken apart before', () => {
    const template = compileEnsembleTemplate('${env.BASE}/${input.name}');
    expect(template.resolve(scopeOf({ input: { name: 'Ada' }, env: { BASE: 'secret' } }))).toBe('${env.BASE}/Ada');
    expect([...template.roots]).toEqual(['input']);
  });

  it('unless it is to be read as data', () => {
    const template = compileEnsembleTemplate({ a: '${env.X} ${input.y}', b: '$env.X' }, { env: 'data' });
    expect(template.resolve(scopeOf({ env: { X: 'x' }, input: { y: 1 } }))).toEqual({ a: 'x 1', b: 'x' });
  });

  it('a mistake in it is found all the same', () => {
    expect(errorOf(() => compileEnsembleTemplate('${env.X | nope}'))).toBeInstanceOf(ExpressionError);
  });
});

describe('data is never evaluated', () => {
  const attacks = fc.oneof(
    fc.constantFrom(
      '${input.secret}',
      '{{input.secret}}',
      '`${input.secret}`',
      '\\${input.secret}',
      '$env.SECRET',
      '${env.SECRET}',
      "'}${input.secret}",
    ),
    fc.string({ unit: fc.constantFrom('$', '{', '}', '`', "'", '\\', 'input.secret', ' ', 'a') }),
  );

  it('what looks like an expression comes out as it went in', () => {
    const template = compileEnsembleTemplate({
      whole: '${input.data}',
      part: '<${input.data}>',
      built: "${'a' + input.data}",
      literal: '${`(${input.data})`}',
      mapped: '${[input.data].map(x => x)}',
      replaced: "${'x'.replace('x', input.data)}",
      again: '{{ input.data }}',
    });
    fc.assert(
      fc.property(attacks, (data) => {
        const scope = scopeOf({ input: { data, secret: 'S3CRET' } });
        const expected = {
          whole: data,
          part: `<${data}>`,
          built: `a${data}`,
          literal: `(${data})`,
          mapped: [data],
          replaced: data,
          again: data,
        };
        expect(template.resolve(scope)).toEqual(expected);
        expect(template.resolve(scope)).toEqual(expected);
      }),
    );
  });

  it('resolving twice never differs, whatever was resolved between', () => {
    const template = compileEnsembleTemplate({ a: '${input.x}', b: 'n ${input.x | json}', c: ['{{input.x ?? 1}}'] });
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (first, second) => {
        const one = JSON.parse(JSON.stringify(first));
        const before = JSON.stringify(template.resolve(scopeOf({ input: { x: one } })));
        template.resolve(scopeOf({ input: { x: JSON.parse(JSON.stringify(second)) } }));
        expect(JSON.stringify(template.resolve(scopeOf({ input: { x: one } })))).toBe(before);
      }),
    );
  });
});
