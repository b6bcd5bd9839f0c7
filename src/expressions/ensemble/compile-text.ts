// One string of a document, compiled. A string that is one expression keeps the type of its value; in any other, values
// become text. Must never look for expressions in what it found.
import type { Scope } from '../template.ts';
import { compileParsed, type Expression } from './expression.ts';
import { ExpressionError } from './expression-error.ts';
import { type Part, type Placeholder, type SplitOptions, splitPlaceholders } from './placeholders.ts';
import type { Value } from './syntax-tree.ts';
import { textOf } from './values.ts';

export interface TemplateOptions extends SplitOptions {
  /**
   * `literal`: what reads `env` stays as it is written, for whoever fills it just before use. `data`: `env` is a root like
   * any other. One expression may never read both.
   */
  readonly env?: 'literal' | 'data';
}

export type CompiledText =
  | { readonly constant: true; readonly value: Value; readonly literal: boolean }
  | { readonly constant: false; readonly roots: ReadonlySet<string>; readonly resolve: (scope: Scope) => Value };

/** Throws ExpressionError. */
export function compileText(text: string, options: TemplateOptions = {}): CompiledText {
  const parts = splitPlaceholders(text, options);
  const compiled = parts.map((part) => (typeof part === 'string' ? part : compilePart(part, text, options)));
  if (compiled.includes(null) && compiled.every(isStill)) return { constant: true, value: text, literal: true };
  const pieces = compiled.map((piece, index) => piece ?? rawOf(parts[index]));
  const roots = new Set(pieces.flatMap((piece) => (typeof piece === 'string' ? [] : [...piece.roots])));
  const resolve = isWhole(pieces) ? whole(pieces[0]) : joined(pieces);
  // Expressions are pure: one that reads nothing gives the same value each time.
  if (roots.size === 0) return { constant: true, value: resolve(NO_SCOPE), literal: false };
  return { constant: false, roots, resolve };
}

const NO_SCOPE: Scope = { lookup: () => undefined };

/** Null: it stays as written. */
function compilePart(placeholder: Placeholder, text: string, { env = 'literal' }: TemplateOptions): Expression | null {
  const { tree, roots } = placeholder;
  const expression = compileParsed(placeholder, text);
  if (!roots.has('env')) return expression;
  if (roots.size > 1) {
    const message =
      'One expression reads both `env` and data: write two, side by side, as in "${env.BASE}/${input.path}"';
    throw new ExpressionError(message, text, tree.at);
  }
  return env === 'data' ? expression : null;
}

/** Nothing of it depends on a run. */
function isStill(piece: string | Expression | null): boolean {
  return piece === null || typeof piece === 'string' || piece.roots.size === 0;
}

function rawOf(part: Part | undefined): string {
  return typeof part === 'object' ? part.raw : (part ?? '');
}

/** One expression and nothing else; the line break with which a YAML block ends does not count. */
export function isWhole(pieces: readonly (string | object)[]): boolean {
  return pieces.length === 1 || (pieces.length === 2 && typeof pieces[0] === 'object' && pieces[1] === '\n');
}

function whole(piece: string | Expression | undefined): (scope: Scope) => Value {
  return typeof piece === 'object' ? (scope) => piece.evaluate(scope) : () => piece;
}

/** Missing values leave no trace: a reader of the text would not know what to do with an expression in it. */
function joined(pieces: readonly (string | Expression)[]): (scope: Scope) => string {
  return (scope) => {
    let text = '';
    for (const piece of pieces) text += typeof piece === 'string' ? piece : textOf(piece.evaluate(scope));
    return text;
  };
}
