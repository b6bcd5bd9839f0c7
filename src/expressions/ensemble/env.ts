// Texts of a definition that read the environment: `Bearer ${env.API_TOKEN}`, `${env.REGION ?? 'eu'}`, `$env.API_TOKEN`.
// Owns filling them just before use, from texts that an author wrote; whoever calls must never pass data.
// A variable that is not set is an error and never an empty text: it would become a password that is easily guessed.
import type { JsonObject } from '../../model/json.ts';
import type { Scope } from '../template.ts';
import { type EnvNeed, envNames, envNeed } from './env-need.ts';
import { compileParsed, type Expression } from './expression.ts';
import { ExpressionError } from './expression-error.ts';
import { mayHoldExpression, type Part, type Placeholder, splitPlaceholders } from './placeholders.ts';
import { isEnvShorthand } from './template.ts';
import { textOf } from './values.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

interface EnvExpression {
  readonly expression: Expression;
  readonly need: EnvNeed;
}

interface EnvText {
  readonly names: readonly string[];
  readonly pieces: readonly (string | EnvExpression)[];
}

/** As many as definitions have; cleared when there are more. */
const CACHED_MAX = 1_000;
const cache = new Map<string, EnvText>();

/** Throws ExpressionError: for a variable that is not set and has no default, and for a mistake in the text. */
export function fillEnvText(text: string, env: Environment): string {
  const { names, pieces } = envText(text);
  if (names.length === 0 && pieces.length === 1 && typeof pieces[0] === 'string') return pieces[0];
  const values: JsonObject = {};
  for (const name of names) {
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value !== undefined) values[name] = value;
  }
  const scope: Scope = { lookup: (root) => (root === 'env' ? values : undefined) };
  return pieces.map((piece) => (typeof piece === 'string' ? piece : fill(piece, scope, text))).join('');
}

/** Variables that the text names, each once. Throws ExpressionError. */
export function envNamesOf(text: string): readonly string[] {
  return envText(text).names;
}

function fill({ expression, need }: EnvExpression, scope: Scope, text: string): string {
  const unset = need(scope);
  if (unset !== null) {
    const fix = `set it, or give a default: \${env.${unset} ?? 'default'}`;
    throw new ExpressionError(
      `The environment variable ${unset} is not set: ${fix}`,
      text,
      Math.max(0, text.indexOf(unset)),
    );
  }
  return textOf(expression.evaluate(scope));
}

function envText(text: string): EnvText {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const compiled = compileEnvText(text);
  if (cache.size >= CACHED_MAX) cache.clear();
  cache.set(text, compiled);
  return compiled;
}

function compileEnvText(text: string): EnvText {
  const source = isEnvShorthand(text) ? `\${${text.slice(1)}}` : text;
  const parts: Part[] = mayHoldExpression(source) ? splitPlaceholders(source) : [source];
  const names = new Set<string>();
  const pieces = parts.map((part) => (typeof part === 'string' ? part : compilePlaceholder(part, source, names)));
  return { names: [...names], pieces };
}

function compilePlaceholder(placeholder: Placeholder, source: string, names: Set<string>): EnvExpression {
  const { tree, roots } = placeholder;
  for (const root of roots) {
    if (root !== 'env') throw new ExpressionError(`Only \`env\` can be read here, not \`${root}\``, source, tree.at);
  }
  for (const name of envNames(tree, source)) names.add(name);
  return { expression: compileParsed(placeholder, source), need: envNeed(tree, source) };
}
