import { describe, expect, it } from 'vitest';
import { envNamesOf, fillEnvText } from './env.ts';
import { ExpressionError } from './expression.ts';
import { errorOf } from './scope.fixture.ts';

const ENV = { TOKEN: 's3cret', EMPTY: '', ATTACK: '${env.TOKEN}', PORT: '8080' };

describe('texts filled from the environment', () => {
  it.each([
    ['${env.TOKEN}', 's3cret'],
    ['Bearer ${env.TOKEN}', 'Bearer s3cret'],
    ['$env.TOKEN', 's3cret'],
    ['{{ env.TOKEN | uppercase }}', 'S3CRET'],
    ["${env['TOKEN']}", 's3cret'],
    ["${env.UNSET ?? 'default'}", 'default'],
    ['${env.UNSET || env.TOKEN}', 's3cret'],
    ["${env.UNSET | default('d')}", 'd'],
    ["${env.EMPTY || 'd'}", 'd'],
    ['<${env.EMPTY}>', '<>'],
    ["${env.UNSET ? env.UNSET : 'none'}", 'none'],
    ["${env.UNSET == null ? 'none' : 'some'}", 'none'],
    ['${typeof env.UNSET}', 'undefined'],
    ['${!env.UNSET}', 'true'],
    ["${env.UNSET && env.ALSO_UNSET || 'x'}", 'x'],
    ['http://h:${env.PORT}/\\${x}', 'http://h:8080/${x}'],
    ['${env.ATTACK}', '${env.TOKEN}'],
    ['no env at all', 'no env at all'],
    ['cost: $env.TOKEN', 'cost: $env.TOKEN'],
  ])('%s', (text, expected) => expect(fillEnvText(text, ENV)).toBe(expected));

  it.each([
    ['${env.UNSET}', 'UNSET'],
    ['$env.UNSET', 'UNSET'],
    ["${'Bearer ' + env.UNSET}", 'UNSET'],
    ['${`Bearer ${env.UNSET}`}', 'UNSET'],
    ["${'Bearer ' + (env.UNSET ?? env.OTHER)}", 'OTHER'],
    ['${env.UNSET.trim()}', 'UNSET'],
    ['${env.UNSET | uppercase}', 'UNSET'],
    ["${env.TOKEN ? env.UNSET : 'x'}", 'UNSET'],
    ['${[env.UNSET].join()}', 'UNSET'],
    ['${env.toString}', 'toString'],
  ])('%s names the variable that is not set', (text, name) => {
    const error = errorOf(() => fillEnvText(text, ENV));
    expect(error).toBeInstanceOf(ExpressionError);
    expect(error).toMatchObject({ message: expect.stringContaining(`variable ${name} is not set`) });
  });

  it.each([
    '${input.x}',
    '${env.TOKEN + input.x}',
    '${env}',
    '${env[env.TOKEN]}',
    '${Object.keys(env)}',
    '${env.TOKEN',
  ])('refuses %s', (text) => expect(errorOf(() => fillEnvText(text, ENV))).toBeInstanceOf(ExpressionError));

  it('never says what a variable holds', () => {
    expect(String(errorOf(() => fillEnvText('${env.TOKEN}${env.UNSET}', ENV)))).not.toContain('s3cret');
  });

  it('says which variables a text names', () => {
    expect(envNamesOf("${env.A}-${env.B ?? env['C'] ?? env.A} $env.D")).toEqual(['A', 'B', 'C']);
    expect(envNamesOf('$env.D')).toEqual(['D']);
    expect(envNamesOf('nothing')).toEqual([]);
  });
});
