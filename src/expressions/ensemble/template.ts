// Documents with `${…}` and `{{…}}` in the ensemble language, compiled once. Keys are never expressions. A member whose
// whole value is missing is left out, an element or a whole document that is missing is null. Must never evaluate data.
import type { JsonObject, JsonValue } from '../../model/json.ts';
import type { Scope, Template } from '../template.ts';
import { compileText, type TemplateOptions } from './compile-text.ts';
import { ExpressionError } from './expression-error.ts';
import { mayHoldExpression } from './placeholders.ts';
import type { Value } from './syntax-tree.ts';
import { put } from './values.ts';

export type { TemplateOptions } from './compile-text.ts';

type Node = { readonly constant: true; readonly value: Value } | Live;

interface Live {
  readonly constant: false;
  readonly resolve: (scope: Scope) => Value;
}

/** No definition is deeper, and recursion must stay bounded. */
const DEPTH_MAX = 500;
/** `$env.X` as a whole string. */
const ENV_SHORTHAND = /^\$env\.[\p{L}_][\p{L}\p{N}_]*$/u;

export function isEnvShorthand(text: string): boolean {
  return text.startsWith('$env.') && ENV_SHORTHAND.test(text);
}

/** Throws ExpressionError; its offset counts in the string that has the mistake. */
export function compileEnsembleTemplate(document: JsonValue, options: TemplateOptions = {}): Template {
  const reader = new DocumentReader(options);
  const node = reader.read(document, 0);
  const { roots, literals } = reader;
  if (!node.constant) return { constant: false, roots, literals, resolve: (scope) => node.resolve(scope) ?? null };
  const value = node.value ?? null;
  return { constant: true, roots, literals, resolve: () => value };
}

class DocumentReader {
  readonly roots = new Set<string>();
  readonly literals = new Set<string>();
  readonly #options: TemplateOptions;

  constructor(options: TemplateOptions) {
    this.#options = options;
  }

  read(value: JsonValue, depth: number): Node {
    if (typeof value === 'string') return this.#text(value);
    if (typeof value !== 'object' || value === null) return { constant: true, value };
    if (depth >= DEPTH_MAX) throw new ExpressionError('The document is nested too deeply', '', 0);
    if (Array.isArray(value))
      return list(
        value,
        value.map((item) => this.read(item, depth + 1)),
      );
    const keys = Object.keys(value);
    return object(
      value,
      keys,
      keys.map((key) => this.read(value[key] ?? null, depth + 1)),
    );
  }

  #text(value: string): Node {
    if (isEnvShorthand(value)) return this.#shorthand(value);
    if (!mayHoldExpression(value)) return { constant: true, value };
    const text = compileText(value, this.#options);
    if (!text.constant) {
      for (const root of text.roots) this.roots.add(root);
      return text;
    }
    if (text.literal) this.literals.add(value);
    return text;
  }

  #shorthand(value: string): Node {
    if (this.#options.env === 'data') return this.#text(`\${${value.slice(1)}}`);
    this.literals.add(value);
    return { constant: true, value };
  }
}

function list(list: JsonValue[], nodes: readonly Node[]): Node {
  if (nodes.every(isConstant)) {
    const same = nodes.every((node, index) => node.value === list[index]);
    return { constant: true, value: same ? list : nodes.map((node) => node.value ?? null) };
  }
  return {
    constant: false,
    resolve: (scope) => nodes.map((node) => (node.constant ? node.value : node.resolve(scope)) ?? null),
  };
}

function object(object: JsonObject, keys: readonly string[], nodes: readonly Node[]): Node {
  if (!nodes.every(isConstant)) return { constant: false, resolve: (scope) => assemble(keys, nodes, scope) };
  const same = nodes.every((node, index) => node.value === object[keys[index] ?? '']);
  return { constant: true, value: same ? object : assemble(keys, nodes, NO_SCOPE) };
}

function assemble(keys: readonly string[], nodes: readonly Node[], scope: Scope): JsonObject {
  const result: JsonObject = {};
  for (let index = 0; index < keys.length; index += 1) {
    const node = nodes[index];
    const key = keys[index];
    if (node === undefined || key === undefined) continue;
    const value = node.constant ? node.value : node.resolve(scope);
    if (value !== undefined) put(result, key, value);
  }
  return result;
}

function isConstant(node: Node): node is { readonly constant: true; readonly value: Value } {
  return node.constant;
}

const NO_SCOPE: Scope = { lookup: () => undefined };
