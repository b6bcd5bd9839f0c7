import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  buildPermission,
  compilePermissions,
  getMissingPermissions,
  grantsAbout,
  hasAllPermissions,
  hasAnyPermission,
  hasPermission,
  isPermission,
  isValidPermissionFormat,
  normalizePermission,
  parsePermission,
} from './permissions.ts';

/** The rules read as they are written, one after the other, with an anchored regular expression for the name. */
function naive(grant: string, required: string): boolean {
  if (required === '') return true;
  if (grant === required || grant === '*') return true;
  const given = grant.split(':');
  const wanted = required.split(':');
  if (given.length === 2 && given[1] === '*') return given[0] === wanted[0];
  if (given.length !== 3 || wanted.length !== 3) return false;
  const name = given[1] ?? '';
  const pattern = name
    .split('*')
    .map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return (
    (given[0] === '*' || given[0] === wanted[0]) &&
    (given[2] === '*' || given[2] === wanted[2]) &&
    new RegExp(`^${pattern}$`, 's').test(wanted[1] ?? '')
  );
}

const character = fc.constantFrom('a', 'b', '*', '-', '.', '?', '(');
const word = fc.string({ unit: character, maxLength: 6 });
const resource = fc.constantFrom('workflow', 'task', '*', '', 'w*');
const action = fc.constantFrom('execute', 'read', '*', '', 'ex*');
const permission = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(resource, word, action).map((parts) => parts.join(':')) },
  { weight: 2, arbitrary: fc.tuple(resource, word).map((parts) => parts.join(':')) },
  { weight: 1, arbitrary: fc.array(word, { maxLength: 5 }).map((parts) => parts.join(':')) },
);

/** Few letters, so that one often includes another. */
const part = fc.constantFrom('*', 'a', 'b', 'a*', '*b', 'ab', 'a*b', 'aab');
const small = fc
  .oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom('*', 'a'), part, fc.constantFrom('*', 'a')) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom('*', 'a'), part) },
    { weight: 1, arbitrary: fc.constant(['*']) },
  )
  .map((parts) => parts.join(':'));

