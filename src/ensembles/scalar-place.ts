// Where a character of a YAML text stands in its file. Quotes, escapes and block indentation lie between the two; what
// cannot be told exactly is answered with the beginning of the scalar.
import type { SourcePosition } from '../model/agent.ts';

export type Place = (offset: number) => SourcePosition;

/** `raw`: the scalar as the file spells it, from `start` on. */
export function scalarPlace(value: string, raw: string, start: number, offset: number, place: Place): SourcePosition {
  const whole = raw.indexOf(value);
  if (whole >= 0) return place(start + whole + offset);
  if (!/^[|>]/.test(raw)) return place(start);
  return inBlock(value, raw, start, offset, place);
}

/** A literal block: line by line as written, less the indentation. In a folded one a line may be found only by its text. */
function inBlock(value: string, raw: string, start: number, offset: number, place: Place): SourcePosition {
  const before = value.slice(0, offset);
  const column = offset - (before.lastIndexOf('\n') + 1);
  const text = value.split('\n')[before.split('\n').length - 1] ?? '';
  const header = raw.indexOf('\n') + 1;
  if (raw.startsWith('>')) {
    // The lines of a folded block were joined with spaces: look for the word that stands there.
    const word = /^\S+/.exec(value.slice(offset))?.[0] ?? '';
    const found = word === '' ? -1 : raw.indexOf(word, header);
    return found >= 0 && raw.indexOf(word, found + 1) < 0 ? place(start + found) : place(start);
  }
  let at = header;
  for (const [index, line] of raw.slice(header).split('\n').entries()) {
    const indent = line.length - text.length;
    if (index === before.split('\n').length - 1 && line.endsWith(text) && indent >= 0)
      return place(start + at + indent + column);
    at += line.length + 1;
  }
  return place(start);
}
