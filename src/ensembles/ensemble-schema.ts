// An ensemble's YAML, read strictly: header, inputs, triggers, inline agents, steps, output. Owns which keys the language
// has, and which of them are still to come: a new flow element is a new case of readFlow. Compiles nothing.
import type { SourcePosition } from '../model/agent.ts';
import type { Ensemble, EnsembleInputField } from '../model/ensemble.ts';
import type { JsonObject } from '../model/json.ts';
import type { Trigger } from '../model/trigger.ts';
import { type InlineSource, readInlineAgent } from './agent-schema.ts';
import { type Cursor, type Fields, type Shape, suggestion } from './cursor.ts';
import { readName, stepKeyFault } from './definition-name.ts';
import { readInputFields } from './input-fields.ts';
import { readTriggers } from './trigger-schema.ts';

const ENSEMBLE: Shape = {
  what: 'an ensemble',
  // version, tags, metadata and examples are known and without effect: documentation for readers.
  keys: [
    'name',
    'description',
    'trigger',
    'input',
    'agents',
    'flow',
    'output',
    'state',
    'apiExecutable',
    'durable',
    'history',
    'version',
    'tags',
    'metadata',
    'examples',
  ],
  aliases: { ensemble: 'name', inputs: 'input', outputs: 'output' },
  later: [
    'scoring',
    'memory',
    'notifications',
    'cache',
    'logging',
    'metrics',
    'tracing',
    'schema',
    'retry',
    'timeout',
    'budget',
    'hooks',
  ],
  elsewhere: {
    operation: '`operation` belongs to an agent: put it into `agents:`, or into agents/<name>/agent.yaml.',
    handler: '`handler` belongs to an agent.',
    path: '`path` belongs to a trigger: indent it under `trigger:`.',
    public: '`public` belongs to a trigger: indent it under `trigger:`.',
    auth: '`auth` belongs to a trigger: indent it under `trigger:`.',
    steps: 'The steps of an ensemble stand under `flow:`.',
  },
};

const ELEMENTS = ['parallel', 'branch', 'foreach', 'try', 'switch', 'while', 'map-reduce'];
const ELEMENT_KEYS = [
  'type',
  'steps',
  'waitFor',
  'then',
  'else',
  'items',
  'maxConcurrency',
  'breakWhen',
  'step',
  'catch',
  'finally',
  'value',
  'cases',
  'default',
  'maxIterations',
  'map',
  'reduce',
];

const STEP: Shape = {
  what: 'a step',
  // `description` is documentation for readers.
  keys: ['agent', 'id', 'name', 'input', 'config', 'when', 'description'],
  aliases: { inputs: 'input', condition: 'when' },
  later: [
    'state',
    'cache',
    'scoring',
    'depends_on',
    'retry',
    'timeout',
    'onTimeout',
    'onError',
    ...ELEMENTS,
    ...ELEMENT_KEYS,
  ],
  elsewhere: {
    operation: 'A step names an agent: define one with this operation under `agents:`.',
    output: 'What a step gives is its agent’s output: read it as `${<step>.output}`.',
  },
};

export interface StepSource {
  /** What expressions call it. */
  readonly key: string;
  readonly agent: string;
  readonly agentPosition: SourcePosition;
  readonly cursor: Cursor;
  readonly input: Cursor | undefined;
  readonly config: Cursor | undefined;
  readonly when: Cursor | undefined;
}

export interface EnsembleSource {
  readonly name: string;
  readonly description: string | null;
  readonly apiExecutable: boolean | undefined;
  readonly durable: boolean;
  readonly history: Ensemble['history'];
  readonly inputs: readonly EnsembleInputField[];
  readonly triggers: readonly Trigger[];
  readonly agents: readonly InlineSource[];
  readonly steps: readonly StepSource[];
  readonly output: Cursor | undefined;
  readonly state: JsonObject;
  readonly cursor: Cursor;
  readonly position: SourcePosition;
}

/** Undefined when it has no name; other errors are among the cursor's problems. */
export function readEnsemble(cursor: Cursor): EnsembleSource | undefined {
  const fields = cursor.fields(ENSEMBLE);
  if (fields === undefined) return undefined;
  const header = fields.get('name');
  if (header === undefined) cursor.error('An ensemble needs a name', 'Add `name: my-ensemble`.');
  const name = header === undefined ? undefined : readName(header, 'ensemble');
  // A name that is missing must not hide what else is wrong.
  const shownName = name ?? 'unnamed';
  const agents = readAgents(fields.get('agents'), shownName);
  const flow = fields.get('flow');
  const steps = flow === undefined ? stepsOf(agents) : readFlow(flow);
  checkKeys(steps);
  if (flow !== undefined) for (const agent of agents) refuseStepKeys(agent);
  if (flow?.node.kind === 'list' && flow.node.items.length === 0)
    flow.error('`flow` is empty', 'Add `- agent: <name>`.');
  const source = {
    description: fields.get('description')?.text() ?? null,
    apiExecutable: fields.get('apiExecutable')?.flag(),
    durable: fields.get('durable')?.flag() ?? false,
    history: fields.get('history')?.oneOf(['all', 'failures']) ?? 'all',
    inputs: readInputs(fields),
    triggers: fields.has('trigger') ? readTriggers(fields.get('trigger') ?? cursor, shownName) : [],
    agents,
    steps,
    output: fields.get('output'),
    state: readState(fields.get('state')),
    cursor,
    position: cursor.position,
  };
  return name === undefined ? undefined : { name, ...source };
}

