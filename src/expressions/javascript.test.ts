import { beforeAll, describe, expect, it } from 'vitest';
import type { JsonValue } from '../model/json.ts';
import { isTruthy, loadScriptRunner, type ScriptRunner } from './javascript.ts';

let run: ScriptRunner;
beforeAll(async () => {
  run = await loadScriptRunner();
});

function value(source: string, input: JsonValue = {}): JsonValue | undefined {
  const result = run(source, input);
  return result.ok ? result.value : undefined;
}

function error(source: string, input: JsonValue = {}): string {
  const result = run(source, input);
  return result.ok ? `no error: ${JSON.stringify(result.value)}` : result.error;
}

describe('the completion value of the program is the result', () => {
  it.each<[string, JsonValue]>([
    ['$.a + 1', 3],
    ['(function () { return $.a * 2; })()', 4],
    ['function e() { return { x: $.list }; } e();', { x: [1, 'two', null] }],
    ['const y = $.a; y > 1 ? "big" : "small"', 'big'],
    ['if ($.a > 1) { "yes" } else { "no" }', 'yes'],
    ['undefined', null],
    ['() => 1', null],
    ['NaN', null],
    ['', null],
    ['({ a: undefined, d: new Date(0) })', { d: '1970-01-01T00:00:00.000Z' }],
    ['const { a, ...rest } = $; rest.list?.at(-1) ?? "none"', 'none'],
    ['console.log("heard by nobody"); 1', 1],
    ['const $ = 7; $', 7],
    ['"\\ud83d\\ude00 ü"', '😀 ü'],
  ])('%s', (source, expected) =>
    expect(run(source, { a: 2, list: [1, 'two', null] })).toEqual({ ok: true, value: expected }),
  );

  it('reads input of every JSON kind', () => {
    for (const input of [null, true, 0, -1.5, 'x', [], [1, [2]], { __proto__: null, k: { v: 1 } }]) {
      expect(value('$', input)).toEqual(input);
    }
    expect(value('Object.keys($)', JSON.parse('{"__proto__": 1}') as JsonValue)).toEqual(['__proto__']);
  });
});

describe('errors are values', () => {
  it.each([
    ['$.missing.x', /^TypeError: /],
    ['nothing', /^ReferenceError: /],
    ['let let let', /^SyntaxError: /],
    ['throw new RangeError("mine")', /^RangeError: mine$/],
    ['throw "text"', /^Error: text$/],
    ['throw { code: 7 }', /^Error: \{"code":7\}$/],
    ['throw undefined', /^Error: undefined$/],
    ['10n', /^TypeError: /],
    ['const a = {}; a.a = a; a', /^TypeError: /],
    ['throw { get message() { throw 1; } }', /^Error: the script failed$/],
    ['throw new Error("x".repeat(5000))', /^Error: x{993}…$/],
  ])('%s', (source, expected) => expect(error(source)).toMatch(expected));
});

describe('limits', () => {
  it.each([
    ['while (true) {}', /interrupted/],
    ['for (;;) { try { while (true) {} } catch {} }', /interrupted/],
    ['({ toJSON() { for (;;) {} } })', /interrupted/],
    ['throw { get message() { for (;;) {} } }', /interrupted/],
    ['function f() { f(); } f()', /stack overflow/],
    ['JSON.parse("[".repeat(1e6))', /stack overflow/],
    ['const all = []; for (;;) all.push(new Array(1000).fill(1))', /out of memory/],
    ['let all = {}; for (;;) all = { all }', /out of memory/],
    ['"x".repeat(1e9)', /out of memory|too long/],
  ])('%s', (source, expected) => {
    expect(error(source)).toMatch(expected);
    expect(value('$.a + 1', { a: 1 })).toBe(2);
  });

  it('counts turns, not time', () => {
    expect(value('let turns = 0; for (; turns < 20e6; turns++); turns')).toBe(20e6);
    expect(error('for (let turns = 0; turns < 55e6; turns++);')).toMatch(/interrupted/);
  });

  it('goes on after one script after another broke its sandbox', async () => {
    for (let round = 0; round < 4; round += 1) {
      for (let i = 0; i < 3; i += 1) expect(error('eval("[".repeat(1e6))')).toMatch(/stack overflow|restarting/);
      // Replacements are made in the background: wait for the event itself, a sandbox that answers.
      await expect.poll(() => value('1 + 1')).toBe(2);
    }
  });

  it('refuses input too deep to hand over', () => {
    const deep: JsonValue[] = [];
    let inner = deep;
    for (let i = 0; i < 100_000; i += 1) {
      const next: JsonValue[] = [];
      inner.push(next);
      inner = next;
    }
    expect(error('1', deep)).toMatch(/nested too deeply/);
    expect(value('1')).toBe(1);
  });
});

