// Finds the `${…}` and `{{…}}` of one text and parses each, in one pass. The lexer says where an expression ends, so a `}`
// in a string, an object or a template literal ends nothing. A backslash before either mark means the characters themselves.
import { type Closer, lex } from './lexer.ts';
import { type Parsed, parse } from './parser.ts';

export interface Placeholder extends Parsed {
  /** With its marks, as written. */
  readonly raw: string;
}

export type Part = string | Placeholder;

export interface SplitOptions {
  /** False: `{{…}}` is text, for documents that hold another template language. */
  readonly braces?: boolean;
}

const OPENERS = /\$\{|\{\{/g;
const DOLLAR_OPENER = /\$\{/g;

export function mayHoldExpression(text: string): boolean {
  return text.includes('${') || text.includes('{{');
}

/** Throws ExpressionError; its offset counts in the whole text. */
export function splitPlaceholders(text: string, { braces = true }: SplitOptions = {}): Part[] {
  const parts: Part[] = [];
  const opener = new RegExp(braces ? OPENERS : DOLLAR_OPENER);
  let before = '';
  let from = 0;
  for (let match = opener.exec(text); match !== null; match = opener.exec(text)) {
    const start = match.index;
    const [mark] = match;
    if (start > from && text[start - 1] === '\\') {
      before += text.slice(from, start - 1) + mark;
      from = start + mark.length;
      continue;
    }
    const closer: Closer = mark === '{{' ? '}}' : '}';
    const { tokens, end } = lex(text, start + 2, closer);
    before += text.slice(from, start);
    if (before !== '') parts.push(before);
    before = '';
    parts.push({ raw: text.slice(start, end), ...parse(tokens, text) });
    from = end;
    opener.lastIndex = end;
  }
  before += text.slice(from);
  if (before !== '' || parts.length === 0) parts.push(before);
  return parts;
}
