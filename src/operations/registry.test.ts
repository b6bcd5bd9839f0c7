import { describe, expect, it } from 'vitest';
import { BUILT_IN_AGENTS } from './built-in-agents.ts';
import { OPERATIONS } from './registry.ts';

describe('what ships', () => {
  it('has one operation per name, and an operation for each agent', () => {
    const names = OPERATIONS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const agent of BUILT_IN_AGENTS) expect(names).toContain(agent.operation);
  });

  it('S14: no shipped agent says apiExecutable, so requireExplicit holds for it', () => {
    for (const agent of BUILT_IN_AGENTS) expect(agent.apiExecutable).toBeUndefined();
  });

  it('S4: the agent `http` of the reference page is there', () => {
    expect(BUILT_IN_AGENTS.map(({ name }) => name)).toContain('http');
  });

  it('refuses config keys that nobody knows', () => {
    for (const { config, name } of OPERATIONS) {
      if (name === 'code') continue;
      const result = config.safeParse({ nobodyKnowsThis: 1 });
      expect(result.error?.issues.map(({ code }) => code)).toContain('unrecognized_keys');
    }
  });
});
