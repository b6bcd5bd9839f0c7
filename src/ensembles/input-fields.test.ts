import { describe, expect, test } from 'vitest';
import { AppError } from '../model/error.ts';
import type { JsonObject } from '../model/json.ts';
import { applyInputs, readTexts } from './input-fields.ts';
import { ensembleOf, problemsOf } from './load-project.fixture.ts';

const YAML = `name: a
input:
  greeting: hello
  options: { deep: true }
  url: { type: string, required: true, description: Where it is }
  count: { type: integer, default: 3 }
  anything: { default: null }
flow: [{ agent: fetch }]
`;
const fields = ensembleOf(YAML).inputs;

function refused(input: JsonObject): AppError {
  try {
    applyInputs(fields, input);
  } catch (error) {
    if (error instanceof AppError) return error;
  }
  throw new Error('it was not refused');
}

describe('the inputs of an ensemble', () => {
  test('are literal defaults, or declarations when nothing else is in them', () => {
    expect(fields).toEqual([
      { name: 'greeting', type: null, description: null, required: false, default: 'hello' },
      { name: 'options', type: null, description: null, required: false, default: { deep: true } },
      { name: 'url', type: 'string', description: 'Where it is', required: true, default: undefined },
      { name: 'count', type: 'integer', description: null, required: false, default: 3 },
      { name: 'anything', type: null, description: null, required: false, default: null },
    ]);
    expect(ensembleOf(YAML).definition.inputParameters).toEqual(['greeting', 'options', 'url', 'count', 'anything']);
  });

  test('defaults stand in for what is absent, and for nothing else', () => {
    expect(applyInputs(fields, { url: 'x', greeting: null, extra: 1 })).toEqual({
      url: 'x',
      greeting: null,
      options: { deep: true },
      count: 3,
      anything: null,
      extra: 1,
    });
  });

  test('one run cannot change the default of the next', () => {
    const first = applyInputs(fields, { url: 'x' });
    if (typeof first.options === 'object' && first.options !== null && !Array.isArray(first.options))
      first.options.deep = false;
    expect(applyInputs(fields, { url: 'x' }).options).toEqual({ deep: true });
  });

  test('what is missing or of another type is named, all at once', () => {
    const error = refused({ count: 1.5 });
    expect(error.code).toBe('invalid_request');
    expect(error.fields).toEqual([
      { path: 'url', message: 'is required' },
      { path: 'count', message: 'must be an integer', invalidValue: '1.5' },
    ]);
    expect(refused({ url: null }).fields).toMatchObject([{ path: 'url', message: 'must be text' }]);
  });

  test('an inherited property is not a given input', () => {
    const [field] = ensembleOf(
      'name: a\ninput: { constructor: { required: true } }\nflow: [{ agent: fetch }]\n',
    ).inputs;
    expect(() => applyInputs(field ? [field] : [], {})).toThrow('constructor is required');
  });

  test('texts of a query are read as what the input is declared to be', () => {
    const declared = ensembleOf(
      'name: a\ninput: { n: { type: number }, b: { type: boolean }, s: { type: string } }\nflow: [{ agent: fetch }]\n',
    ).inputs;
    expect(readTexts(declared, { n: '1.5', b: 'true', s: '7', other: '8' })).toEqual({
      n: 1.5,
      b: true,
      s: '7',
      other: '8',
    });
    expect(readTexts(declared, { n: '1x', b: 'yes' })).toEqual({ n: '1x', b: 'yes' });
  });

  test.each([
    [
      '{ n: { type: nmber } }',
      '2:21 "nmber" is not a type of input: string, number, integer, boolean, object, array, any',
    ],
    ['{ n: { type: number, default: x } }', '2:38 The default of `n` must be a number'],
    ['{ n: { type: number, required: 1 } }', '2:39 `input.n.required` must be true or false, not 1'],
    ['[a]', '2:8 `input` must be a mapping, not a list'],
  ])('%s is refused', (input, problem) => {
    expect(problemsOf(`name: a\ninput: ${input}\nflow: [{ agent: fetch }]\n`)).toContain(problem);
  });

  test('an expression in a default is a warning: it would stay as it is written', () => {
    expect(problemsOf('name: a\ninput: { x: "${env.X}" }\nflow: [{ agent: fetch }]\n', 'warning')).toEqual([
      '2:13 A default is taken as it is: expressions in it are not evaluated',
    ]);
  });
});
