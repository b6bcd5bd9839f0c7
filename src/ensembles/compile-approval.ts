// A step that waits for people, as an APPROVAL task. No agent runs there: the engine reads the config, so everything in it
// but the address of the notification must be known to it, and secrets can stand nowhere else.
import type { AgentDefinition } from '../model/agent.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts';
import { type CheckedText, checkTexts, type Reach } from './check-expressions.ts';
import type { StepSource } from './ensemble-schema.ts';
import { expressionsIn } from './expressions-in.ts';
import { liftEnv } from './lift-env.ts';
import { positionOf } from './yaml-node.ts';

const ENV_BELONGS = 'notificationConfig';
const NO_ENV = 'what is asked of people is kept in the history of the execution';

/** Problems go to the step's cursor. */
export function compileApproval(step: StepSource, agent: AgentDefinition, input: JsonValue, reach: Reach): JsonObject {
  if (step.input !== undefined) checkTexts(step.input, { ...reach, envRefused: NO_ENV });
  const written = step.config === undefined ? [] : checkTexts(step.config, reach);
  const own = step.config?.json() ?? null;
  const over = isJsonObject(own) ? own : {};
  const inherited = Object.entries(agent.config).filter(([key]) => !Object.hasOwn(over, key));
  const texts = [...written, ...inheritedTexts(step, agent, Object.fromEntries(inherited))];
  for (const { path, expressions } of texts) {
    if (path[0] === ENV_BELONGS || !expressions.some(({ roots }) => roots.has('env'))) continue;
    step.cursor.error(
      `\`env\` cannot be read in \`config.${path.join('.')}\` of an approval: ${NO_ENV}`,
      `Only \`config.${ENV_BELONGS}\` may read it.`,
      step.config ? positionOf(step.config.node, path) : step.agentPosition,
    );
  }
  return {
    type: 'APPROVAL',
    name: agent.id,
    inputParameters: { agent: agent.id, input, config: { ...agent.config, ...over }, env: liftEnv('config', texts) },
  };
}

/** An agent's config reads that agent's input, and here no agent takes one: only the environment is left. */
function inheritedTexts(step: StepSource, agent: AgentDefinition, config: JsonObject): CheckedText[] {
  return textsOf(config, []).flatMap(({ text, path }) => {
    const expressions = expressionsIn(text);
    if (expressions.length === 0) return [];
    if (expressions.every(({ roots }) => [...roots].every((root) => root === 'env'))) {
      return [{ text, path, expressions }];
    }
    step.cursor.error(
      `The config of the approval agent "${agent.name}" reads data in \`${path.join('.')}\``,
      'Write it in the `config` of the step, where the steps before it can be read.',
      step.agentPosition,
    );
    return [];
  });
}

interface PlacedText {
  readonly text: string;
  readonly path: readonly string[];
}

function textsOf(value: JsonValue, path: readonly string[]): PlacedText[] {
  if (typeof value === 'string') return [{ text: value, path }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => textsOf(inner, [...path, key]));
}