describe('permissions', () => {
  test('a compiled set covers what the written rules cover, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(permission, { maxLength: 4 }), permission, (grants, required) => {
        const expected = required === '' || grants.some((grant) => naive(grant, required));
        expect(compilePermissions(grants).covers(required)).toBe(expected);
      }),
      { numRuns: 5000 },
    );
  });

  test('what a set includes it covers wholly', () => {
    fc.assert(
      fc.property(small, small, small, (wide, narrow, required) => {
        fc.pre(compilePermissions([wide]).includes(narrow) && compilePermissions([narrow]).covers(required));
        fc.pre(narrow !== '' && required !== '');
        expect(compilePermissions([wide]).covers(required)).toBe(true);
      }),
      { numRuns: 1000, maxSkipsPerRun: 1000 },
    );
  });

  test('those about a resource answer for it as all do', () => {
    fc.assert(
      fc.property(fc.array(permission, { maxLength: 4 }), resource, word, action, (grants, about, name, verb) => {
        const required = `${about}:${name}:${verb}`;
        expect(hasPermission(grantsAbout(about, grants), required)).toBe(hasPermission(grants, required));
      }),
    );
    expect(grantsAbout('agent', ['*', 'agent:*', '*:x:execute', 'agents:*', 'workflow:*'])).toHaveLength(3);
  });

  test('nobody turns a narrow set into a wide one', () => {
    for (const set of [['*:*'], ['workflow:*'], ['*:*:execute'], ['keys:*:manage']]) {
      expect(compilePermissions(set).includes('*')).toBe(false);
      expect(compilePermissions(set).includes('*:*:*')).toBe(false);
    }
    expect(compilePermissions(['workflow:*']).includes('workflow:billing-*:execute')).toBe(true);
    expect(compilePermissions(['*']).includes('*')).toBe(true);
  });

  test.each(['*', 'ensemble:*', 'ensemble:*:execute', 'ensemble:billing-*:execute'])(
    'S11: %s covers ensemble:billing-invoice:execute',
    (grant) => {
      expect(hasPermission([grant], 'ensemble:billing-invoice:execute')).toBe(true);
    },
  );

  test.each([
    ['*', 'anything:at:all', true],
    ['ensemble:*', 'ensemble:foo:read', true],
    ['ensemble:*', 'agent:foo:read', false],
    ['ensemble:*:execute', 'ensemble:foo:execute', true],
    ['ensemble:invoice-pdf:execute', 'ensemble:invoice-pdf:execute', true],
    ['ensemble:invoice-pdf:execute', 'ensemble:invoice-pdf-2:execute', false],
    ['ensemble:billing-*:execute', 'ensemble:billing-:execute', true],
    ['ensemble:billing-*:execute', 'ensemble:abilling-x:execute', false],
    ['agent:*:execute', 'agent:http:execute', true],
    ['agent:http:execute', 'agent:https:execute', false],
    ['*:*:execute', 'agent:http:execute', true],
    ['a:b:c:d', 'a:b:c:d', true],
    ['a:*:c:d', 'a:b:c:d', false],
    ['ensemble:foo', 'ensemble:foo:execute', false],
    ['ensemble:a*b*c:execute', 'ensemble:a1b2c:execute', true],
    ['ensemble:a*b*c:execute', 'ensemble:a1c2b:execute', false],
    ['Ensemble:*', 'ensemble:foo:execute', false],
    ['ensemble:?oo:execute', 'ensemble:foo:execute', false],
    ['ensemble:foo:execute', 'ensemble:*:execute', false],
  ])('S11: %s and %s: %s', (grant, required, expected) => {
    expect(hasPermission([grant], required)).toBe(expected);
  });

  test('S11: nothing required is met by everybody, and no grants cover nothing', () => {
    expect(hasPermission([], '')).toBe(true);
    expect(hasPermission([], 'ensemble:foo:execute')).toBe(false);
    const held = ['ensemble:*', 'agent:http:execute'];
    expect(hasAllPermissions(held, ['ensemble:a:execute', 'agent:http:execute'])).toBe(true);
    expect(hasAllPermissions(held, ['ensemble:a:execute', 'agent:fetch:execute'])).toBe(false);
    expect(hasAnyPermission(held, ['agent:fetch:execute', 'agent:http:execute'])).toBe(true);
    expect(hasAnyPermission(held, ['agent:fetch:execute'])).toBe(false);
    expect(getMissingPermissions(held, ['agent:b:execute', 'ensemble:a:read', 'x:y'])).toEqual([
      'agent:b:execute',
      'x:y',
    ]);
  });

  test('S11: permissions are read and written in one format', () => {
    expect(parsePermission('ensemble:foo:read')).toEqual({ resource: 'ensemble', name: 'foo', action: 'read' });
    expect(parsePermission('ensemble:*')).toEqual({ resource: 'ensemble', name: '*', action: null });
    expect(parsePermission('*')).toEqual({ resource: '*', name: '*', action: '*' });
    expect(parsePermission('a:b:c:d')).toBeNull();
    expect(buildPermission('ensemble', 'foo')).toBe('ensemble:foo:execute');
    expect(normalizePermission(' Ensemble:Foo:Execute ')).toBe('ensemble:foo:execute');
    for (const good of ['*', 'a:b', 'a:b:c']) expect(isValidPermissionFormat(good)).toBe(true);
    for (const bad of ['', 'a', 'a:', 'a:b:c:d', ':', '**']) expect(isValidPermissionFormat(bad)).toBe(false);
  });

  test.each(['ensemble:billing', 'agent:*', 'ensemble:shipping-*:execute', 'ensemble:*:read', 'ENSEMBLE:*', 'ens*:*'])(
    '%s does not cover ensemble:billing-invoice:execute',
    (grant) => {
      expect(compilePermissions([grant]).covers('ensemble:billing-invoice:execute')).toBe(false);
    },
  );

  test('a name of many stars is answered in linear work', () => {
    const set = compilePermissions([`workflow:${'a*'.repeat(500)}b:execute`]);
    expect(set.covers(`workflow:${'a'.repeat(100_000)}:execute`)).toBe(false);
  });

  test('a permission is a star, or two or three parts that are not empty', () => {
    for (const good of ['*', 'a:*', 'a:b', 'a:b:c', '*:*:*']) expect(isPermission(good)).toBe(true);
    for (const bad of ['', 'a', 'a:', ':a', 'a::c', 'a:b:c:d', 'a: b:c', '**']) expect(isPermission(bad)).toBe(false);
  });
});
