import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { compileJq, createJqMachine, type JqMachine } from './jq-machine.ts';

let compiled: object;
let machine: JqMachine;
// A jq that runs out of memory says so there too.
const silenced = vi.spyOn(console, 'error').mockImplementation(() => undefined);
afterAll(() => silenced.mockRestore());

beforeAll(async () => {
  compiled = await compileJq(readFileSync(createRequire(import.meta.url).resolve('jq-wasm/jq.wasm')));
  machine = await createJqMachine(compiled, { outputBytesMax: 100_000 });
});

/** All results, as Conductor's resultList has them. */
function results(program: string, document: unknown = {}): unknown {
  return output(program, JSON.stringify(document)).resultList;
}

function output(program: string, text: string): { result: unknown; resultList: unknown[] } {
  const answer = machine.run(program, text);
  if (answer.kind !== 'results') throw new Error(`${answer.kind}: ${answer.message}`);
  return JSON.parse(answer.text);
}

function errorOf(program: string, document: unknown = {}): string {
  const answer = machine.run(program, JSON.stringify(document));
  if (answer.kind !== 'error') throw new Error(`expected an error, got ${answer.kind}`);
  return answer.message;
}

const PEOPLE = {
  people: [
    { name: 'Zoë', age: 31 },
    { name: 'Bo', age: 17 },
    { name: 'Ål', age: 64 },
  ],
};

test.each<[name: string, program: string, document: unknown, expected: unknown[]]>([
  ['identity', '.', { b: 1, a: [null, true, 'x'] }, [{ b: 1, a: [null, true, 'x'] }]],
  ['map and select', '.people | map(select(.age >= 18) | .name)', PEOPLE, [['Zoë', 'Ål']]],
  ['many results', '.people[].age', PEOPLE, [31, 17, 64]],
  ['no result', 'empty', {}, []],
  ['null', '.nothing.here', {}, [null]],
  ['false', '.a', { a: false }, [false]],
  ['unicode', '.s | ., length, explode[1]', { s: 'é😀\u2028\n\u0000' }, ['é😀\u2028\n\u0000', 5, 0x1f600]],
  ['a program in several lines, with a comment', '# first\n.a\n| . + 1 # last', { a: 1 }, [2]],
  [
    'functions, reduce and paths',
    'def f(x): x * 2; reduce .a[] as $x (0; . + f($x)), [paths]',
    { a: [1, 2] },
    [6, [['a'], ['a', 0], ['a', 1]]],
  ],
  [
    'regular expressions and dates',
    '[.s | scan("[0-9]+") | tonumber], (0 | todate)',
    { s: 'a1b22' },
    [[1, 22], '1970-01-01T00:00:00Z'],
  ],
  ['a program that looks like an option', '-.a', { a: 1 }, [-1]],
  ['errors that the program catches', 'try error("x") catch ("caught " + .)', {}, ['caught x']],
  ['what was said before the program halted', '1, halt, 2', {}, [1]],
  ['messages beside the results', 'debug | .a', { a: 1 }, [1]],
])('%s', (_name, program, document, expected) => {
  expect(results(program, document)).toEqual(expected);
});

test('the first result stands by itself, and is null where there is none', () => {
  expect(output('.a[]', '{"a":[3,4]}')).toEqual({ result: 3, resultList: [3, 4] });
  expect(output('empty', '{}')).toEqual({ result: null, resultList: [] });
});

test('whole numbers are exact: up to 2^53 in calculations, and of any size where they pass through', () => {
  expect(results('.a, .a - 1, .b', { a: Number.MAX_SAFE_INTEGER, b: Number.MIN_SAFE_INTEGER })).toEqual([
    9007199254740991, 9007199254740990, -9007199254740991,
  ]);
  const answer = machine.run('.a', '{"a":123456789012345678901234567890}');
  expect(answer).toMatchObject({ text: expect.stringContaining('"result":123456789012345678901234567890,') });
});

