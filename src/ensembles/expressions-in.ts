// Finds the expressions of one text of a YAML file: where each stands and what it reads. Owns no rule of the language: the
// lexer says where an expression ends, the parser what it means.
import { lex } from '../expressions/ensemble/lexer.ts';
import { parse } from '../expressions/ensemble/parser.ts';
import { isEnvShorthand } from '../expressions/ensemble/template.ts';

export interface FoundExpression {
  /** From the opening mark to after the closing one. */
  readonly start: number;
  readonly end: number;
  readonly roots: ReadonlySet<string>;
}

/** Throws ExpressionError. `\${` and `\{{` mean the characters themselves. */
export function expressionsIn(text: string): FoundExpression[] {
  if (isEnvShorthand(text)) return [{ start: 0, end: text.length, roots: new Set(['env']) }];
  const found: FoundExpression[] = [];
  const opener = /\\(?:\$\{|\{\{)|\$\{|\{\{/g;
  for (let match = opener.exec(text); match !== null; match = opener.exec(text)) {
    if (match[0].startsWith('\\')) continue;
    const { tokens, end } = lex(text, match.index + 2, match[0] === '{{' ? '}}' : '}');
    found.push({ start: match.index, end, roots: parse(tokens, text).roots });
    opener.lastIndex = end;
  }
  return found;
}

/** A condition is one expression, with or without the marks around it. Throws ExpressionError. */
export function expressionsInCondition(text: string): FoundExpression[] {
  const marked = expressionsIn(text);
  if (marked.length > 0) return marked;
  return [{ start: 0, end: text.length, roots: parse(lex(text).tokens, text).roots }];
}

export function holdsExpression(value: unknown): boolean {
  if (typeof value === 'string') return /\$\{|\{\{/.test(value) || isEnvShorthand(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsExpression);
}
