// Reads a YAML node strictly: what is expected, what was found, and how to mend it, with the position. Owns the wording
// that every reader shares. A reader goes on after an error, so that one look at the problems mends them all.
import type { SourcePosition } from '../model/agent.ts';
import { shortenText } from '../model/cut-text.ts';
import { didYouMean } from '../model/did-you-mean.ts';
import type { JsonObject, JsonValue } from '../model/json.ts';
import type { Problem } from './project.ts';
import { toJson, toJsonObject, type YamlNode } from './yaml-node.ts';

/** The keys of a mapping. */
export interface Shape {
  /** `a trigger`: for messages. */
  readonly what: string;
  readonly keys: readonly string[];
  /** Other spellings, by spelling. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Part of the language, but not of this version. */
  readonly later?: readonly string[];
  /** Keys that belong elsewhere, and where. */
  readonly elsewhere?: Readonly<Record<string, string>>;
}

/** By canonical key; only those that are there. */
export type Fields = ReadonlyMap<string, Cursor>;

export class Cursor {
  readonly node: YamlNode;
  /** `flow[0].agent`; empty at the top. */
  readonly path: string;
  readonly problems: Problem[];
  /** Where its key stands; the node's own place in a list. */
  readonly keyPosition: SourcePosition;

  constructor(node: YamlNode, path: string, problems: Problem[], keyPosition = node.position) {
    this.node = node;
    this.path = path;
    this.problems = problems;
    this.keyPosition = keyPosition;
  }

  get position(): SourcePosition {
    return this.node.position;
  }

  error(message: string, hint: string | null = null, position = this.node.position): void {
    this.problems.push({ severity: 'error', position, message, hint });
  }

  warning(message: string, hint: string | null = null, position = this.node.position): void {
    this.problems.push({ severity: 'warning', position, message, hint });
  }

  json(): JsonValue {
    return toJson(this.node);
  }

  text(example = `${lastKey(this.path)}: some-text`): string | undefined {
    const { node } = this;
    if (node.kind === 'scalar' && typeof node.value === 'string' && node.value.trim() !== '') return node.value;
    const quotes = node.kind === 'scalar' && (typeof node.value === 'number' || typeof node.value === 'boolean');
    this.#wrong(
      'text',
      quotes ? `Put it in quotes: \`${lastKey(this.path)}: "${node.value}"\`.` : `Write \`${example}\`.`,
    );
    return undefined;
  }

  flag(): boolean | undefined {
    if (this.node.kind === 'scalar' && typeof this.node.value === 'boolean') return this.node.value;
    this.#wrong(
      'true or false',
      `Write \`${lastKey(this.path)}: true\` or \`${lastKey(this.path)}: false\`, without quotes.`,
    );
    return undefined;
  }

  whole(min: number, max: number, unit = ''): number | undefined {
    const value = this.node.kind === 'scalar' ? this.node.value : null;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    this.#wrong(
      `a whole number${unit === '' ? '' : ` of ${unit}`} from ${min} to ${max}`,
      `Write \`${lastKey(this.path)}: ${Math.max(min, Math.min(max, 60))}\`.`,
    );
    return undefined;
  }

  oneOf<T extends string>(allowed: readonly T[]): T | undefined {
    const value = this.node.kind === 'scalar' ? this.node.value : null;
    const found = allowed.find((one) => one === value);
    if (found !== undefined) return found;
    this.#wrong(
      `one of ${allowed.join(', ')}`,
      suggestion(String(value), allowed) ?? `Write \`${lastKey(this.path)}: ${allowed[0] ?? ''}\`.`,
    );
    return undefined;
  }

  list(): Cursor[] {
    const { node } = this;
    if (node.kind === 'list')
      return node.items.map((item, index) => new Cursor(item, `${this.path}[${index}]`, this.problems));
    this.#wrong('a list', `Put a line \`- …\` under \`${lastKey(this.path)}:\` for each.`);
    return [];
  }

  texts(example: string): string[] {
    return this.list().flatMap((item) => item.text(example) ?? []);
  }

  /** Free data: any keys. */
  object(): JsonObject | undefined {
    if (this.node.kind === 'map') return toJsonObject(this.node);
    this.#wrong('a mapping', `Put \`key: value\` lines under \`${lastKey(this.path)}:\`, indented.`);
    return undefined;
  }

  fields(shape: Shape): Fields | undefined {
    const { node } = this;
    if (node.kind !== 'map') {
      this.#wrong(
        `${shape.what}: a mapping with ${shape.keys.slice(0, 4).join(', ')}…`,
        `Write \`${shape.keys[0] ?? 'key'}: …\`.`,
      );
      return undefined;
    }
    const fields = new Map<string, Cursor>();
    const spelled = new Map<string, string>();
    for (const entry of node.entries) {
      const key = Object.hasOwn(shape.aliases ?? {}, entry.key) ? (shape.aliases?.[entry.key] ?? entry.key) : entry.key;
      if (!shape.keys.includes(key)) this.#unknown(entry.key, entry.keyPosition, shape);
      else if (fields.has(key))
        this.error(
          `\`${entry.key}\` and \`${spelled.get(key)}\` mean the same`,
          'Keep one of them.',
          entry.keyPosition,
        );
      else {
        spelled.set(key, entry.key);
        fields.set(
          key,
          new Cursor(
            entry.value,
            this.path === '' ? entry.key : `${this.path}.${entry.key}`,
            this.problems,
            entry.keyPosition,
          ),
        );
      }
    }
    return fields;
  }

  #unknown(key: string, position: SourcePosition, shape: Shape): void {
    if (shape.later?.includes(key)) {
      this.error(`\`${key}\` of ${shape.what} is not supported yet by this version`, 'Remove it.', position);
      return;
    }
    const elsewhere = Object.hasOwn(shape.elsewhere ?? {}, key) ? shape.elsewhere?.[key] : undefined;
    const known = [...shape.keys, ...Object.keys(shape.aliases ?? {})];
    this.error(
      `\`${key}\` is not a key of ${shape.what}`,
      elsewhere ?? suggestion(key, known) ?? `Known keys: ${shape.keys.join(', ')}.`,
      position,
    );
  }

  #wrong(expected: string, hint: string): void {
    const at = this.path === '' ? 'The document' : `\`${this.path}\``;
    this.error(`${at} must be ${expected}, not ${found(this.node)}`, hint);
  }
}

export function suggestion(unknown: string, known: Iterable<string>): string | null {
  const meant = didYouMean(unknown, known);
  return meant === undefined ? null : `Did you mean \`${meant}\`?`;
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((problem) => problem.severity === 'error');
}

function found(node: YamlNode): string {
  if (node.kind !== 'scalar') return node.kind === 'list' ? 'a list' : 'a mapping';
  if (node.value === null) return 'empty';
  if (typeof node.value !== 'string') return `${node.value}`;
  return node.value === '' ? 'an empty text' : `"${shortenText(node.value, 60)}"`;
}

function lastKey(path: string): string {
  return /([\w-]+)(\[\d+\])*$/.exec(path)?.[1] ?? 'key';
}
