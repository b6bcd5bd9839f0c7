// `${…}` templates: parsed once, resolved without re-parsing. Owns how a document with expressions becomes a value.
// Must never throw on any text, and never evaluates what it read: data that looks like an expression stays data.
import type { JsonObject, JsonValue } from '../model/json.ts';
import { compileText, type TextNode } from './text-template.ts';

/** A JSON document with `${…}` inside, compiled. */
export interface Template {
  /** The document holds no expression; resolving it returns the same value each time. */
  readonly constant: boolean;
  /** First segment of every static expression: `workflow` or a reference name. */
  readonly roots: ReadonlySet<string>;
  /**
   * Texts that are left as written for the hand-off (`${workflow.vault.stripe.key}`), as the definition spells them.
   * Whoever fills them must fill only these: the same text in a run's data is data (spelling.ts tells them apart).
   */
  readonly literals: ReadonlySet<string>;
  resolve(scope: Scope): JsonValue;
}

/** Where expressions find their data. */
export interface Scope {
  /**
   * `workflow.<field>` or `<ref>.<field>`; undefined when there is no such thing.
   * An expression of one segment (`${CPEWF_TASK_ID}`) asks with an empty field.
   */
  lookup(root: string, field: string): JsonValue | undefined;
}

type Node = { readonly constant: true; readonly value: JsonValue } | Live;

interface Live {
  readonly constant: false;
  resolve(scope: Scope): JsonValue;
}

/** Documents nested deeper than this keep their text: no definition is, and recursion must stay bounded. */
const DEPTH_MAX = 500;

export function compileTemplate(document: JsonValue): Template {
  const roots = new Set<string>();
  const literals = new Set<string>();
  const node = compile(document, 0, (text) => {
    for (const root of text.roots) roots.add(root);
    for (const literal of text.literals) literals.add(literal);
  });
  if (!node.constant) return { constant: false, roots, literals, resolve: (scope) => node.resolve(scope) };
  const { value } = node;
  return { constant: true, roots, literals, resolve: () => value };
}

function compile(value: JsonValue, depth: number, note: (text: TextNode) => void): Node {
  if (typeof value === 'string') return compileString(value, note);
  if (typeof value !== 'object' || value === null || depth >= DEPTH_MAX) return { constant: true, value };
  if (Array.isArray(value)) return compileList(value, depth, note);
  return compileObject(value, depth, note);
}

function compileString(value: string, note: (text: TextNode) => void): Node {
  if (!value.includes('${')) return { constant: true, value };
  const text = compileText(value);
  note(text);
  const { resolve } = text;
  return text.constant ? { constant: true, value: text.value } : { constant: false, resolve };
}

function compileList(list: JsonValue[], depth: number, note: (text: TextNode) => void): Node {
  const nodes = list.map((item) => compile(item, depth + 1, note));
  if (nodes.every(isConstant)) {
    const same = nodes.every((node, index) => node.value === list[index]);
    return { constant: true, value: same ? list : nodes.map((node) => node.value) };
  }
  return {
    constant: false,
    resolve: (scope) => nodes.map((node) => (node.constant ? node.value : node.resolve(scope))),
  };
}

function compileObject(object: JsonObject, depth: number, note: (text: TextNode) => void): Node {
  const keys = Object.keys(object);
  const nodes = keys.map((key) => compile(object[key] ?? null, depth + 1, note));
  if (nodes.every(isConstant)) {
    const same = nodes.every((node, index) => node.value === object[keys[index] ?? '']);
    return { constant: true, value: same ? object : assemble(keys, nodes, NO_SCOPE) };
  }
  return { constant: false, resolve: (scope) => assemble(keys, nodes, scope) };
}

function assemble(keys: readonly string[], nodes: readonly Node[], scope: Scope): JsonObject {
  const result: JsonObject = {};
  for (let index = 0; index < keys.length; index += 1) {
    const node = nodes[index];
    const key = keys[index];
    if (node === undefined || key === undefined) continue;
    const value = node.constant ? node.value : node.resolve(scope);
    // Assigning to `__proto__` would change what the object inherits instead of giving it a property.
    if (key === '__proto__') {
      Object.defineProperty(result, key, { value, enumerable: true, configurable: true, writable: true });
    } else {
      result[key] = value;
    }
  }
  return result;
}

function isConstant(node: Node): node is { readonly constant: true; readonly value: JsonValue } {
  return node.constant;
}

const NO_SCOPE: Scope = { lookup: () => undefined };
