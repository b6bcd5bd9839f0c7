import { describe, expect, it } from 'vitest';
import { compileExpression, ExpressionError } from './expression.ts';
import { errorOf, evaluate, type Row, SCOPE } from './scope.fixture.ts';

describe('names and members', () => {
  it.each<Row>([
    ['input.name', 'Ada'],
    ['fetch-user.output.id', 7],
    ['fetch-user.output.list[0].c', 'deep'],
    ['fetch-user.output.list.0.c', 'deep'],
    ['input.order-id', 'o-1'],
    ["input['order-id']", 'o-1'],
    ['input?.name', 'Ada'],
    ['input?.tags?.[1]', 'b'],
    ['input.missing?.deeper?.[0].more', undefined],
    ['input.missing.deeper[0].more', undefined],
    ['nobody.output.x', undefined],
    ['input.nothing', null],
    ['input.nothing.x', undefined],
    ['input.tags.length', 3],
    ['input.name.length', 3],
    ['input.name[1]', 'd'],
    ['input.tags[-1]', undefined],
    ['input.tags[3]', undefined],
    ['input.tags[1.5]', undefined],
    ["input['na' + 'me']", 'Ada'],
    ['input.count - 1', 2],
    ['input.count-1', undefined],
  ])('%s', (source, expected) => expect(evaluate(source)).toEqual(expected));

  it('reads whole roots of the scope, and says which', () => {
    expect([...compileExpression('a.b + x-y.c + items.map(a => a.q + z)').roots]).toEqual(['a', 'x-y', 'items', 'z']);
    expect([...compileExpression('Math.max(1, 2) + String(true) + Math.pi').roots]).toEqual(['Math']);
  });
});

describe('literals', () => {
  it.each<Row>([
    ['12', 12],
    ['1.5e3', 1500],
    ['.5', 0.5],
    ['true', true],
    ['null', null],
    ['undefined', undefined],
    ["'a \\'b\\' \\n \\u0041 \\x41 \\u{1F600} \\q'", "a 'b' \n A A 😀 q"],
    ['"a || b ? c : d"', 'a || b ? c : d'],
    ['`hi ${input.name}, ${`n=${input.count}`}!`', 'hi Ada, n=3!'],
    ['`${ {a: "}"}.a } \\` \\${x}`', '} ` ${x}'],
    ['`<${input.missing}${input.nothing}${input.tags}>`', '<["a","b","c"]>'],
    ['[1, input.name, input.missing, ...input.tags]', [1, 'Ada', null, 'a', 'b', 'c']],
    ['[1, 2,]', [1, 2]],
    [
      '{a: 1, "b c": 2, d-e: 3, [input.name]: 4, gone: input.missing, 5: 6}',
      { a: 1, 'b c': 2, 'd-e': 3, Ada: 4, '5': 6 },
    ],
    ['{...input.nested, input}.deep', { value: 'found' }],
    ['{}', {}],
  ])('%s', (source, expected) => expect(evaluate(source)).toEqual(expected));
});

describe('precedence', () => {
  it.each<Row>([
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['10 - 2 - 3', 5],
    ['2 * 3 % 4', 2],
    ['-2 + 5', 3],
    ['- -2', 2],
    ['!input.no && input.yes', true],
    ['!(input.no || input.yes)', false],
    ['1 + 1 == 2', true],
    ['1 < 2 == true', true],
    ['true || false && false', true],
    ['(true || false) && false', false],
    ["null ?? 'a' == 'a'", true],
    ["null ?? false || 'b'", 'b'],
    ["true ? 'a' : false ? 'b' : 'c'", 'a'],
    ["false ? 'a' : false ? 'b' : 'c'", 'c'],
    ['true ? false ? 1 : 2 : 3', 2],
    ["input.missing ?? input.zero ? 'yes' : 'none'", 'none'],
    ['typeof input.count == "number"', true],
    ['1 in [1, 2] && 3 in [1, 2]', false],
    ["input.no ? 'a' : 'b' | uppercase", 'B'],
    ["input.missing || 'x' | uppercase", 'X'],
    ["(input.missing | default('x')) + 'y'", 'xy'],
    ["input.tags | join('-') | uppercase", 'A-B-C'],
    ['[input.tags | length, 1]', [3, 1]],
    ['input.yes?.5:1', 0.5],
  ])('%s', (source, expected) => expect(evaluate(source)).toEqual(expected));
});

