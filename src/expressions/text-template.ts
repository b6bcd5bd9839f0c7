// One string with placeholders, compiled. A string that is one placeholder keeps the type of what it finds; any other
// is put together as text. Must never look for placeholders in what it found.
import type { JsonValue } from '../model/json.ts';
import { javaText, jsonText } from './java-text.ts';
import { compilePath, type Path, type PathSource } from './path.ts';
import { type Part, type Placeholder, splitText } from './split-text.ts';

export interface TextNode {
  readonly constant: boolean;
  /** What it resolves to when it is constant; null otherwise. */
  readonly value: JsonValue;
  /** First segments of its static expressions that have more than one. */
  readonly roots: readonly string[];
  /** Placeholders left as written for the hand-off. */
  readonly literals: readonly string[];
  readonly resolve: (source: PathSource) => JsonValue;
}

/** A placeholder, ready: its value when it stands alone, its text inside a longer string. */
interface Compiled {
  readonly constant: boolean;
  readonly read: (source: PathSource) => JsonValue;
  readonly text: (source: PathSource) => string;
}

interface Notes {
  readonly roots: string[];
  readonly literals: string[];
}

/** Paths made at run time by nested placeholders, kept per placeholder; cleared when there are more. */
const NESTED_PATHS_MAX = 128;

export function compileText(text: string): TextNode {
  const notes: Notes = { roots: [], literals: [] };
  const parts = splitText(text).map((part) => (typeof part === 'string' ? part : compilePlaceholder(part, notes)));
  const [only] = parts;
  const resolve = parts.length === 1 && only !== undefined ? whole(only) : joined(parts);
  const constant = parts.every((part) => typeof part === 'string' || part.constant);
  return { constant, value: constant ? resolve(NO_SOURCE) : null, ...notes, resolve };
}

const NO_SOURCE: PathSource = { lookup: () => undefined };

function compilePlaceholder(placeholder: Placeholder, notes: Notes): Compiled {
  if (placeholder.parts.every((part) => typeof part === 'string')) {
    // `parts`, not `raw`: an escape inside has been undone there.
    const path = compilePath(placeholder.parts.join(''));
    note(path, notes);
    return { constant: path.constant, read: (source) => path.read(source), text: (source) => pathText(path, source) };
  }
  return nested(placeholder.parts, notes);
}

function note(path: Path, notes: Notes): void {
  if (path.root !== '') notes.roots.push(path.root);
  if (path.literal) notes.literals.push(String(path.read(NO_SOURCE)));
}

/** `${a.${b.output.k}}`: the inner values are put into the path as text, then that path is read. */
function nested(parts: readonly Part[], notes: Notes): Compiled {
  const [head] = parts;
  const root = typeof head === 'string' ? /^\s*([^.[\]()*?@,'"\s]+)[.[]/.exec(head)?.[1] : undefined;
  if (root !== undefined) notes.roots.push(root);
  const inner = joined(parts.map((part) => (typeof part === 'string' ? part : compilePlaceholder(part, notes))));
  const paths = new Map<string, Path>();
  const pathFor = (source: PathSource): Path => {
    const text = inner(source);
    const known = paths.get(text);
    if (known !== undefined) return known;
    if (paths.size >= NESTED_PATHS_MAX) paths.clear();
    const path = compilePath(text);
    paths.set(text, path);
    return path;
  };
  return {
    constant: false,
    read: (source) => pathFor(source).read(source),
    text: (source) => pathText(pathFor(source), source),
  };
}

function whole(part: string | Compiled): (source: PathSource) => JsonValue {
  return typeof part === 'string' ? () => part : (source) => part.read(source);
}

function joined(parts: readonly (string | Compiled)[]): (source: PathSource) => string {
  return (source) => {
    let text = '';
    for (const part of parts) text += typeof part === 'string' ? part : part.text(source);
    return text;
  };
}

/** Lists that a path found by searching print as JSON, lists that stand in the data print as Java prints them. */
function pathText(path: Path, source: PathSource): string {
  const value = path.read(source);
  return path.indefinite ? jsonText(value) : javaText(value);
}
