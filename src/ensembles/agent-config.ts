// An agent's own config at a call: its expressions over `input` and `env` resolved once, what is in a language of the
// operation's own left as written. Nothing of it is kept, so a secret of the environment may stand in it.
import { fillEnvText } from '../expressions/ensemble/env.ts';
import { splitPlaceholders } from '../expressions/ensemble/placeholders.ts';
import { compileEnsembleTemplate, isEnvShorthand } from '../expressions/ensemble/template.ts';
import type { Template } from '../expressions/template.ts';
import type { AgentDefinition } from '../model/agent.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts';
import type { Operation } from '../operations/operation.ts';

type Environment = Readonly<Record<string, string | undefined>>;

interface Compiled {
  readonly template: Template;
  readonly literal: JsonObject;
  /** Expressions that read the environment, with their marks. */
  readonly envTexts: readonly string[];
}

/** Once per definition, which is replaced as a whole when its file changes. */
const compiled = new WeakMap<AgentDefinition, Compiled>();

/** Throws ExpressionError for a variable that is not set and has no default. */
export function ownConfig(
  agent: AgentDefinition,
  { literal }: Operation,
  input: JsonValue,
  env: Environment,
): JsonObject {
  let config = compiled.get(agent);
  if (!config) {
    config = compile(agent.config, literal ?? []);
    compiled.set(agent, config);
  }
  for (const text of config.envTexts) fillEnvText(text, env);
  const lookup = (root: string) => (root === 'env' ? present(env) : root === 'input' ? input : undefined);
  const own = config.template.resolve({ lookup });
  return { ...(isJsonObject(own) ? own : {}), ...config.literal };
}

function compile(config: JsonObject, literal: readonly string[]): Compiled {
  const isLiteral = ([key]: readonly [string, JsonValue]) => literal.includes(key);
  const own = Object.fromEntries(Object.entries(config).filter((entry) => !isLiteral(entry)));
  return {
    template: compileEnsembleTemplate(own, { env: 'data' }),
    literal: Object.fromEntries(Object.entries(config).filter(isLiteral)),
    envTexts: textsOf(own).flatMap(envTextsOf),
  };
}

function envTextsOf(text: string): string[] {
  if (isEnvShorthand(text)) return [text];
  return splitPlaceholders(text).flatMap((part) =>
    typeof part === 'object' && part.roots.has('env') ? [part.raw] : [],
  );
}

function textsOf(value: JsonValue): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

function present(env: Environment): JsonObject {
  const set = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(set);
}