describe('operators never give what JSON has not', () => {
  it.each<Row>([
    ['1 / 0', undefined],
    ['1 % 0', undefined],
    ['input.name * 2', undefined],
    ['input.page * 10', 20],
    ['input.page + 1', '21'],
    ['input.missing + 1', undefined],
    ['input.nothing * 1', undefined],
    ["input.missing + 'a' + null", 'a'],
    ["'n: ' + input.tags", 'n: ["a","b","c"]'],
    ['true + true', undefined],
    ['1e308 * 10', undefined],
    ['0 * -1', 0],
    ['-input.name', undefined],
    ['0.1 + 0.2 > 0.3', true],
  ])('%s', (source, expected) => expect(Object.is(evaluate(source), expected)).toBe(true));

  it.each<Row>([
    ['input.missing == null', true],
    ['input.missing === undefined', true],
    ['input.nothing === undefined', true],
    ['null == 0', false],
    ["'2' == 2", false],
    ["'2' != 2", true],
    ['input.page > 1', true],
    ["'10' < '9'", true],
    ['input.missing < 1', false],
    ['input.missing >= 0', false],
    ['[1, {a: 2, b: 3}] == [1, {b: 3, a: 2}]', true],
    ['[1] == [1, 2]', false],
    ['{a: 1} == {b: 1}', false],
    ["'b' in input.tags", true],
    ["'name' in input", true],
    ["'toString' in input", false],
    ["'a' in input.name", false],
    ['typeof input.missing', 'undefined'],
    ['typeof input.tags', 'object'],
    ['[0, "", null, false, [], {}, "false"].map(x => !!x)', [false, false, false, false, true, true, true]],
  ])('%s', (source, expected) => expect(evaluate(source)).toEqual(expected));
});

describe('mistakes are told with their place and their cure', () => {
  it.each<[string, number, RegExp]>([
    ['', 0, /empty/],
    ['   ', 3, /empty/],
    ['input.name | uppercas', 11, /no filter "uppercas": did you mean "uppercase"\?/],
    ['input.name.startWith("a")', 11, /no method "startWith": did you mean "startsWith"\?/],
    ['Math.flor(1)', 0, /no function "Math.flor": did you mean "Math.floor"\?/],
    ['Date.now()', 0, /no function "Date.now"/],
    ['eval("1")', 0, /no function "eval"/],
    ['input.tags.length()', 11, /leave out its "\(\)"/],
    ['input.tags.map(1)', 11, /takes a function/],
    ['input.tags.join(x => x)', 11, /takes no function/],
    ['input.tags.map((a, b, c) => a)', 11, /2 values at most/],
    ['input.name.split()', 11, /takes 1 to 2 arguments, here are 0/],
    ['input.name | default', 11, /takes 1 argument, here are 0/],
    ['1 +', 3, /value is missing before the end/],
    ['(1', 2, /"\)" is missing/],
    ['a b', 2, /operator is missing before "b"/],
    ['a = 1', 2, /"=" has no meaning here: to compare, write ==/],
    ['a | length > 1', 11, /put "\(…\)" round/],
    ["'abc", 0, /never closed/],
    ['`abc${', 6, /never closed|never/],
    ['x => x', 2, /only be given to a method/],
    ['[1].map(x => y => x)', 15, /only be given|is missing/],
    ['[1].map((x, x) => x)', 15, /same name/],
    ['Object.entries(a).map(([k, v]) => k)', 22, /pair\[0\]/],
    ['[1].map(x => x-1)', 13, /put spaces round the minus/],
    ['a.replace(/x/g, "y")', 10, /no regular expressions/],
    ['12abc', 0, /no number/],
    ['a.constructor', 2, /cannot be read/],
    ['a ? b', 5, /":" is missing/],
    ['a.(b)', 2, /name is missing after the dot/],
    ['a[0](1)', 4, /Only methods/],
    ['a # b', 2, /"#" has no meaning/],
    ['new Date()', 4, /operator is missing/],
    ['1e999', 0, /too large/],
  ])('%s', (source, offset, message) => {
    const error = errorOf(() => compileExpression(source));
    expect(error).toBeInstanceOf(ExpressionError);
    expect(error).toMatchObject({ message: expect.stringMatching(message) });
    if (error instanceof ExpressionError && !source.includes('=>') && source !== '`abc${')
      expect(error.offset).toBe(offset);
  });
});

