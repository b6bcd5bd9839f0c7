// An agent that ships: an operation under its own name, with no config.
import type { AgentDefinition } from '../model/agent.ts';

export function builtIn(name: string, description: string, timeoutMs: number | null = null): AgentDefinition {
  return {
    id: name,
    name,
    operation: name,
    description,
    config: {},
    schema: { input: null, output: null },
    apiExecutable: undefined,
    ssrf: true,
    timeoutMs,
    handler: null,
    origin: 'built-in',
    position: null,
  };
}
