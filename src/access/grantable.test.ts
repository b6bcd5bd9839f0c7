import { expect, test } from 'vitest';
import { permissionFault } from './grantable.ts';

test.each(['*', 'ensemble:*', 'ensemble:billing-*:execute', '*:*:read', 'keys:*:manage', 'audit:*:read', 'vault:*'])(
  'a key may be granted %s',
  (permission) => expect(permissionFault(permission)).toBeNull(),
);

test("a key may be granted what a project's own triggers ask for", () => {
  for (const own of ['orders:*:read', 'reports:*']) expect(permissionFault(own)).toBeNull();
});

test.each([
  ['ensmble:*', 'Did you mean "ensemble:*"?'],
  ['workflows:billing-*:execute', 'Did you mean "workflow:billing-*:execute"?'],
  ['Task:say:poll', 'Did you mean "task:say:poll"?'],
  ['key:*:manage', 'Did you mean "keys:*:manage"?'],
  ['bogus:perm', '"bogus:*" is everything about bogus'],
  ['workflow:billing', '"workflow:*" is everything about workflow'],
  ['*:*', 'Use "*" for full access.'],
  ['workflow', 'Use resource:name:action'],
  [`workflow:${'x'.repeat(300)}:read`, 'Use resource:name:action'],
])('a key cannot be granted %s, and is told why', (permission, why) => {
  expect(permissionFault(permission)).toContain(why);
});