describe('errors', () => {
  test('a syntax error names the place', () => {
    expect(errorOf('.a |\n map(')).toMatch(/^syntax error, unexpected end of file .* line 2, column \d+/);
    expect(errorOf('.a | nope')).toMatch(/^nope\/0 is not defined at <top-level>, line 1, column 6/);
  });

  test.each([
    ['.a.b', 'Cannot index number with string ("b")'],
    ['.a, error("too bad")', 'too bad'],
    ['error({code: 1})', '{"code":1}'],
    ['debug("said before") | .a.b', 'Cannot index number with string ("b")'],
    ['"stop" | halt_error', 'stop'],
    ['"" | halt_error(3)', 'jq ended with status 3.'],
    ['', 'Top-level program not given (try ".")'],
    ['.a\0.b', 'The jq program has a NUL character.'],
  ])('%j says %j', (program, message) => {
    expect(errorOf(program, { a: 1 })).toBe(message);
  });

  test('a long message is cut', () => {
    expect(errorOf('error("x" * 5000)').length).toBeLessThan(1_100);
  });
});

test.each([
  ['$ENV', {}],
  ['env', {}],
  ['env.PATH, $ENV.HOME', null],
  ['[inputs]', []],
  ['$ARGS', { positional: [], named: {} }],
])('a program sees nothing of the host: %s', (program, expected) => {
  expect(output(program, '{}').result).toEqual(expected);
});

test.each([
  ['include "a"; .'],
  ['import "/etc/passwd" as $d; $d'],
  ['import "a" as a {search: "/"}; .'],
  ['include "../../a"; .'],
  ['"a" | modulemeta'],
])('a program reads no files: %s', (program) => {
  expect(errorOf(program)).toMatch(/module not found|may not traverse/);
});

test('nothing a program did is left in the memory for the next', async () => {
  const marker = 'a-text-of-the-first-program';
  expect(results(`"${marker}" | ascii_upcase`)).toEqual([marker.toUpperCase()]);
  expect(machine.wipe()).toBe(true);
  expect(results('., 1')).toEqual([{}, 1]);
  expect(machine.wipe()).toBe(true);
});

describe('a machine that a program has broken is given up', () => {
  test.each([
    ['nests too deeply', 'reduce range(100000) as $i (0; [.])', /nested too deeply/],
    ['asks for more memory than there is', '[.[]] | .[100000000] = 1', /ran out of memory/],
    ['gives too much', 'range(1000000)', /^The output of the jq program has more than 100000 bytes\.$/],
    ['says too much', 'range(1000000) | stderr | empty', /^The output of the jq program has more than 100000 bytes\.$/],
  ])('one that %s', async (_name, program, message) => {
    const own = await createJqMachine(compiled, { outputBytesMax: 100_000 });
    expect(own.run(program, '{}')).toMatchObject({ kind: 'limit', message: expect.stringMatching(message) });
    expect(own.wipe()).toBe(false);
  });

  test('one whose memory has grown', async () => {
    const own = await createJqMachine(compiled, { outputBytesMax: 100_000 });
    expect(own.run('"x" * 50000000 | length', '{}')).toMatchObject({ kind: 'results' });
    expect(own.wipe()).toBe(false);
  });
});

test('the first result counts twice towards the limit, for it is stored twice', () => {
  expect(machine.run('"x" * 40000', '{}').kind).toBe('results');
  expect(machine.run('"x" * 60000', '{}')).toMatchObject({
    kind: 'limit',
    message: expect.stringContaining('100000 bytes'),
  });
  expect(machine.run('1, "x" * 60000', '{}').kind).toBe('results');
});

test('a program of more than 100,000 characters is not run', () => {
  expect(machine.run(`"${'x'.repeat(100_000)}"`, '{}')).toMatchObject({ kind: 'limit' });
  expect(results(`"${'é'.repeat(99_900)}" | length`)).toEqual([99_900]);
});
