// Cuts the query of a search into words, texts and signs, each with its place, in one pass. Owns the spelling only.
// Must never throw anything but an AppError that names the place.
import type { AppError } from '../../../model/error.ts';
import { validationError } from '../../body.ts';

export interface SearchToken {
  /** A text is a word in quotes. */
  readonly kind: 'word' | 'text' | 'sign' | 'end';
  readonly value: string;
  /** Of its first character, counted from 1. */
  readonly position: number;
}

const QUERY_LENGTH_MAX = 10_000;
const SPACE = /\s*/y;
const SIGN = /[<>!]=|[=<>(),]/y;
const WORD = /[^\s=<>!(),'"]+/y;

/** The last one is the end. Throws AppError invalid_request. */
export function searchTokens(query: string): SearchToken[] {
  if (query.length > QUERY_LENGTH_MAX) {
    throw queryError(`must not have more than ${QUERY_LENGTH_MAX} characters`, query);
  }
  const tokens: SearchToken[] = [];
  let at = 0;
  for (;;) {
    at += matched(SPACE, query, at).length;
    const position = at + 1;
    if (at === query.length) return [...tokens, { kind: 'end', value: '', position }];
    const quote = query.charAt(at);
    if (quote === '"' || quote === "'") {
      const end = query.indexOf(quote, at + 1);
      if (end < 0) throw queryError(`position ${position}: the text that begins with ${quote} must end with it`, query);
      tokens.push({ kind: 'text', value: query.slice(at + 1, end), position });
      at = end + 1;
      continue;
    }
    const sign = matched(SIGN, query, at);
    const value = sign || matched(WORD, query, at);
    if (value === '') throw queryError(`position ${position}: "${quote}" must stand in quotes`, query);
    tokens.push({ kind: sign ? 'sign' : 'word', value, position });
    at += value.length;
  }
}

export function queryError(message: string, query: string): AppError {
  return validationError([{ path: 'query', message, invalidValue: query.slice(0, 200) }]);
}

function matched(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}
