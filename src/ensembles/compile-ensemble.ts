// An ensemble that has been read, compiled to one workflow definition: a task of type AGENT per step, or
// APPROVAL where people decide. Owns the mapping and
// which expressions may read what. Must never run anything, nor see a value of the environment.
import type { AgentDefinition } from '../model/agent.ts';
import type { Ensemble } from '../model/ensemble.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts';
import { type WorkflowDefinition, workflowDefinitionSchema } from '../model/workflow-definition.ts';
import { checkCondition, checkTexts, type Reach } from './check-expressions.ts';
import { compileApproval } from './compile-approval.ts';
import type { EnsembleSource, StepSource } from './ensemble-schema.ts';
import { liftEnv } from './lift-env.ts';
import { readOutput } from './output-blocks.ts';

const ALWAYS = ['input', 'trigger', 'state'];
const NO_ENV_IN_CONDITION = 'what decides a step is kept in the history of the execution';
const NO_ENV_IN_OUTPUT = 'it would be in the answer';

/** Problems go to the cursors of the source: the result counts only when there are no errors. */
export function compileEnsemble(
  source: EnsembleSource,
  agents: ReadonlyMap<StepSource, AgentDefinition>,
  origin: Ensemble['origin'],
  literalOf: (agent: AgentDefinition) => readonly string[],
): Ensemble {
  const keys = source.steps.map((step) => step.key);
  const tasks = source.steps.map((step, index) => {
    const agent = agents.get(step);
    return compileStep(step, index, keys, agent, agent ? literalOf(agent) : []);
  });
  const everything: Reach = { roots: new Set([...ALWAYS, ...keys]), later: new Set(), envRefused: NO_ENV_IN_OUTPUT };
  if (source.output !== undefined) checkTexts(source.output, everything);
  const outputParameters = readOutput(source.output, everything);
  if (source.steps.length === 0 && source.output === undefined) {
    source.cursor.warning(
      `The ensemble "${source.name}" does nothing: it has neither a flow nor an output`,
      'Add `flow:` with its steps.',
    );
  }
  return {
    name: source.name,
    description: source.description,
    apiExecutable: source.apiExecutable,
    inputs: source.inputs,
    triggers: source.triggers,
    definition: toDefinition(source, tasks, outputParameters),
    agents: new Map(source.agents.map(({ agent }) => [agent.name, agent])),
    durable: source.durable,
    history: source.history,
    origin,
    position: source.position,
  };
}

function toDefinition(
  source: EnsembleSource,
  tasks: readonly JsonObject[],
  outputParameters: JsonObject,
): WorkflowDefinition {
  return workflowDefinitionSchema.parse({
    name: source.name,
    version: 1,
    description: source.description ?? undefined,
    // A definition has at least one task: an ensemble that only answers does nothing before it.
    tasks: tasks.length > 0 ? tasks : [{ type: 'NOOP', name: 'nothing', taskReferenceName: 'nothing' }],
    inputParameters: source.inputs.map((field) => field.name),
    outputParameters,
    variables: Object.keys(source.state).length > 0 ? { state: source.state } : {},
    metadata: { kind: 'ensemble' },
    expressionLanguage: 'ensemble',
  });
}

function compileStep(
  step: StepSource,
  index: number,
  keys: readonly string[],
  agent: AgentDefinition | undefined,
  literal: readonly string[],
): JsonObject {
  const before = new Set([...ALWAYS, ...keys.slice(0, index)]);
  const reach: Reach = { roots: before, later: new Set(keys.slice(index)), envRefused: null };
  const when =
    step.when === undefined ? undefined : checkCondition(step.when, { ...reach, envRefused: NO_ENV_IN_CONDITION });
  const previous = keys[index - 1];
  const input = step.input?.json() ?? (previous === undefined ? '${input}' : `\${${previous}.output}`);
  const common = { taskReferenceName: step.key, ...(when === undefined ? {} : { when }) };
  if (agent?.operation === 'hitl') return { ...compileApproval(step, agent, input, reach), ...common };
  const inputTexts = step.input === undefined ? [] : checkTexts(step.input, reach);
  const configTexts = step.config === undefined ? [] : checkTexts(step.config, reach, literal);
  const name = agent?.id ?? step.agent;
  return {
    type: 'AGENT',
    name,
    inputParameters: {
      agent: name,
      input,
      config: withLiterals(step.config?.json() ?? {}, literal),
      env: { ...liftEnv('input', inputTexts), ...liftEnv('config', configTexts) },
    },
    ...common,
  };
}

/** Under these keys nothing is an expression: every mark is escaped, which the engine undoes. */
function withLiterals(config: JsonValue, literal: readonly string[]): JsonValue {
  if (!isJsonObject(config) || literal.length === 0) return config;
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key, literal.includes(key) ? escaped(value) : value]),
  );
}

function escaped(value: JsonValue): JsonValue {
  if (typeof value === 'string') return value.replaceAll(/\$\{|\{\{/g, String.raw`\$&`);
  if (Array.isArray(value)) return value.map(escaped);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, escaped(each)]));
}
