// An agent's config at a call: its expressions over `input` and `env` resolved once, what is in a language of the
// operation's own left as written, and the whole checked. Nothing that a call gave is kept, so a secret of the environment
// may stand in it; what is the same at every call is checked once.
import { fillEnvText } from '../expressions/ensemble/env.ts';
import { splitPlaceholders } from '../expressions/ensemble/placeholders.ts';
import { compileEnsembleTemplate, isEnvShorthand } from '../expressions/ensemble/template.ts';
import type { Template } from '../expressions/template.ts';
import type { AgentDefinition } from '../model/agent.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts';
import { AgentError, type Operation } from '../operations/operation.ts';

type Environment = Readonly<Record<string, string | undefined>>;

interface Compiled {
  readonly template: Template;
  readonly literal: JsonObject;
  /** Expressions that read the environment, with their marks. */
  readonly envTexts: readonly string[];
  /** What the operation makes of it where nothing changes from call to call; null: to be worked out at each call. */
  readonly constant: JsonObject | null;
}

/** Once per definition, which is replaced as a whole when its file changes. */
const compiled = new WeakMap<AgentDefinition, Compiled>();

/**
 * The agent's config with the step's `own` laid over it, as the operation wants it. Throws AgentError, not retryable, for
 * what the operation refuses; ExpressionError for a variable that is not set and has no default.
 */
export function agentConfig(
  agent: AgentDefinition,
  operation: Operation,
  own: JsonObject,
  input: JsonValue,
  env: Environment,
): JsonObject {
  let config = compiled.get(agent);
  if (!config) {
    config = compile(agent, operation);
    compiled.set(agent, config);
  }
  // A copy: a handler may write into what it gets, and the next call must not see that.
  if (config.constant && Object.keys(own).length === 0) return { ...config.constant };
  const parsed = operation.config.safeParse({ ...resolved(config, input, env), ...own });
  if (parsed.success) return asObject(parsed.data);
  const [issue] = parsed.error.issues;
  const at = issue ? `${issue.path.join('.') || 'config'}: ${issue.message}` : 'config is not valid';
  throw new AgentError(`The config of agent ${agent.id} is not valid: ${at}`, false);
}

function resolved({ envTexts, literal, template }: Compiled, input: JsonValue, env: Environment): JsonObject {
  for (const text of envTexts) fillEnvText(text, env);
  const lookup = (root: string) => (root === 'env' ? present(env) : root === 'input' ? input : undefined);
  return { ...asObject(template.resolve({ lookup })), ...literal };
}

function compile({ config }: AgentDefinition, operation: Operation): Compiled {
  const isLiteral = ([key]: readonly [string, JsonValue]) => operation.literal?.includes(key) ?? false;
  const own = Object.fromEntries(Object.entries(config).filter((entry) => !isLiteral(entry)));
  const literal = Object.fromEntries(Object.entries(config).filter(isLiteral));
  const template = compileEnsembleTemplate(own, { env: 'data' });
  const envTexts = textsOf(own).flatMap(envTextsOf);
  if (!template.constant || envTexts.length > 0) return { template, literal, envTexts, constant: null };
  const parsed = operation.config.safeParse({ ...asObject(template.resolve({ lookup: () => undefined })), ...literal });
  const checked = parsed.success ? asObject(parsed.data) : null;
  // Lists and mappings are made anew for each call: a copy of the whole would share them.
  const isFlat = checked !== null && Object.values(checked).every((value) => typeof value !== 'object');
  return { template, literal, envTexts, constant: isFlat ? checked : null };
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

function asObject(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}
