import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { handlerPath } from './handler-path.ts';

describe('handlers lie inside the project', () => {
  test.each([
    ['agents/x/agent.yaml', './index.ts', 'agents/x/index.ts'],
    ['agents/x/agent.yaml', 'lib/../index.ts', 'agents/x/index.ts'],
    ['agents/x/agent.yaml', '../shared/run.ts', 'agents/shared/run.ts'],
    ['agents/x/agent.yaml', '../../src/run.ts', 'src/run.ts'],
    ['a.yaml', './index.ts', 'index.ts'],
  ])('from %s, %s is %s', (yaml, handler, path) => {
    expect(handlerPath(yaml, handler)).toBe(path);
  });

  test.each([
    '../../../x.ts',
    '/etc/passwd',
    '\\\\host\\x',
    'C:/x.ts',
    'file:///x.ts',
    'https://x.example/x.js',
    'data:text/javascript,1',
    '~/x.ts',
    '..',
    '../..',
    './..\\..\\x',
    'node:fs',
    'a\0b',
  ])('%j does not', (handler) => {
    const path = handlerPath('agents/x/agent.yaml', handler);
    // "..", from agents/x, is a folder of the project: there is no handler in that, but nothing outside is reached.
    if (path !== null) expect(path).toBe('agents');
  });

  test('no path of dots and slashes ever leaves it', () => {
    const segment = fc.constantFrom('..', '.', '', 'a', 'b', '...');
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 12 }), (segments) => {
        const path = handlerPath('agents/x/agent.yaml', segments.join('/'));
        if (path !== null) expect(path.split('/')).not.toContain('..');
        if (path !== null) expect(path.startsWith('/')).toBe(false);
      }),
    );
  });
});
