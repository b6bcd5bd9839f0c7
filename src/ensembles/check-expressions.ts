// Looks at every expression of a definition once, when it loads: its syntax, and whether what it reads can exist at that
// place. Must never evaluate one.

import { compileCondition } from '../expressions/ensemble/condition.ts';
import { ExpressionError } from '../expressions/ensemble/expression-error.ts';
import { compileEnsembleTemplate } from '../expressions/ensemble/template.ts';
import type { Cursor } from './cursor.ts';
import { suggestion } from './cursor.ts';
import { expressionsIn, expressionsInCondition, type FoundExpression } from './expressions-in.ts';
import { textsIn, type YamlScalar } from './yaml-node.ts';

/** What expressions may read at a place. */
export interface Reach {
  readonly roots: ReadonlySet<string>;
  /** Steps that come later: named, so that the message can say so. */
  readonly later: ReadonlySet<string>;
  /** Null: `env` may be read, by expressions that read nothing else; a text: why it may not. */
  readonly envRefused: string | null;
}

/** A text with expressions, as it was found good. */
export interface CheckedText {
  readonly text: string;
  readonly path: readonly string[];
  readonly expressions: readonly FoundExpression[];
}

/**
 * Every text in the node that holds an expression; those with an error are reported and left out. Under the keys in
 * `literal` nothing is an expression.
 */
export function checkTexts(cursor: Cursor, reach: Reach, literal: readonly string[] = []): CheckedText[] {
  const checked: CheckedText[] = [];
  for (const { scalar, text, path } of textsIn(cursor.node)) {
    if (literal.includes(path[0] ?? '')) continue;
    const expressions = attempt(cursor, scalar, () => expressionsIn(text));
    if (expressions === undefined || expressions.length === 0) continue;
    if (!checkRoots(cursor, scalar, text, expressions, reach)) continue;
    if (attempt(cursor, scalar, () => compileEnsembleTemplate(text))) checked.push({ text, path, expressions });
  }
  return checked;
}

/** The condition as text; undefined after an error. */
export function checkCondition(cursor: Cursor, reach: Reach): string | undefined {
  const { node } = cursor;
  if (node.kind === 'scalar' && typeof node.value === 'boolean') return String(node.value);
  const text = cursor.text('when: ${input.amount > 100}')?.trim();
  if (text === undefined || node.kind !== 'scalar') return undefined;
  const expressions = attempt(cursor, node, () => expressionsInCondition(text));
  if (expressions === undefined || !checkRoots(cursor, node, text, expressions, reach)) return undefined;
  return attempt(cursor, node, () => compileCondition(text)) ? text : undefined;
}

/** Undefined after an error. */
function attempt<T>(cursor: Cursor, scalar: YamlScalar, check: () => T): T | undefined {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    cursor.error(error.message, null, scalar.at(error.offset));
    return undefined;
  }
}

function checkRoots(
  cursor: Cursor,
  scalar: YamlScalar,
  text: string,
  expressions: readonly FoundExpression[],
  reach: Reach,
): boolean {
  let good = true;
  for (const { start, end, roots } of expressions) {
    for (const root of roots) {
      const fault = rootFault(root, roots, reach);
      if (fault === null) continue;
      const within = text.slice(start, end).indexOf(root);
      cursor.error(fault.message, fault.hint, scalar.at(start + Math.max(0, within)));
      good = false;
    }
  }
  return good;
}

function rootFault(
  root: string,
  roots: ReadonlySet<string>,
  reach: Reach,
): { message: string; hint: string | null } | null {
  if (root === 'env') {
    if (reach.envRefused !== null)
      return {
        message: `\`env\` cannot be read here: ${reach.envRefused}`,
        hint: 'Read it in the `config` or the `input` of a step, or in an agent.',
      };
    if (roots.size === 1) return null;
    return {
      message: 'One expression reads both `env` and data',
      hint: 'Write them as two expressions, side by side: `${env.BASE}/${input.path}`.',
    };
  }
  if (reach.roots.has(root)) return null;
  if (reach.later.has(root))
    return {
      message: `The step "${root}" has not run yet at this place`,
      hint: 'A step reads the steps before it: move it down, or the other one up.',
    };
  const known = [...reach.roots, ...(reach.envRefused === null ? ['env'] : [])];
  const step = hyphened(root, reach.roots);
  const hint = step ?? suggestion(root, known) ?? `Known here: ${known.join(', ')}.`;
  return { message: `Nothing is called \`${root}\` here: neither the input nor a step before`, hint };
}

/** `total-1` where a step is called `total`: it was meant as a subtraction. */
function hyphened(root: string, known: ReadonlySet<string>): string | null {
  const first = root.split('-')[0] ?? '';
  return root.includes('-') && known.has(first)
    ? `\`${root}\` is one name: put spaces round the minus to subtract.`
    : null;
}
