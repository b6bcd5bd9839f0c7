// YAML text to nodes with positions. Owns what of YAML is allowed: plain data only, so no custom tags, no merge keys, no
// duplicate keys, bounded aliases and nesting. Must never throw for any text: what is wrong becomes a Problem.
import {
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type ParsedNode,
  Parser,
  type YAMLParseError,
  type YAMLWarning,
} from 'yaml';
import type { SourcePosition } from '../model/agent.ts';
import type { Problem, SourceFile } from './project.ts';
import { type Place, scalarPlace } from './scalar-place.ts';
import type { YamlEntry, YamlNode } from './yaml-node.ts';

export interface YamlDocuments {
  /** Those without a problem. */
  readonly documents: readonly YamlNode[];
  readonly problems: readonly Problem[];
}

/** A definition of a hundred pages fits; what is larger is not a definition. */
const CHARACTERS_MAX = 1_048_576;
/** The composer recurses: unbounded nesting would take the process down. */
const NESTING_MAX = 100;
/** Aliases repeat nodes: so many may come of one document. */
const NODES_MAX = 100_000;
const ERRORS_MAX = 10;

export function readYaml(file: SourceFile): YamlDocuments {
  const lines = new LineCounter();
  const place: Place = (offset) => {
    const { line, col } = lines.linePos(Math.min(offset, file.text.length));
    return { file: file.path, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  if (file.text.length > CHARACTERS_MAX) {
    return only(
      problem(
        { file: file.path, line: 1, column: 1 },
        `The file is larger than ${CHARACTERS_MAX} characters`,
        'Split it into several files.',
      ),
    );
  }
  const parsed = parse(file.text, lines);
  if ('tooDeepAt' in parsed) {
    return only(problem(place(parsed.tooDeepAt), `Nested deeper than ${NESTING_MAX} levels`, 'Flatten the document.'));
  }
  const documents: YamlNode[] = [];
  const problems: Problem[] = [];
  for (const document of parsed.documents) {
    const found = [...document.errors, ...document.warnings]
      .slice(0, ERRORS_MAX)
      .map((e) => syntaxProblem(e, file.text, place));
    if (found.length > 0) problems.push(...found);
    else if (document.contents !== null && !isEmpty(document.contents)) {
      const reader = new NodeReader(document, file.text, place);
      const node = reader.read(document.contents, []);
      problems.push(...reader.problems.slice(0, ERRORS_MAX));
      if (reader.problems.length === 0) documents.push(node);
    }
  }
  if (documents.length === 0 && problems.length === 0) {
    return only(problem({ file: file.path, line: 1, column: 1 }, 'The file is empty', 'Begin with `name: <name>`.'));
  }
  return { documents, problems };
}

function parse(text: string, lines: LineCounter): { documents: Document.Parsed[] } | { tooDeepAt: number } {
  const parser = new Parser(lines.addNewLine);
  const tokens = [];
  // As Parser.parse does, but watching the depth: it must be known before anything recurses.
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme));
    if (parser.stack.length > NESTING_MAX) return { tooDeepAt: parser.offset };
  }
  tokens.push(...parser.end());
  // Duplicate keys are looked for while reading nodes: the library compares each key with each other.
  const composer = new Composer({
    strict: true,
    uniqueKeys: false,
    merge: false,
    schema: 'core',
    resolveKnownTags: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  return { documents: [...composer.compose(tokens)] };
}

class NodeReader {
  readonly problems: Problem[] = [];
  readonly #document: Document.Parsed;
  readonly #text: string;
  readonly #place: Place;
  #nodes = 0;

  constructor(document: Document.Parsed, text: string, place: Place) {
    this.#document = document;
    this.#text = text;
    this.#place = place;
  }

  /** `within`: the nodes around this one; an alias to one of them would never end. */
  read(node: unknown, within: readonly unknown[]): YamlNode {
    const start = startOf(node);
    const position = this.#place(start);
    const nothing: YamlNode = { kind: 'scalar', value: null, position, at: () => position };
    this.#nodes += 1;
    if (this.#nodes > NODES_MAX || within.length > NESTING_MAX) {
      return this.#fail(
        position,
        nothing,
        'Aliases make this document too large',
        'Write the repeated part out, or leave it away.',
      );
    }
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      if (target === undefined)
        return this.#fail(
          position,
          nothing,
          `Nothing is named &${node.source} before this alias`,
          'Put text that begins with `*` in quotes.',
        );
      if (within.includes(target))
        return this.#fail(position, nothing, `The alias *${node.source} holds itself`, 'Remove it.');
      return this.read(target, within);
    }
    const inside = [...within, node];
    if (isSeq(node)) return { kind: 'list', items: node.items.map((item) => this.read(item, inside)), position };
    if (isMap(node)) return { kind: 'map', entries: this.#entries(node.items, inside), position };
    if (!isScalar(node)) return nothing;
    return this.#scalar(node, position, nothing);
  }

  #scalar(
    node: { value: unknown; source?: string; range?: readonly number[] | null },
    position: SourcePosition,
    nothing: YamlNode,
  ): YamlNode {
    const { value } = node;
    if (typeof value === 'number') {
      if (!Number.isFinite(value))
        return this.#fail(position, nothing, `${node.source} is not a number that JSON knows`, 'Put it in quotes.');
      if (/^[-+]?\d+$/.test(node.source ?? '') && !Number.isSafeInteger(value)) {
        return this.#fail(
          position,
          nothing,
          `${node.source} is too large a number to be kept exactly`,
          'Put it in quotes.',
        );
      }
    }
    if (value !== null && typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
      return nothing;
    const raw = this.#text.slice(node.range?.[0] ?? 0, node.range?.[1] ?? 0);
    return {
      kind: 'scalar',
      value,
      position,
      at: (offset) => scalarPlace(String(value), raw, node.range?.[0] ?? 0, offset, this.#place),
    };
  }

  #entries(pairs: readonly { key: unknown; value: unknown }[], within: readonly unknown[]): YamlEntry[] {
    const first = new Map<string, SourcePosition>();
    const entries: YamlEntry[] = [];
    for (const pair of pairs) {
      const keyPosition = this.#place(startOf(pair.key));
      const value =
        pair.value === null || pair.value === undefined ? emptyAt(keyPosition) : this.read(pair.value, within);
      const key = keyText(pair.key);
      const before = key === null ? undefined : first.get(key);
      if (key === null)
        this.#fail(
          keyPosition,
          value,
          'A key must be a plain name',
          'Put text that begins with `{`, `[` or `*` in quotes.',
        );
      else if (key === '<<')
        this.#fail(keyPosition, value, 'Merge keys (`<<`) are not supported', 'Write the merged keys out.');
      else if (key === '__proto__')
        this.#fail(keyPosition, value, '`__proto__` cannot be a key', 'Choose another name.');
      else if (before !== undefined) this.#duplicate(key, keyPosition, before, within.length === 1);
      else {
        first.set(key, keyPosition);
        entries.push({ key, keyPosition, value });
      }
    }
    return entries;
  }

  #duplicate(key: string, at: SourcePosition, before: SourcePosition, top: boolean): void {
    const header = top && ['name', 'ensemble', 'agent', 'apiExecutable'].includes(key);
    const hint = header ? 'Put a line `---` between two definitions of one file.' : 'Remove one of them.';
    this.problems.push(problem(at, `\`${key}\` stands twice: it was set in line ${before.line} already`, hint));
  }

  #fail(at: SourcePosition, instead: YamlNode, message: string, hint: string): YamlNode {
    this.problems.push(problem(at, message, hint));
    return instead;
  }
}

