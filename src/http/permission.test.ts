import { describe, expect, it } from 'vitest';
import { accessWith } from './access.fixture.ts';
import { permission } from './permission.ts';

describe('a permission', () => {
  it('has three parts whatever the name holds', () => {
    expect(permission('task', 'charge', 'poll')).toBe('task:charge:poll');
    expect(permission('task', 'a:b:c', 'poll').split(':')).toHaveLength(3);
  });

  it('is not granted by a name that imitates another one', async () => {
    const access = await accessWith({ narrow: ['task:pay:poll'], wide: ['task:*:poll'] });
    const as = async (key: string) => access.authenticate((name) => (name === 'x-api-key' ? key : undefined));
    const narrow = await as('narrow');
    const wide = await as('wide');
    expect(access.allows(narrow, permission('task', 'pay', 'poll'))).toBe(true);
    for (const name of ['pay:poll', 'x:pay', '*', 'pay:poll:x']) {
      expect(access.allows(narrow, permission('task', name, 'poll')), name).toBe(false);
      expect(access.allows(wide, permission('task', name, 'poll')), name).toBe(true);
    }
  });
});
