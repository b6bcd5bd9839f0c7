import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../model/json.ts';
import { compileTemplate, type Scope } from './template.ts';

const MAP: JsonObject = { a: 1, b: '2', c: [1, null, { d: true }] };

const DATA: Record<string, JsonObject> = {
  workflow: {
    input: {
      x: 5,
      flag: false,
      nothing: null,
      name: 'Ada',
      vendor: 'stripe',
      key: 'b',
      id: 2,
      customers: [
        { id: 1, name: 'one', paid: true },
        { id: 2, name: 'two', paid: false },
        { id: 3, name: 'three', paid: true },
      ],
      'order-id': 'o-1',
      'a.b': 'dotted',
      map: MAP,
      numbers: [3, 1, 2],
      attack: '${workflow.input.name}',
      vaultText: '${workflow.vault.stripe.key}',
    },
    workflowId: 'wf-1',
    status: 'RUNNING',
  },
  fetch: { output: { response: { body: { items: [{ c: 'deep' }], b: { k: 'x' } } } }, status: 'COMPLETED' },
};

const scope: Scope = {
  lookup: (root, field) => {
    const found = Object.hasOwn(DATA, root) ? DATA[root] : undefined;
    return found !== undefined && Object.hasOwn(found, field) ? found[field] : undefined;
  },
};

function resolve(document: JsonValue): JsonValue {
  return compileTemplate(document).resolve(scope);
}

describe('K14: whole-string expressions keep their JSON type', () => {
  it.each<[string, JsonValue]>([
    ['${workflow.input.x}', 5],
    ['${workflow.input.flag}', false],
    ['${workflow.input.nothing}', null],
    ['${workflow.workflowId}', 'wf-1'],
    ['${ workflow.input.x }', 5],
    ['${fetch.output.response.body.items[0].c}', 'deep'],
    ['${fetch.status}', 'COMPLETED'],
    ["${workflow.input['a.b']}", 'dotted'],
    ['${workflow.input["a.b"]}', 'dotted'],
    ['${workflow.input.order-id}', 'o-1'],
    ['${workflow.input.customers[-1].name}', 'three'],
    ['${workflow.input.numbers}', [3, 1, 2]],
  ])('%s', (text, expected) => expect(resolve(text)).toEqual(expected));

  it('hands out the very value it found, never a copy', () => {
    expect(resolve('${workflow.input.map}')).toBe(MAP);
  });

  it('resolves anywhere in maps and lists, but never keys', () => {
    expect(resolve({ '${workflow.input.x}': ['${workflow.input.x}', { a: 'n=${workflow.input.x}' }] })).toEqual({
      '${workflow.input.x}': [5, { a: 'n=5' }],
    });
  });

  it('gives an explicit null for what is not there', () => {
    expect(resolve({ a: '${workflow.input.missing.deeper}', b: '${nobody.output.x}', c: '${typo}' })).toEqual({
      a: null,
      b: null,
      c: null,
    });
  });
});

describe('embedded expressions read as Java prints them', () => {
  it.each([
    ['id ${workflow.input.x}.', 'id 5.'],
    ['${workflow.input.name}${workflow.input.x}', 'Ada5'],
    ['<${workflow.input.nothing}>', '<null>'],
    ['<${workflow.input.missing}>', '<null>'],
    ['<${workflow.input.map}>', '<{a=1, b=2, c=[1, null, {d=true}]}>'],
    ['<${workflow.input.numbers}>', '<[3, 1, 2]>'],
    ['<${workflow.input.customers[*].name}>', '<["one","two","three"]>'],
    ['<${}>', '<>'],
    ['<${  }>', '<>'],
  ])('%s', (text, expected) => expect(resolve(text)).toBe(expected));

  it('reads a whole blank expression as an empty string', () => expect(resolve('${}')).toBe(''));
});

describe('JSONPath', () => {
  it.each<[string, JsonValue]>([
    ['${workflow.input.customers[?(@.paid == true)].id}', [1, 3]],
    ['${workflow.input.customers[?(@.id > 1 && @.paid)].name}', ['two', 'three']],
    ['${workflow.input.customers[*].id}', [1, 2, 3]],
    ['${workflow.input.customers[0:2].id}', [1, 2]],
    ['${workflow.input..id}', [2, 1, 2, 3]],
    ['${workflow.input.customers.length()}', 3],
    ['${workflow.input.customers[?(@.paid == true)].length()}', 2],
    ['${workflow.input.numbers.max()}', 3],
    ['${workflow.input.numbers.sum()}', 6],
    ['${workflow.input.numbers.avg()}', 2],
    ['${workflow.input.name.sum()}', null],
    ['${workflow.input.customers[?(@.id == 9)]}', []],
    ['${workflow.input.missing[*].id}', []],
    ['${workflow.input.customers[?(@@@)]}', null],
    ['${workflow.input.customers.unknown()}', null],
    ['${workflow.input.customers[?(match(@.name, "(a+)+"))]}', null],
  ])('%s', (text, expected) => expect(resolve(text)).toEqual(expected));
});

describe('nesting and escapes', () => {
  it.each<[string, JsonValue]>([
    ['${fetch.output.response.body.${workflow.input.key}.k}', 'x'],
    ['${workflow.input.customers[?(@.id==${workflow.input.id})].name}', ['two']],
    ["${workflow.input.customers[?(@.name=='${fetch.output.nope}')].name}", []],
    ['${${workflow.input.missing}}', null],
    ['x ${workflow.input.${workflow.input.missing}} y', 'x null y'],
    ['$${workflow.input.x}', '${workflow.input.x}'],
    ['a $${b} ${workflow.input.x} c', 'a ${b} 5 c'],
    ['$${a.${workflow.input.x}}', '${a.5}'],
    ['${unclosed', '${unclosed'],
    ['${unclosed ${workflow.input.x}', '${unclosed 5'],
    ['$', '$'],
    ['$$', '$$'],
    ['}{', '}{'],
    ["${workflow.input['}']}", null],
  ])('%s', (text, expected) => expect(resolve(text)).toEqual(expected));
});

