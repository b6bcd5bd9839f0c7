// Cuts one expression into tokens, in one pass. Also finds where an expression inside a longer text ends: only the lexer
// knows which `}` stands in a string, an object or a template literal. Must never read what comes after that end.
import { ExpressionError } from './expression-error.ts';
import type { Token } from './token.ts';

/** Longer expressions are code, and code belongs in an agent. */
export const SOURCE_LENGTH_MAX = 10_000;
const TEMPLATE_NESTING_MAX = 8;

/** What ends the expression: the end of the text, or a closing mark that nothing inside has opened. */
export type Closer = '' | '}' | '}}';

export interface Lexed {
  readonly tokens: readonly Token[];
  /** Offset after the closing mark. */
  readonly end: number;
}

/** Hyphens between word characters belong to the name: `fetch-user`. */
const NAME = /[\p{L}_$][\p{L}\p{N}_$]*(?:-[\p{L}\p{N}_$]+)*/uy;
/** After a dot a name may also begin with a digit: `items.0`. */
const MEMBER = /[\p{L}\p{N}_$]+(?:-[\p{L}\p{N}_$]+)*/uy;
const NUMBER = /(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const SIGN = /===|!==|\.\.\.|\?\?|\?\.(?!\d)|&&|\|\||==|!=|<=|>=|=>|[-+*/%<>!?:.,()[\]{}|]/y;
const SPACE = /\s+/y;

export function lex(source: string, from = 0, closer: Closer = '', nesting = 0): Lexed {
  const tokens: Token[] = [];
  let at = from;
  let braces = 0;
  for (;;) {
    at += match(SPACE, source, at).length;
    if (at - from > SOURCE_LENGTH_MAX) throw tooLong(source, from);
    if (at >= source.length) {
      if (closer !== '') throw unclosed(source, from, closer);
      tokens.push({ kind: 'end', text: '', at });
      return { tokens, end: at };
    }
    if (braces <= 0 && closer !== '' && source.startsWith(closer, at)) {
      tokens.push({ kind: 'end', text: closer, at });
      return { tokens, end: at + closer.length };
    }
    const token = next(source, at, tokens.at(-1), nesting);
    if (token.kind === 'sign' && token.text === '{') braces += 1;
    if (token.kind === 'sign' && token.text === '}') braces -= 1;
    tokens.push(token);
    at = token.end ?? at + token.text.length;
  }
}

function tooLong(source: string, from: number): ExpressionError {
  const message = `An expression may have ${SOURCE_LENGTH_MAX} characters: move this work into an agent`;
  return new ExpressionError(message, source, from);
}

function unclosed(source: string, from: number, closer: Closer): ExpressionError {
  const opener = closer === '}' ? '${' : '{{';
  const message = `This "${opener}" is never closed: add "${closer}", or write "\\${opener}" to mean the characters themselves`;
  return new ExpressionError(message, source, Math.max(0, from - opener.length));
}

function match(pattern: RegExp, source: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0] ?? '';
}

type Found = Token & { readonly end?: number };

function next(source: string, at: number, before: Token | undefined, nesting: number): Found {
  const afterDot = before?.kind === 'sign' && (before.text === '.' || before.text === '?.');
  const name = match(afterDot ? MEMBER : NAME, source, at);
  if (name !== '') return { kind: 'name', text: name, at };
  const character = source[at] ?? '';
  if (character === '"' || character === "'") return quoted(source, at, character);
  if (character === '`') return template(source, at, nesting);
  const number = endsOperand(before) && character === '.' ? '' : match(NUMBER, source, at);
  if (number !== '') return numeral(source, at, number);
  const sign = match(SIGN, source, at);
  if (sign === '') {
    const hint = character === '=' ? ': to compare, write ==' : '';
    throw new ExpressionError(`${JSON.stringify(character)} has no meaning here${hint}`, source, at);
  }
  return { kind: 'sign', text: sign, at };
}

/** After an operand a dot reads a member, elsewhere it begins a number. */
function endsOperand(token: Token | undefined): boolean {
  if (token === undefined) return false;
  return token.kind !== 'sign' || token.text === ')' || token.text === ']' || token.text === '}';
}

function numeral(source: string, at: number, text: string): Token {
  const rest = match(MEMBER, source, at + text.length);
  if (rest !== '') {
    throw new ExpressionError(`${text}${rest} is no number, and a name begins with a letter`, source, at);
  }
  const value = Number(text);
  if (!Number.isFinite(value)) throw new ExpressionError(`${text} is too large for a number`, source, at);
  return { kind: 'number', text, at, value };
}

function quoted(source: string, at: number, quote: string): Found {
  let text = '';
  let from = at + 1;
  for (let here = from; here < source.length; here += 1) {
    if (source[here] === quote) return { kind: 'text', text: text + source.slice(from, here), at, end: here + 1 };
    if (source[here] !== '\\') continue;
    const escaped = readEscape(source, here);
    text += source.slice(from, here) + escaped.text;
    from = escaped.end;
    here = escaped.end - 1;
  }
  throw new ExpressionError(`This text is never closed: add ${quote}`, source, at);
}

function template(source: string, at: number, nesting: number): Found {
  if (nesting >= TEMPLATE_NESTING_MAX) throw new ExpressionError('Template literals are nested too deeply', source, at);
  const texts: string[] = [];
  const holes: (readonly Token[])[] = [];
  let text = '';
  let here = at + 1;
  while (here < source.length) {
    const character = source[here] ?? '';
    if (character === '`') return { kind: 'template', text: '`', at, texts: [...texts, text], holes, end: here + 1 };
    if (character === '\\') {
      const escaped = readEscape(source, here);
      text += escaped.text;
      here = escaped.end;
    } else if (source.startsWith('${', here)) {
      const hole = lex(source, here + 2, '}', nesting + 1);
      texts.push(text);
      holes.push(hole.tokens);
      text = '';
      here = hole.end;
    } else {
      text += character;
      here += 1;
    }
  }
  throw new ExpressionError('This template literal is never closed: add `', source, at);
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['r', '\r'],
  ['b', '\b'],
  ['f', '\f'],
  ['v', '\v'],
  ['0', '\0'],
]);
const CODE = /u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})/y;

/** The escape whose backslash stands at `at`. */
function readEscape(source: string, at: number): { text: string; end: number } {
  CODE.lastIndex = at + 1;
  const code = CODE.exec(source);
  if (code !== null) {
    const point = Number.parseInt(code[1] ?? code[2] ?? code[3] ?? '', 16);
    if (point > 0x10ffff) throw new ExpressionError('There is no such character', source, at);
    return { text: String.fromCodePoint(point), end: CODE.lastIndex };
  }
  const character = source[at + 1] ?? '';
  return { text: ESCAPES.get(character) ?? character, end: at + 2 };
}
