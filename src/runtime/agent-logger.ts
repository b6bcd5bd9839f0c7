// What agents say, in the server's log: with the agent's name and the execution's id, which their own details cannot
// replace.
import type { AgentDefinition } from '../model/agent.ts';
import type { Run } from '../model/run.ts';
import type { AgentLogger } from '../operations/operation.ts';
import type { ServerLog } from './log.ts';

export function agentLogger(log: ServerLog, agent: AgentDefinition, run: Run): AgentLogger {
  const about = { agent: agent.id, executionId: run.id };
  return {
    debug: () => undefined,
    info: (message, details) => log.info(message, { ...details, ...about }),
    warn: (message, details) => log.warn(message, { ...details, ...about }),
    error: (message, details) => log.error(message, { ...details, ...about }),
  };
}
