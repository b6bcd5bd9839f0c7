// One path expression, compiled: `workflow.input.a.b[0].c`, with JSONPath for everything that is not that plain.
// Plain paths are walked by hand. Must never throw, never read an inherited property, never evaluate what it read.
import { JSONPathEnvironment, type JSONPathQuery } from 'json-p3';
import type { JsonValue } from '../model/json.ts';
import { foldTail } from './path-functions.ts';

export interface Path {
  /** First segment, or "" when there is none. */
  readonly root: string;
  /** Nothing to look up: resolving gives the same value each time. */
  readonly constant: boolean;
  /** May match any number of values, so it gives a list. */
  readonly indefinite: boolean;
  /** Text that stays as written until the task is handed to a worker: vault keys, secrets. */
  readonly literal: boolean;
  read(source: PathSource): JsonValue;
}

/** Where the first two segments lead. */
export interface PathSource {
  lookup(root: string, field: string): JsonValue | undefined;
}

type Segment = string | number;

const PLAIN_NAME = /[^.[\]()*?@,'"\r\n]+/y;
const INDEX = /\[\s*(-?\d{1,10})\s*\]/y;
const QUOTED = /\[\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*\]/y;
/** Longer texts are no path anybody wrote; compiling them would only cost time. */
const PATH_LENGTH_MAX = 8192;

const jsonPath = new JSONPathEnvironment();
// Regular expressions from a definition could backtrack for ever on data from outside.
jsonPath.functionRegister.delete('match');
jsonPath.functionRegister.delete('search');

/** `raw` is what stands between `${` and `}`, nested placeholders already replaced by text. */
export function compilePath(raw: string): Path {
  const text = raw.trim();
  if (text === '') return constantPath('', '', false);
  if (text.length > PATH_LENGTH_MAX) return constantPath('', null, false);
  const { segments, rest } = readPlain(text);
  const [root, field] = segments;
  if (typeof root !== 'string') return constantPath('', null, false);
  if (root === 'workflow' && (field === 'vault' || field === 'secrets')) {
    return constantPath(root, `\${${raw}}`, true);
  }
  // The server's own environment is nobody's input.
  if (root === 'workflow' && field === 'env') return constantPath(root, null, false);
  if (rest !== '') return complexPath(root, segments, rest);
  if (field === undefined) return readingPath('', false, (source) => source.lookup(root, '') ?? null);
  if (typeof field !== 'string') return constantPath(root, null, false);
  const steps = segments.slice(2);
  return readingPath(root, false, (source) => walk(source.lookup(root, field), steps) ?? null);
}

function constantPath(root: string, value: JsonValue, literal: boolean): Path {
  return { root, constant: true, indefinite: false, literal, read: () => value };
}

function readingPath(root: string, indefinite: boolean, read: Path['read']): Path {
  return { root, constant: false, indefinite, literal: false, read };
}

/** The longest plain beginning of a path, and what is left. */
function readPlain(text: string): { segments: Segment[]; rest: string } {
  const segments: Segment[] = [];
  let at = 0;
  while (at < text.length) {
    const named = at === 0 ? nameAt(text, 0) : text[at] === '.' ? nameAt(text, at + 1) : null;
    const found = named ?? bracketAt(text, at);
    // A name before "(" is a function call, which belongs to the rest.
    if (found === null || text[found.end] === '(') break;
    segments.push(found.segment);
    at = found.end;
  }
  return { segments, rest: text.slice(at) };
}

function nameAt(text: string, at: number): { segment: Segment; end: number } | null {
  PLAIN_NAME.lastIndex = at;
  const match = PLAIN_NAME.exec(text);
  return match ? { segment: match[0].trim(), end: at + match[0].length } : null;
}

function bracketAt(text: string, at: number): { segment: Segment; end: number } | null {
  INDEX.lastIndex = at;
  const index = INDEX.exec(text);
  if (index) return { segment: Number(index[1]), end: INDEX.lastIndex };
  QUOTED.lastIndex = at;
  const quoted = QUOTED.exec(text);
  if (!quoted) return null;
  return { segment: (quoted[1] ?? quoted[2] ?? '').replace(/\\(.)/gs, '$1'), end: QUOTED.lastIndex };
}

function walk(start: JsonValue | undefined, steps: readonly Segment[]): JsonValue | undefined {
  let value = start;
  for (const step of steps) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (Array.isArray(value)) {
      if (typeof step !== 'number') return undefined;
      value = value.at(step);
    } else {
      if (typeof step !== 'string' || !Object.hasOwn(value, step)) return undefined;
      value = value[step];
    }
  }
  return value;
}

/** Everything json-p3 has to do: filters, wildcards, slices, `..`; then the functions at the end of the path. */
function complexPath(root: string, segments: readonly Segment[], rest: string): Path {
  const [, field] = segments;
  const tail = foldTail(rest);
  if (typeof field !== 'string' || tail === null) return constantPath(root, null, false);
  const query = compileQuery(tail.path);
  if (query === null) return constantPath(root, null, false);
  const definite = query.singularQuery();
  const steps = segments.slice(2);
  const select = (source: PathSource): JsonValue => {
    const start = walk(source.lookup(root, field), steps);
    if (start === undefined) return definite ? null : [];
    return definite ? first(query, start) : all(query, start);
  };
  if (tail.fold === null) return readingPath(root, !definite, select);
  const { fold } = tail;
  return readingPath(root, false, (source) => fold(select(source)));
}

function compileQuery(path: string): JSONPathQuery | null {
  try {
    return jsonPath.compile(`$${path}`);
  } catch {
    return null;
  }
}

function first(query: JSONPathQuery, value: JsonValue): JsonValue {
  return all(query, value)[0] ?? null;
}

function all(query: JSONPathQuery, value: JsonValue): JsonValue[] {
  try {
    return query.query(value).values() as JsonValue[];
  } catch {
    return [];
  }
}