/** Numbers and booleans as keys keep their spelling: `200: OK`. */
function keyText(key: unknown): string | null {
  if (!isScalar(key)) return null;
  if (typeof key.value === 'string') return key.value;
  return key.value === null || key.value === undefined ? null : (key.source ?? String(key.value));
}

function startOf(node: unknown): number {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return 0;
  const [start] = node.range;
  return typeof start === 'number' ? start : 0;
}

function emptyAt(position: SourcePosition): YamlNode {
  return { kind: 'scalar', value: null, position, at: () => position };
}

function isEmpty(contents: ParsedNode): boolean {
  return isScalar(contents) && contents.value === null;
}

const HINTS: Readonly<Record<string, string>> = {
  BAD_INDENT: 'Indent the keys of one mapping alike, with spaces.',
  BLOCK_AS_IMPLICIT_KEY: 'Put text that holds ": " in quotes.',
  IMPOSSIBLE: 'Check the lines before it.',
  MISSING_CHAR: 'Close the quote or the bracket.',
  MULTILINE_IMPLICIT_KEY: 'A key and its ":" stand on one line.',
  TAB_AS_INDENT: 'Use spaces.',
  TAG_RESOLVE_FAILED: 'Tags (`!name`) are not supported: put text that begins with `!` in quotes.',
  UNEXPECTED_TOKEN: 'Put text that holds special characters in quotes.',
};

function syntaxProblem(error: YAMLParseError | YAMLWarning, text: string, place: Place): Problem {
  const at = place(error.pos[0]);
  const line = text.split('\n', at.line)[at.line - 1] ?? '';
  const expression = /[[{,:]\s*[^\s"'][^"']*\$\{|^\s*-?\s*\w+:\s*\{\{/.test(line) && /\$\{|\{\{/.test(line);
  const hint = expression
    ? 'Inside { } and [ ], and where it begins a value with {{, an expression needs quotes: "${input.x}".'
    : hintOf(error);
  return problem(at, `Not valid YAML: ${error.message}`, hint);
}

/** For what has the code of a missing quote and is none, by how its message begins. */
const MISSING: readonly (readonly [string, string])[] = [
  ['Sequence item without -', 'Indent it like the keys of its item, or begin it with "- ".'],
  ['Implicit map keys', 'Put ":" and a value behind the key.'],
];

function hintOf({ code, message }: YAMLParseError | YAMLWarning): string | null {
  const missing = MISSING.find(([begin]) => message.startsWith(begin));
  return missing?.[1] ?? HINTS[code] ?? null;
}

function problem(position: SourcePosition, message: string, hint: string | null): Problem {
  return { severity: 'error', position, message, hint };
}

function only(one: Problem): YamlDocuments {
  return { documents: [], problems: [one] };
}
