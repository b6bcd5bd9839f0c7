// `when`: whether a step runs, or an output block is chosen. Takes `${a.output.ok}`, `{{…}}`, or a bare expression, always
// one whole expression; true and false as JavaScript has them. Never reads `env`: what it decides stands in the history.
import type { Scope } from '../template.ts';
import { isWhole } from './compile-text.ts';
import { compileExpression, compileParsed, type Expression } from './expression.ts';
import { ExpressionError } from './expression-error.ts';
import { splitPlaceholders } from './placeholders.ts';
import { isTrue } from './values.ts';

export interface Condition {
  readonly roots: ReadonlySet<string>;
  evaluate(scope: Scope): boolean;
}

/** Throws ExpressionError. */
export function compileCondition(text: string | boolean): Condition {
  if (typeof text === 'boolean') return { roots: new Set(), evaluate: () => text };
  const expression = marked(text.trim()) ?? compileExpression(text);
  if (expression.roots.has('env')) {
    throw new ExpressionError('A condition cannot read `env`: give the value to a step, and test that', text, 0);
  }
  return { roots: expression.roots, evaluate: (scope) => isTrue(expression.evaluate(scope)) };
}

/** Null: there are no marks, so the text is the expression. */
function marked(text: string): Expression | null {
  if (text.startsWith('`') || !/\$\{|\{\{/.test(text)) return null;
  const parts = splitPlaceholders(text);
  const [only] = parts;
  if (typeof only === 'object' && isWhole(parts)) return compileParsed(only, text);
  const message = 'A condition is one expression: put all of it inside one "${…}", or leave the marks out';
  throw new ExpressionError(message, text, typeof only === 'string' ? only.length : 0);
}
