// Refuses JSON that nests so deeply that recursive code (validation, serialisation) would exhaust the stack: one such
// body must cost its sender a 400 and nobody else anything.
import { AppError } from '../model/error.ts';

export const JSON_DEPTH_MAX = 200;

const QUOTE = 34;
const BACKSLASH = 92;
const OPEN_LIST = 91;
const CLOSE_LIST = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** `text` must be valid JSON. Throws AppError invalid_request. */
export function assertShallow(text: string): void {
  // A level takes two characters, so a short document cannot be deep and most bodies are never scanned.
  if (text.length <= JSON_DEPTH_MAX * 2) return;
  let depth = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      i = closingQuote(text, i);
    } else if (code === OPEN_OBJECT || code === OPEN_LIST) {
      depth += 1;
      if (depth > JSON_DEPTH_MAX) throw tooDeep();
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) {
      depth -= 1;
    }
  }
}

/** Index of the quote that ends the string which starts at `start`. */
function closingQuote(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end > 0 && escaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end;
}

function escaped(text: string, quote: number): boolean {
  let slashes = 0;
  while (text.charCodeAt(quote - 1 - slashes) === BACKSLASH) slashes += 1;
  return slashes % 2 === 1;
}

function tooDeep(): AppError {
  return new AppError('invalid_request', `The document nests more than ${JSON_DEPTH_MAX} levels deep. Flatten it.`);
}