function readInputs(fields: Fields): EnsembleInputField[] {
  const cursor = fields.get('input');
  return cursor === undefined ? [] : readInputFields(cursor);
}

function readState(cursor: Cursor | undefined): JsonObject {
  const fields = cursor?.fields({ what: 'state', keys: ['initial'], later: ['schema'] });
  return fields?.get('initial')?.object() ?? {};
}

function readAgents(cursor: Cursor | undefined, ensemble: string): InlineSource[] {
  const first = new Map<string, number>();
  return (cursor?.list() ?? []).flatMap((item) => {
    const source = readInlineAgent(item, ensemble);
    if (source === undefined) return [];
    const before = first.get(source.agent.name);
    if (before !== undefined)
      item.error(
        `The inline agent "${source.agent.name}" is defined twice: in line ${before} already`,
        'Name them apart.',
      );
    else first.set(source.agent.name, item.position.line);
    return before === undefined ? [source] : [];
  });
}

/** Without a flow, the inline agents are the steps, in their order. */
function stepsOf(agents: readonly InlineSource[]): StepSource[] {
  return agents.map(({ agent, cursor, input, when }) => ({
    key: agent.name,
    agent: agent.name,
    agentPosition: cursor.position,
    cursor,
    input,
    config: undefined,
    when,
  }));
}

function refuseStepKeys({ input, when, agent }: InlineSource): void {
  for (const cursor of [input, when]) {
    const key = cursor === input ? 'input' : 'when';
    cursor?.error(
      `\`${key}\` of the inline agent "${agent.name}" has no effect beside a flow`,
      `Move it to the step: \`- agent: ${agent.name}\`.`,
      cursor.keyPosition,
    );
  }
}

function readFlow(cursor: Cursor): StepSource[] {
  return cursor.list().flatMap((item) => {
    const { node } = item;
    if (node.kind === 'scalar' && typeof node.value === 'string') {
      item.error('A step is a mapping', `Write \`- agent: ${node.value}\`.`);
      return [];
    }
    const type = node.kind === 'map' ? node.entries.find((entry) => entry.key === 'type')?.value : undefined;
    if (type?.kind === 'scalar') return unsupportedElement(item, String(type.value), type.position);
    const key = node.kind === 'map' ? node.entries.find((entry) => ELEMENTS.includes(entry.key)) : undefined;
    if (key !== undefined) return unsupportedElement(item, key.key, key.keyPosition);
    return readStep(item) ?? [];
  });
}

function unsupportedElement(item: Cursor, type: string, position: SourcePosition): [] {
  if (ELEMENTS.includes(type))
    item.error(
      `The flow element \`${type}\` is not supported yet by this version`,
      'Steps run one after another; use `when` for a condition.',
      position,
    );
  else
    item.error(
      `"${type}" is not a type of flow element`,
      suggestion(type, ELEMENTS) ?? 'A step has no type: write `- agent: <name>`.',
      position,
    );
  return [];
}

function readStep(item: Cursor): StepSource | undefined {
  const fields = item.fields(STEP);
  if (fields === undefined) return undefined;
  const named = fields.get('agent');
  if (named === undefined) {
    item.error('A step needs its agent', 'Add `agent: <name>`.');
    return undefined;
  }
  const agent = named.text('agent: fetch');
  if (agent === undefined) return undefined;
  if (agent.includes('@'))
    named.error(
      `"${agent}": versions of agents are not supported yet by this version`,
      `Write \`agent: ${agent.split('@')[0]}\`.`,
    );
  const label = fields.get('id') ?? fields.get('name');
  const key = label === undefined ? agent : label.text('name: my-step');
  fields.get('name')?.text('name: my-step');
  fields.get('config')?.object();
  if (key === undefined) return undefined;
  return {
    key,
    agent,
    agentPosition: named.position,
    cursor: label ?? named,
    input: fields.get('input'),
    config: fields.get('config'),
    when: fields.get('when'),
  };
}

function checkKeys(steps: readonly StepSource[]): void {
  const first = new Map<string, number>();
  for (const { key, agent, cursor } of steps) {
    const fault = stepKeyFault(key);
    const before = first.get(key);
    if (fault !== null && !agent.includes('@'))
      cursor.error(
        fault,
        `Give the step another name: \`name: ${key
          .replaceAll(/\W+/g, '-')
          .replace(/^[-\d]*/, 'step-')
          .replace(/-+$/, '')}\`.`,
      );
    if (before === undefined) first.set(key, cursor.position.line);
    else
      cursor.error(
        `Two steps are called "${key}": the first is in line ${before}`,
        `Give this one a name of its own: \`name: ${key}-2\`.`,
      );
  }
}
