import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readYaml } from './read-yaml.ts';
import { textsIn, toJson, type YamlScalar } from './yaml-node.ts';

const read = (text: string) => readYaml({ path: 'a.yaml', text });
const values = (text: string) => read(text).documents.map(toJson);
const problems = (text: string) =>
  read(text).problems.map(({ position, message }) => `${position.line}:${position.column} ${message}`);
const hint = (text: string) => read(text).problems[0]?.hint;

function firstText(text: string): YamlScalar {
  for (const node of read(text).documents) for (const { scalar } of textsIn(node)) return scalar;
  throw new Error('no text');
}

describe('YAML', () => {
  test('plain data becomes JSON, and only JSON', () => {
    expect(values('a: [1, 2.5, true, ~, yes]\nb:\n  200: OK\n  d: 2024-01-01\n')).toEqual([
      { a: [1, 2.5, true, null, 'yes'], b: { '200': 'OK', d: '2024-01-01' } },
    ]);
  });

  test('several documents stand side by side, empty ones are left out', () => {
    expect(values('---\na: 1\n---\n---\nb: 2\n...\n')).toEqual([{ a: 1 }, { b: 2 }]);
  });

  test('an error in one document leaves the others', () => {
    const text = 'a: 1\n---\nb: 1\nb: 2\n---\nc: 3\n';
    expect(values(text)).toEqual([{ a: 1 }, { c: 3 }]);
    expect(problems(text)).toEqual(['4:1 `b` stands twice: it was set in line 3 already']);
  });

  test.each([
    ['', '1:1 The file is empty'],
    ['# only words\n', '1:1 The file is empty'],
    ['a: !custom 1', '1:4 Not valid YAML: Unresolved tag: !custom'],
    ['a: !!binary aGk=', '1:4 Not valid YAML: Unresolved tag: tag:yaml.org,2002:binary'],
    ['x: &x { a: 1 }\ny:\n  <<: *x\n', '3:3 Merge keys (`<<`) are not supported'],
    ['%YAML 1.1\n---\nx: &x { a: 1 }\ny:\n  <<: *x\n', '5:3 Merge keys (`<<`) are not supported'],
    ['a: *nothing', '1:4 Nothing is named &nothing before this alias'],
    ['a: &a [*a]', '1:8 The alias *a holds itself'],
    ['__proto__: { polluted: true }', '1:1 `__proto__` cannot be a key'],
    ['? [a, b]\n: c', '1:3 A key must be a plain name'],
    ['a: .inf', '1:4 .inf is not a number that JSON knows'],
    ['id: 12345678901234567890', '1:5 12345678901234567890 is too large a number to be kept exactly'],
    ['a: "open', '1:9 Not valid YAML: Missing closing "quote'],
    ['\ta: 1', '1:1 Not valid YAML: Tabs are not allowed as indentation'],
  ])('%j is refused', (text, message) => {
    expect(problems(text)[0]).toBe(message);
    expect(values(text)).toEqual([]);
  });

  test('a key that is not indented like those of its item is told how to be', () => {
    expect(hint('flow:\n  - agent: a\n   input: {}\n')).toContain('Indent it like the keys of its item');
    expect(hint('a: 1\nkey\n')).toContain('Put ":" and a value');
    expect(hint('a: "open')).toContain('Close the quote');
  });

  test('an expression inside braces without quotes is told how to be written', () => {
    expect(hint('auth: { type: bearer, secret: ${env.JWT_SECRET} }')).toContain('needs quotes');
  });

  test('aliases repeat, but not without end', () => {
    expect(values('a: &a { x: 1 }\nb: [*a, *a]\n')).toEqual([{ a: { x: 1 }, b: [{ x: 1 }, { x: 1 }] }]);
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i += 1)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      );
    expect(problems(lines.join('\n'))[0]).toContain('Aliases make this document too large');
  });

  test.each(['['.repeat(100_000), '- '.repeat(50_000), '? '.repeat(50_000), '{a: '.repeat(50_000)])(
    'bottomless nesting is refused before it is followed',
    (text) => {
      expect(problems(text)).toHaveLength(1);
      expect(problems(text)[0]).toContain('Nested deeper than 100 levels');
    },
  );

  test('a file beyond all measure is not read', () => {
    expect(problems(`a: ${'x'.repeat(1_100_000)}`)[0]).toContain('larger than');
  });

  test.each([
    ['a: hello', 3, '1:7'],
    ['b:\n  a: "say hello"', 4, '2:11'],
    ["a: 'x'", 0, '1:5'],
    ['a: |\n  one\n  two three\n', 8, '3:7'],
    ['a: >\n  one\n  two three\n', 4, '3:3'],
    ['a: "line\\nbreak"', 6, '1:4'],
  ])('in %j the character %i stands at %s', (text, offset, place) => {
    const { line, column } = firstText(text).at(offset);
    expect(`${line}:${column}`).toBe(place);
  });

  test('any text gives documents or problems, and never throws', () => {
    const piece = fc.constantFrom(
      'a',
      ': ',
      '- ',
      '\n',
      '  ',
      '[',
      ']',
      '{',
      '}',
      '&x ',
      '*x',
      '"',
      "'",
      '|',
      '>',
      '!t ',
      '---\n',
      '? ',
      '#',
      '<<',
      '\t',
      '%',
      '${',
      '1',
      ',',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 200 }),
          fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join('')),
        ),
        (text) => {
          const { documents, problems } = read(text);
          expect(documents.length + problems.length).toBeGreaterThan(0);
          expect(() => JSON.stringify(documents.map(toJson))).not.toThrow();
          const lines = text.split('\n').length;
          for (const { position } of problems) {
            expect(position.line).toBeGreaterThan(0);
            expect(position.line).toBeLessThanOrEqual(lines);
            expect(position.column).toBeGreaterThan(0);
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});
