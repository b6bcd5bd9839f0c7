import { describe, expect, it } from 'vitest';
import { compileCondition } from './condition.ts';
import { ExpressionError } from './expression.ts';
import { errorOf, SCOPE } from './scope.fixture.ts';

describe('a condition', () => {
  it.each<[string | boolean, boolean]>([
    ['${input.yes}', true],
    ['{{ input.no }}', false],
    ['input.count > 2', true],
    [' input.count > 3 ', false],
    ['${input.count > 2 && fetch-user.success}\n', true],
    ['true', true],
    ['false', false],
    [true, true],
    [false, false],
    ['input.missing', false],
    ['input.missing.deeper == 1', false],
    ['input.empty', false],
    ['input.tags', true],
    ["`${input.name}!` == 'Ada!'", true],
    ["input.name in ['Ada', 'Bob']", true],
  ])('%s', (text, expected) => expect(compileCondition(text).evaluate(SCOPE)).toBe(expected));

  it('says what it reads', () => {
    expect([...compileCondition('${a.output.ok && b.output.ok}').roots]).toEqual(['a', 'b']);
  });

  it.each([
    ['', /empty/],
    ['${input.count} > 3', /all of it inside one/],
    ["'${input.name}' == 'Ada'", /all of it inside one/],
    ['${env.FLAG}', /cannot read `env`/],
    ['input.count >', /value is missing/],
  ])('refuses %j', (text, message) => {
    const error = errorOf(() => compileCondition(text));
    expect(error).toBeInstanceOf(ExpressionError);
    expect(error).toMatchObject({ message: expect.stringMatching(message) });
  });
});
