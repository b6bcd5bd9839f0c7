// One expression: `order.total > 100 ? 'large' : input.size ?? 'small'`. Owns compiling it once and evaluating it often.
// Evaluation throws for one reason only, that it would cost too much; what is missing is undefined.
import type { Scope } from '../template.ts';
import { Compiler } from './compile.ts';
import { Frame } from './frame.ts';
import { lex } from './lexer.ts';
import { type Parsed, parse } from './parser.ts';
import type { Tree, Value } from './syntax-tree.ts';
import { memberOf, weigh } from './values.ts';

export { ExpressionError } from './expression-error.ts';

export interface Expression {
  /** Names that it reads from the scope. */
  readonly roots: ReadonlySet<string>;
  /** Throws ExpressionError when it takes too many steps or makes too much. */
  evaluate(scope: Scope): Value;
}

/** Throws ExpressionError. */
export function compileExpression(source: string): Expression {
  return compileParsed(parse(lex(source).tokens, source), source);
}

export function compileParsed(parsed: Parsed, source: string): Expression {
  const { tree, roots } = parsed;
  const compiler = new Compiler(source);
  const run = compiler.compile(tree);
  const path = pathOf(tree);
  if (path !== null) return { roots, evaluate: (scope) => follow(scope, path) };
  if (!compiler.loops) return { roots, evaluate: (scope) => run(new Frame(scope, source, NO_LOCALS)) };
  // Only functions can make a value that is far larger than what it was made from.
  return {
    roots,
    evaluate: (scope) => {
      const frame = new Frame(scope, source, []);
      const value = run(frame);
      weigh(value, frame);
      return value;
    },
  };
}

const NO_LOCALS: Value[] = [];

/** Most expressions are `step.output.field`: they cost nothing and need no frame. */
function pathOf(tree: Tree): readonly string[] | null {
  const names: string[] = [];
  let from = tree;
  for (; from.kind === 'member'; from = from.object) names.push(from.name);
  return from.kind === 'root' ? [...names, from.name].toReversed() : null;
}

function follow(scope: Scope, path: readonly string[]): Value {
  let value = scope.lookup(path[0] ?? '', '');
  for (let index = 1; index < path.length; index += 1) value = memberOf(value, path[index] ?? '');
  return value;
}
