// Which agent each step of an ensemble means: one written into the ensemble, then the project's own, then a built-in one.
import type { z } from 'zod';
import type { AgentDefinition } from '../model/agent.ts';
import { isJsonObject } from '../model/json.ts';
import { checkConfig } from './check-config.ts';
import { suggestion } from './cursor.ts';
import type { EnsembleSource, StepSource } from './ensemble-schema.ts';

export interface AgentTable {
  readonly agents: ReadonlyMap<string, AgentDefinition>;
  /** Those with an error, and where they are written. */
  readonly broken: ReadonlyMap<string, string>;
}

/** Steps whose agent is missing are left out, and reported. */
export function resolveAgents(source: EnsembleSource, table: AgentTable): ReadonlyMap<StepSource, AgentDefinition> {
  const inline = new Map(source.agents.map(({ agent }) => [agent.name, agent]));
  const resolved = new Map<StepSource, AgentDefinition>();
  const missing = new Map<string, StepSource>();
  for (const step of source.steps) {
    const agent = inline.get(step.agent) ?? table.agents.get(step.agent);
    const broken = table.broken.get(step.agent);
    if (agent !== undefined) resolved.set(step, agent);
    else if (broken !== undefined)
      source.cursor.error(
        `The agent "${step.agent}" has errors of its own`,
        `Mend it first: ${broken}.`,
        step.agentPosition,
      );
    else if (!missing.has(step.agent)) missing.set(step.agent, step);
  }
  const [first] = missing.values();
  if (first === undefined) return resolved;
  const hints = [...missing.keys()].flatMap(
    (name) => suggestion(name, [...inline.keys(), ...table.agents.keys()]) ?? [],
  );
  const fix = `Define it in agents/${first.agent}/agent.yaml, or under \`agents:\`.`;
  source.cursor.error(
    `Ensemble "${source.name}" references missing agents: ${[...missing.keys()].join(', ')}`,
    hints.length > 0 ? hints.join(' ') : fix,
    first.agentPosition,
  );
  return resolved;
}

/** The step's config lies over the agent's: what one lacks the other may give. */
export function checkStepConfig(step: StepSource, agent: AgentDefinition, schema: z.ZodType | undefined): void {
  if (schema === undefined) return;
  const own = step.config?.json();
  const config = { ...agent.config, ...(isJsonObject(own) ? own : {}) };
  checkConfig({ config, schema, written: step.config, missingAt: step.cursor, of: `agent "${agent.name}"` });
}
