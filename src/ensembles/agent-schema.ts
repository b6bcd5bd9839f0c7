// An agent's YAML: a file of its own, or written into an ensemble. Both keep every key, `security` and `apiExecutable`
// among them. What an operation makes of `config` is checked by whoever knows the operations.
import type { AgentDefinition, AgentOrigin } from '../model/agent.ts';
import type { JsonValue } from '../model/json.ts';
import { type Cursor, type Fields, hasErrors, type Shape } from './cursor.ts';
import { readName } from './definition-name.ts';
import { handlerPath } from './handler-path.ts';
import { compileSchema } from './validate-against.ts';

const LATER = ['logging', 'metrics', 'cache', 'retry', 'operations', 'memory', 'tests', 'state'];
/** Known, and without effect: documentation for readers. */
const DOCUMENTATION = ['version', 'tags', 'examples'];
const KEYS = [
  'name',
  'operation',
  'description',
  'config',
  'handler',
  'schema',
  'apiExecutable',
  'security',
  'timeout',
  ...DOCUMENTATION,
];

const FILE: Shape = {
  what: 'an agent',
  keys: [...KEYS, 'input', 'output'],
  aliases: { agent: 'name', inputs: 'input', outputs: 'output' },
  later: LATER,
  elsewhere: Object.fromEntries(
    ['flow', 'trigger', 'agents'].map((key) => [
      key,
      `\`${key}\` belongs to an ensemble: move it to a file under ensembles/.`,
    ]),
  ),
};

/** `input`, `when` and `condition` are the step's, where an ensemble has no flow of its own. */
const INLINE: Shape = {
  what: 'an inline agent',
  keys: [...KEYS, 'input', 'when'],
  aliases: { agent: 'name', inputs: 'input', condition: 'when' },
  later: LATER.filter((key) => key !== 'tests'),
};

export interface AgentSource {
  readonly agent: AgentDefinition;
  readonly cursor: Cursor;
  readonly config: Cursor | undefined;
}

export interface InlineSource extends AgentSource {
  readonly input: Cursor | undefined;
  readonly when: Cursor | undefined;
}

/** A file under agents/, or a document that begins with `agent:`. Undefined after an error. */
export function readAgent(cursor: Cursor, origin: AgentOrigin): AgentSource | undefined {
  const before = cursor.problems.length;
  const fields = cursor.fields(FILE);
  if (fields === undefined) return undefined;
  const folder = /(?:^|\/)([^/]+)\/[^/]+$/.exec(cursor.position.file)?.[1];
  if (!fields.has('name')) cursor.error('An agent needs a name', `Add \`name: ${folder ?? 'my-agent'}\`.`);
  const name = named(fields);
  // The header `agent:` is known from files that say no operation: they stand beside their handler.
  const header = cursor.node.kind === 'map' && cursor.node.entries.some((entry) => entry.key === 'agent');
  const agent = readCommon(cursor, fields, {
    id: name ?? '',
    name: name ?? '',
    origin,
    operation: header ? 'code' : null,
    handler: './index.ts',
  });
  return hasErrors(cursor.problems.slice(before)) ? undefined : { agent, cursor, config: fields.get('config') };
}

/** An entry of an ensemble's `agents:`. Undefined after an error. */
export function readInlineAgent(cursor: Cursor, ensemble: string): InlineSource | undefined {
  const before = cursor.problems.length;
  const fields = cursor.fields(INLINE);
  if (fields === undefined) return undefined;
  if (!fields.has('name')) cursor.error('An inline agent needs a name', 'Add `name: my-agent`.');
  const name = named(fields);
  const agent = readCommon(cursor, fields, {
    id: `${ensemble}/${name ?? ''}`,
    name: name ?? '',
    origin: 'inline',
    operation: null,
    handler: null,
  });
  if (hasErrors(cursor.problems.slice(before))) return undefined;
  return { agent, cursor, config: fields.get('config'), input: fields.get('input'), when: fields.get('when') };
}

function named(fields: Fields): string | undefined {
  const cursor = fields.get('name');
  return cursor === undefined ? undefined : readName(cursor, 'agent');
}

interface Given {
  readonly id: string;
  readonly name: string;
  readonly origin: AgentOrigin;
  /** When none is named; null: one must be named. */
  readonly operation: string | null;
  /** Beside the YAML, of a `code` agent that names none; null: one must be named. */
  readonly handler: string | null;
}

function readCommon(cursor: Cursor, fields: Fields, given: Given): AgentDefinition {
  const named = fields.get('operation');
  if (named === undefined && given.operation === null)
    cursor.error(
      'An agent needs an operation',
      'Add `operation: code` and a handler, or another operation such as `operation: http`.',
    );
  const operation = named === undefined ? (given.operation ?? '') : (named.text('operation: code') ?? '');
  const security = fields.get('security')?.fields({ what: 'security', keys: ['ssrf'] });
  return {
    id: given.id,
    name: given.name,
    operation,
    description: fields.get('description')?.text() ?? null,
    config: fields.get('config')?.object() ?? {},
    schema: readSchemas(fields, given.origin === 'inline'),
    apiExecutable: fields.get('apiExecutable')?.flag(),
    ssrf: security?.get('ssrf')?.flag() ?? true,
    timeoutMs: fields.get('timeout')?.whole(1, 2_147_483_647, 'milliseconds') ?? null,
    handler: readHandler(cursor, fields.get('handler'), operation, given.handler),
    origin: given.origin,
    position: cursor.position,
  };
}

function readHandler(
  agent: Cursor,
  cursor: Cursor | undefined,
  operation: string,
  fallback: string | null,
): string | null {
  if (operation !== 'code') {
    if (cursor !== undefined && operation !== '')
      cursor.error(
        `Only agents of operation code have a handler, not ${operation}`,
        'Write `operation: code`, or remove the handler.',
        cursor.keyPosition,
      );
    return null;
  }
  if (cursor === undefined && fallback === null)
    agent.error(
      'An inline agent of operation code needs a handler',
      'Add `handler: ../agents/my-agent/index.ts`, from this file.',
    );
  const path = cursor === undefined ? fallback : cursor.text('handler: ./index.ts');
  if (path === null || path === undefined) return null;
  const resolved = handlerPath(agent.position.file, path);
  if (resolved === null)
    cursor?.error(
      `The handler "${path}" does not lie inside the project`,
      'Write a path relative to this file: `handler: ./index.ts`.',
    );
  return resolved;
}

/** Files may spell them `inputs` and `outputs`, without `schema`; what an inline agent calls `input` is its step's. */
function readSchemas(fields: Fields, inline: boolean): { input: JsonValue | null; output: JsonValue | null } {
  const nested = fields
    .get('schema')
    ?.fields({ what: 'schema', keys: ['input', 'output'], aliases: { inputs: 'input', outputs: 'output' } });
  const read = (key: string) => {
    const [inside, beside] = [nested?.get(key), inline ? undefined : fields.get(key)];
    if (inside !== undefined && beside !== undefined)
      beside.error(`\`${key}\` and \`schema.${key}\` mean the same`, 'Keep one of them.', beside.keyPosition);
    return readSchema(inside ?? beside);
  };
  return { input: read('input'), output: read('output') };
}

function readSchema(cursor: Cursor | undefined): JsonValue | null {
  if (cursor === undefined) return null;
  const schema = cursor.json();
  try {
    compileSchema(schema);
    return schema;
  } catch (error) {
    cursor.error(
      `\`${cursor.path}\` is not a schema: ${error instanceof Error ? error.message : String(error)}`,
      'Write JSON Schema, or lines like `url: string` and `count: number?`.',
    );
    return null;
  }
}