describe('what the host has is out of reach', () => {
  it.each(['constructor', '__proto__', 'prototype'])('%s cannot be written, nor computed', (name) => {
    for (const source of [`input.${name}`, `input.name?.${name}`, `[].map(x => x.${name})`, name, `input.${name}()`]) {
      expect(
        errorOf(() => compileExpression(source)),
        source,
      ).toBeInstanceOf(ExpressionError);
    }
    expect(evaluate(`input['${name}']`)).toBeUndefined();
    expect(evaluate(`input[key]`, { input: {}, key: name })).toBeUndefined();
  });

  it.each(['toString', 'valueOf', 'hasOwnProperty', '__defineGetter__', 'map', 'call', 'at'])(
    '%s is no member',
    (name) => {
      for (const value of ['input', 'input.tags', 'input.name', 'input.count', 'input.yes']) {
        expect(evaluate(`${value}.${name}`)).toBeUndefined();
        expect(evaluate(`${value}['${name}']`)).toBeUndefined();
      }
    },
  );

  it('reads nothing from a polluted prototype', () => {
    Object.defineProperty(Object.prototype, 'polluted', { value: 'bad', configurable: true, writable: true });
    try {
      expect(evaluate('[input.polluted, input.tags.polluted, {}.polluted, input["polluted"], polluted]')).toEqual([
        null,
        null,
        null,
        null,
        null,
      ]);
      expect(evaluate("'polluted' in input")).toBe(false);
      expect(evaluate('{} == {polluted: "bad"}')).toBe(false);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'polluted');
    }
  });

  it('keeps a member named __proto__ as data', () => {
    const data = { input: JSON.parse('{"__proto__": {"admin": true}}') };
    const made = evaluate('{...input, x: 1}', data);
    expect(JSON.stringify(made)).toBe('{"__proto__":{"admin":true},"x":1}');
    expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
    expect(evaluate('{[k]: {admin: true}}.admin', { k: '__proto__' })).toBeUndefined();
  });

  it('never hands out a function', () => {
    for (const source of ['input.tags.map', 'Math', 'Math.max', 'String', '[].map(x => x.trim)', 'JSON.parse']) {
      expect(typeof evaluate(source)).not.toBe('function');
    }
  });
});

describe('bounds', () => {
  const big = { list: Array.from({ length: 3_000 }, (_, index) => index), text: 'x'.repeat(5_000_000) };

  it.each([
    'list.map(a => list.map(b => a + b))',
    'list.filter(a => list.some(b => b == list.length + a))',
    "'ab'.repeat(1000000000)",
    "'a'.padStart(1000000000)",
    'text + text + text',
    'list.map(x => text).join()',
    'list.map(x => text + x)',
    'list.reduce((a, x) => [a, a], 1)',
    'list.reduce((a, x) => [a], 1)',
    'list.reduce((a, x) => a + a, "x")',
    'JSON.stringify(list.slice(0, 25).reduce((a, x) => [a, a], 1))',
    '`${list.slice(0, 25).reduce((a, x) => [a, a], 1)}`',
    "text.replaceAll('x', 'yy').length",
    'list.reduce((a, x) => a.concat(a), list)',
    'list.map(x => text.toUpperCase().length)',
    "list.map(x => text.slice(0, 10000).replaceAll('x', 'y').length)",
    "text.includes(text.slice(0, 2000000) + 'y')",
    "text.split(text.slice(0, 2000000) + 'y')",
    'list.slice(0, 40).reduce((a, x) => [a, a], 1) == list.slice(0, 40).reduce((a, x) => [a, a], 1)',
  ])('%s is refused', (source) => {
    const { evaluate: run } = compileExpression(source);
    const scope = { lookup: (root: string) => (root === 'text' ? big.text : big.list) };
    expect(errorOf(() => run(scope))).toBeInstanceOf(ExpressionError);
  });

  it('leaves room for real work', () => {
    const rows = Array.from({ length: 20_000 }, (_, id) => ({ id, price: id % 7, name: `n${id}` }));
    const source =
      'rows.filter(r => r.price > 3).map(r => ({id: r.id, label: `${r.name}: ${r.price * 2}`})).slice(0, 2)';
    expect(evaluate(source, { rows })).toEqual([
      { id: 4, label: 'n4: 8' },
      { id: 5, label: 'n5: 10' },
    ]);
    expect(evaluate("rows.reduce((text, r) => text + r.name, '').length", { rows })).toBe(108_890);
  });

  it.each([
    ['nested brackets', '('.repeat(5_000)],
    ['nested lists', '['.repeat(5_000)],
    ['nested objects', '{a:'.repeat(3_000)],
    ['a row of not', '!'.repeat(9_000)],
    ['a chain of sums', `1${'+1'.repeat(4_000)}`],
    ['a chain of indexes', `a${'[0]'.repeat(3_000)}`],
    ['a chain of choices', 'a?'.repeat(3_000)],
    ['nested template literals', '`${'.repeat(3_000)],
    ['a chain of filters', `a${'|trim'.repeat(1_900)}`],
    ['nested functions', 'a.map(x=>'.repeat(1_000)],
    ['a long source', `'${'a'.repeat(10_001)}' `],
  ])('%s cannot exhaust the stack', (_, source) => {
    expect(errorOf(() => compileExpression(source))).toBeInstanceOf(ExpressionError);
  });

  it('takes a long path', () => {
    expect(evaluate(`input${'.a'.repeat(3_000)}`)).toBeUndefined();
  });

  it('is itself reusable: nothing of one evaluation is left for the next', () => {
    const expression = compileExpression('input.items.map((x, i) => x.price * i + (input.tags.map(x => x) | length))');
    expect(expression.evaluate(SCOPE)).toEqual([3, 8]);
    expect(expression.evaluate(SCOPE)).toEqual([3, 8]);
  });
});