describe('hand-off placeholders stay text', () => {
  it.each([
    '${workflow.vault.stripe.key}',
    'Bearer ${workflow.vault.stripe.key}',
    '${workflow.secrets.API_KEY}',
    '${workflow.secrets.DB.password}',
  ])('%s', (text) => {
    const template = compileTemplate({ text });
    expect(template.constant).toBe(true);
    expect(template.resolve(scope)).toEqual({ text });
  });

  it('also when the vendor is computed', () => {
    expect(resolve('${workflow.vault.${workflow.input.vendor}.key}')).toBe('${workflow.vault.stripe.key}');
  });

  it('lists those the definition spells, so that the same text in data is not one of them', () => {
    const template = compileTemplate({ a: 'Bearer ${workflow.vault.stripe.key}', b: '${workflow.input.vaultText}' });
    expect([...template.literals]).toEqual(['${workflow.vault.stripe.key}']);
  });

  it('never reads the environment', () => {
    expect(resolve(['${workflow.env.PATH}', '<${workflow.env.PATH}>'])).toEqual([null, '<null>']);
  });
});

describe('constants', () => {
  it('are returned as they are', () => {
    const constant = { a: [1, { b: 'plain $5 {x}' }] };
    expect(compileTemplate(constant).resolve(scope)).toBe(constant);
    const mixed = compileTemplate({ constant, live: '${workflow.input.x}' });
    expect(mixed.constant).toBe(false);
    expect((mixed.resolve(scope) as JsonObject).constant).toBe(constant);
  });

  it('list every static root', () => {
    const template = compileTemplate({ a: '${fetch.output.x} ${other.output}', b: ['${loop.${inner.output.k}.x}'] });
    expect([...template.roots].sort()).toEqual(['fetch', 'inner', 'loop', 'other']);
  });
});

describe('what was read is data', () => {
  it('is never resolved again, alone or embedded', () => {
    expect(resolve('${workflow.input.attack}')).toBe('${workflow.input.name}');
    expect(resolve('<${workflow.input.attack}>')).toBe('<${workflow.input.name}>');
  });

  it('gives nothing inherited', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      expect(resolve(`\${workflow.input.map.${name}}`)).toBeNull();
      expect(resolve(`\${workflow.input.map['${name}']}`)).toBeNull();
      expect(resolve(`\${workflow.input..${name}}`)).toEqual([]);
    }
    expect(resolve('${workflow.input.numbers.length}')).toBeNull();
  });

  it('keeps an own __proto__ key a plain property', () => {
    const document = JSON.parse('{"__proto__": {"polluted": "${workflow.input.x}"}}') as JsonValue;
    const result = resolve(document);
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
    expect(JSON.stringify(result)).toBe('{"__proto__":{"polluted":5}}');
  });
});

describe('properties', () => {
  const piece = fc.constantFrom(
    '${',
    '}',
    '$',
    '{',
    '[',
    ']',
    "'",
    '"',
    '.',
    '\\',
    'workflow',
    'input',
    'x',
    '?(@',
    '*',
  );
  const weird = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
  );

  it('resolution never throws and gives JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), weird, (json, text) => {
        const result = compileTemplate([json as JsonValue, text, { [text]: text }]).resolve(scope);
        expect(JSON.parse(JSON.stringify(result))).toBeInstanceOf(Array);
      }),
      { numRuns: 2000 },
    );
  });

  it('data is handed through untouched, whatever it holds', () => {
    const hostile = fc.oneof(
      weird,
      fc
        .constantFrom('${workflow.input.name}', '$${x}', '${${a}}', '${workflow.secrets.K}')
        .chain((expression) => weird.map((text) => `${text}${expression}${text}`)),
    );
    const template = compileTemplate({ whole: '${ref.output.value}', embedded: '<${ref.output.value}>' });
    fc.assert(
      fc.property(hostile, (value) => {
        const lookups: string[] = [];
        const result = template.resolve({
          lookup: (root, field) => {
            lookups.push(`${root}.${field}`);
            return { value };
          },
        });
        expect(result).toEqual({ whole: value, embedded: `<${value}>` });
        expect(lookups).toEqual(['ref.output', 'ref.output']);
      }),
      { numRuns: 1000 },
    );
  });

  it('text without an opening is constant', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes('${')),
        (text) => {
          const template = compileTemplate(text);
          expect(template.constant).toBe(true);
          expect(template.resolve(scope)).toBe(text);
        },
      ),
    );
  });

  it('survives hostile sizes and depths', () => {
    expect(resolve('${'.repeat(200_000))).toBe('${'.repeat(200_000));
    expect(typeof resolve(`${'${a.'.repeat(5_000)}${'}'.repeat(5_000)}`)).toBe('object');
    const deep = JSON.parse(`${'['.repeat(4_000)}"\${workflow.input.x}"${']'.repeat(4_000)}`) as JsonValue;
    expect(() => compileTemplate(deep).resolve(scope)).not.toThrow();
    const template = compileTemplate(['<${d.output}>', '<${d.output..x}>', '${d.output..x}']);
    expect(() => template.resolve({ lookup: () => deep })).not.toThrow();
  });
});
