// Just enough of SQL's spelling to know where a statement begins and ends and where its `?` are: comments, strings and
// quoted names are passed over. Must never change what the database is asked, but for numbering the placeholders.
import { AgentError } from '../../../operations/operation.ts';

export type Dialect = 'sqlite' | 'postgres';

export interface SqlText {
  /** One statement, without a semicolon at its end; placeholders as its database writes them. */
  readonly text: string;
  /** The first word, in lower case: `select`. */
  readonly verb: string;
  readonly parameters: number;
  /** It gives rows: a query, or a change that ends in RETURNING. */
  readonly returnsRows: boolean;
}

interface Token {
  readonly kind: 'word' | 'parameter' | 'escaped' | 'semicolon' | 'other';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const SQL_LENGTH_MAX = 100_000;
const READING = new Set(['select', 'with', 'values', 'table', 'explain', 'show']);
const WRITING = ['insert', 'update', 'delete', 'create', 'alter', 'drop'];
/** Everything else reaches beyond the database (ATTACH, PRAGMA, COPY) or beyond the call (BEGIN, SET, LISTEN). */
const VERBS: Readonly<Record<Dialect, ReadonlySet<string>>> = {
  sqlite: new Set(['select', 'with', 'values', 'explain', 'replace', 'analyze', 'reindex', ...WRITING]),
  postgres: new Set([...READING, ...WRITING, 'merge', 'truncate', 'comment', 'analyze']),
};

/** Throws AgentError, not retryable: no statement, more than one, or one that is not for agents. */
export function readSql(sql: string, dialect: Dialect): SqlText {
  if (sql.length > SQL_LENGTH_MAX) throw refused(`The SQL is longer than ${SQL_LENGTH_MAX} characters.`);
  const tokens = tokensOf(sql, dialect);
  const verb = tokens.find(({ kind, text }) => kind === 'word' || text !== '(')?.text.toLowerCase() ?? '';
  if (verb === '') throw refused('The SQL is empty.');
  if (!VERBS[dialect].has(verb))
    throw refused(`SQL that begins with "${verb.slice(0, 20).toUpperCase()}" is not allowed.`);
  const end = endOf(tokens, isTrigger(tokens));
  const inside = tokens.filter((token) => token.end <= end);
  const parameters = inside.filter(({ kind }) => kind === 'parameter').length;
  const returning = inside.some(({ kind, text }) => kind === 'word' && text.toLowerCase() === 'returning');
  const text = dialect === 'postgres' ? numbered(sql.slice(0, end), inside) : sql.slice(0, end);
  return {
    text,
    verb,
    parameters,
    returnsRows: READING.has(verb) ? verb !== 'with' || !changes(inside, returning) : returning,
  };
}

/** `with … insert` gives rows only with RETURNING. */
function changes(tokens: readonly Token[], returning: boolean): boolean {
  const verbs = new Set(['insert', 'update', 'delete', 'replace', 'merge']);
  return !returning && tokens.some(({ kind, text }) => kind === 'word' && verbs.has(text.toLowerCase()));
}

function isTrigger(tokens: readonly Token[]): boolean {
  const words = tokens.slice(0, 3).map(({ text }) => text.toLowerCase());
  return words[0] === 'create' && (words[1] === 'trigger' || words[2] === 'trigger');
}

/** Where the statement ends. A trigger's body holds statements of its own: it ends with the last one. */
function endOf(tokens: readonly Token[], trigger: boolean): number {
  const last = tokens.findLastIndex(({ kind }) => kind !== 'semicolon');
  const first = tokens.findIndex(({ kind }) => kind === 'semicolon');
  if (!trigger && first >= 0 && first < last) throw refused('One statement at a time: the SQL holds several.');
  return tokens[last]?.end ?? 0;
}

function numbered(sql: string, tokens: readonly Token[]): string {
  let text = '';
  let position = 0;
  let number = 0;
  for (const { end, kind, start } of tokens) {
    if (kind !== 'parameter' && kind !== 'escaped') continue;
    if (kind === 'parameter') number += 1;
    text += sql.slice(position, start) + (kind === 'parameter' ? `$${number}` : '?');
    position = end;
  }
  return text + sql.slice(position);
}

const SPACE = /\s+|--[^\n]*/y;
const WORD = /[\p{L}_][\p{L}\p{N}_$]*/uy;

function tokensOf(sql: string, dialect: Dialect): Token[] {
  const tokens: Token[] = [];
  for (let start = 0; start < sql.length; ) {
    const skipped = matchAt(SPACE, sql, start) ?? commentAt(sql, start, dialect);
    if (skipped !== null) {
      start = skipped;
      continue;
    }
    const token = tokenAt(sql, start, dialect);
    tokens.push(token);
    start = token.end;
  }
  return tokens;
}

function tokenAt(sql: string, start: number, dialect: Dialect): Token {
  const quoted = quotedAt(sql, start, dialect);
  if (quoted !== null) return token('other', sql, start, quoted);
  const word = matchAt(WORD, sql, start);
  if (word !== null) return token('word', sql, start, word);
  // As elsewhere, "??" stands for the operator that Postgres spells with a question mark.
  if (dialect === 'postgres' && sql.startsWith('??', start)) return token('escaped', sql, start, start + 2);
  if (sql[start] === '?') return token('parameter', sql, start, start + 1);
  return token(sql[start] === ';' ? 'semicolon' : 'other', sql, start, start + 1);
}

function token(kind: Token['kind'], sql: string, start: number, end: number): Token {
  return { kind, text: sql.slice(start, end), start, end };
}

/** Postgres nests comments, SQLite does not. One that does not end takes the rest. */
function commentAt(sql: string, start: number, dialect: Dialect): number | null {
  if (!sql.startsWith('/*', start)) return null;
  let depth = 1;
  for (let at = start + 2; at < sql.length; at += 1) {
    if (sql.startsWith('*/', at)) {
      depth -= 1;
      at += 1;
      if (depth === 0) return at + 1;
    } else if (dialect === 'postgres' && sql.startsWith('/*', at)) {
      depth += 1;
      at += 1;
    }
  }
  return sql.length;
}

const DOLLAR_QUOTE = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy;
const ESCAPE_STRING = /[eE]'(?:[^'\\]|\\[\s\S]|'')*'?/y;

function quotedAt(sql: string, start: number, dialect: Dialect): number | null {
  const open = sql[start] ?? '';
  if (open === "'" || open === '"') return closeOf(sql, start, open);
  if (dialect === 'sqlite')
    return open === '`' ? closeOf(sql, start, '`') : open === '[' ? closeOf(sql, start, ']') : null;
  const escapes = matchAt(ESCAPE_STRING, sql, start);
  if (escapes !== null) return escapes;
  const tagEnd = matchAt(DOLLAR_QUOTE, sql, start);
  if (tagEnd === null) return null;
  const tag = sql.slice(start, tagEnd);
  const close = sql.indexOf(tag, tagEnd);
  return close < 0 ? sql.length : close + tag.length;
}

/** A doubled quote is two strings side by side: they end where one would. */
function closeOf(sql: string, start: number, close: string): number {
  const end = sql.indexOf(close, start + 1);
  return end < 0 ? sql.length : end + 1;
}

function matchAt(pattern: RegExp, sql: string, start: number): number | null {
  pattern.lastIndex = start;
  return pattern.test(sql) ? pattern.lastIndex : null;
}

function refused(message: string): AgentError {
  return new AgentError(message, false);
}
