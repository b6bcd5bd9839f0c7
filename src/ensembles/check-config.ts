// An agent's config against what its operation takes, as far as that can be told before it runs: what comes from an
// expression is looked at when it is known. Must never change a config.
import type { z } from 'zod';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts';
import { type Cursor, suggestion } from './cursor.ts';
import { holdsExpression } from './expressions-in.ts';
import { child, positionOf } from './yaml-node.ts';

export interface ConfigCheck {
  /** The whole config as the operation would get it. */
  readonly config: JsonObject;
  readonly schema: z.ZodType;
  /** Where the part that is being judged is written; undefined: nowhere. */
  readonly written: Cursor | undefined;
  /** Where to tell of what is missing; undefined: somebody else judges that. */
  readonly missingAt: Cursor | undefined;
  /** `agent "fetch"`, for messages. */
  readonly of: string;
}

export function checkConfig(check: ConfigCheck): void {
  const result = check.schema.safeParse(check.config);
  if (result.success) return;
  for (const issue of result.error.issues) {
    if (issue.code === 'unrecognized_keys') unknownKeys(check, issue.path, issue.keys);
    else {
      const value = valueAt(check.config, issue.path);
      if (value === undefined) missing(check, issue.path, issue.message);
      else if (!holdsExpression(value)) wrong(check, issue.path, issue.message);
    }
  }
}

function unknownKeys(
  { written, schema, of }: ConfigCheck,
  path: readonly PropertyKey[],
  keys: readonly string[],
): void {
  for (const key of keys) {
    if (written === undefined || !isWritten(written, [...path, key])) continue;
    const known = path.length === 0 ? knownKeys(schema) : [];
    const hint = suggestion(key, known) ?? (known.length > 0 ? `Known keys: ${known.join(', ')}.` : null);
    written.error(
      `\`${['config', ...path, key].join('.')}\` is not a key of the config of ${of}`,
      hint,
      keyPosition(written, path, key),
    );
  }
}

function missing({ missingAt, of }: ConfigCheck, path: readonly PropertyKey[], message: string): void {
  if (missingAt === undefined) return;
  const name = ['config', ...path].join('.');
  missingAt.error(
    `\`${name}\` is missing for ${of}: ${message}`,
    `Add \`${String(path.at(-1) ?? 'config')}\` to \`config\`.`,
  );
}

function wrong({ written, of }: ConfigCheck, path: readonly PropertyKey[], message: string): void {
  if (written === undefined || !isWritten(written, path)) return;
  written.error(`\`${['config', ...path].join('.')}\` of ${of}: ${message}`, null, positionOf(written.node, path));
}

function valueAt(config: JsonValue, path: readonly PropertyKey[]): JsonValue | undefined {
  let value: JsonValue | undefined = config;
  for (const step of path) {
    if (Array.isArray(value)) value = value[Number(step)];
    else value = isJsonObject(value) && Object.hasOwn(value, step) ? value[String(step)] : undefined;
  }
  return value;
}

/** Whether the part under judgement says anything there: what the agent says is the agent's to answer for. */
function isWritten(cursor: Cursor, path: readonly PropertyKey[]): boolean {
  const [first] = path;
  return first === undefined || (cursor.node.kind === 'map' && child(cursor.node, String(first)) !== undefined);
}

function keyPosition(cursor: Cursor, path: readonly PropertyKey[], key: string) {
  let node = cursor.node;
  for (const step of path) {
    const next =
      node.kind === 'map'
        ? child(node, String(step))?.value
        : node.kind === 'list'
          ? node.items[Number(step)]
          : undefined;
    if (next === undefined) return node.position;
    node = next;
  }
  return (node.kind === 'map' ? child(node, key)?.keyPosition : undefined) ?? node.position;
}

function knownKeys(schema: z.ZodType): string[] {
  if (!('shape' in schema)) return [];
  const { shape } = schema;
  return typeof shape === 'object' && shape !== null ? Object.keys(shape) : [];
}