describe('isolation', () => {
  it('forgets everything a script did', () => {
    value(
      'Array.prototype.map = () => "poisoned"; JSON.stringify = () => "1"; JSON.parse = null; var leak = 1; globalThis.other = 2; Object.freeze(globalThis); 1',
    );
    expect(value('[1].map((x) => x + 1)')).toEqual([2]);
    expect(value('typeof leak + typeof other')).toBe('undefinedundefined');
    expect(value('const leak = 3; leak')).toBe(3);
    expect(value('const leak = 4; leak')).toBe(4);
  });

  it('keeps the host functions out of reach of what a script overwrites', () => {
    expect(value('JSON.stringify = () => "9"; JSON.parse = () => 9; ({ a: 1 })')).toEqual({ a: 1 });
    expect(error('String = () => "owned"; throw new Error("real")')).toBe('Error: real');
  });

  it('offers nothing of the host', () => {
    const names = ['process', 'require', 'module', 'fetch', 'setTimeout', 'Buffer', 'WebAssembly', 'std', 'os'];
    for (const name of names) expect(value(`typeof ${name}`)).toBe('undefined');
    expect(value('Function("return typeof process")()')).toBe('undefined');
    expect(value('[].constructor.constructor("return typeof globalThis.process")()')).toBe('undefined');
  });

  it('draws other random numbers in every run', () => {
    const drawn = Array.from({ length: 50 }, () => value('Math.random()'));
    expect(new Set(drawn).size).toBe(50);
    expect(drawn.every((number) => typeof number === 'number' && number >= 0 && number < 1)).toBe(true);
  });

  it('stays sound over many runs that use a lot of memory', () => {
    for (let i = 0; i < 300; i += 1) {
      expect(value('const rows = Array.from({ length: 2000 }, (_, n) => ({ n, text: "row " + n })); rows.length')).toBe(
        2000,
      );
      expect(value('$.map((x) => x * 2)', [1, i])).toEqual([2, 2 * i]);
    }
  });
});

describe('checkSyntax', () => {
  it('accepts programs without running them', () => {
    expect(run.checkSyntax('while (true) {}')).toBeNull();
    expect(run.checkSyntax('(function () { return $.x; })()')).toBeNull();
  });

  it('names what is wrong', () => {
    expect(run.checkSyntax('function (')).toMatch(/^SyntaxError: /);
    expect(run.checkSyntax('return 1')).toMatch(/^SyntaxError: /);
    expect(run.checkSyntax('['.repeat(1_000_000))).toMatch(/stack overflow/);
  });
});

describe('isTruthy', () => {
  it.each<[JsonValue, boolean]>([
    [true, true],
    [false, false],
    [1, true],
    [0.5, true],
    [0, false],
    [-1, false],
    [null, false],
    ['true', true],
    ['TRUE', true],
    ['1', false],
    ['yes', false],
    [{}, false],
    [[1], false],
  ])('%j is %s', (input, expected) => expect(isTruthy(input)).toBe(expected));
});
