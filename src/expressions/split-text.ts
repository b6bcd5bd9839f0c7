// Finds the `${…}` placeholders of one string in a single pass: time linear in the text, whatever the text is.
// Owns the syntax only: nesting, the `$${` escape, quotes inside brackets. Must never throw and never read data.

export type Part = string | Placeholder;

export interface Placeholder {
  /** What stands between the braces, nested placeholders included, as written. */
  readonly raw: string;
  /** The same, cut at nested placeholders. */
  readonly parts: readonly Part[];
}

/** Deeper openings are read as plain text: nobody writes them, and a recursion over them must not run out of stack. */
const NESTING_MAX = 16;

interface Frame {
  /** Offset of the first character after `${`; 0 for the whole text. */
  readonly start: number;
  readonly parts: Part[];
  /** Offset from which text has not been put into `parts` yet. */
  from: number;
  braces: number;
  brackets: number;
  quote: string;
}

/** "a ${b} c" -> ["a ", {b}, " c"]. `$${b}` gives the text `${b}`; an opening without its end is text. */
export function splitText(text: string): readonly Part[] {
  const frames: Frame[] = [newFrame(0)];
  let at = 0;
  while (at < text.length) {
    const frame = frames[frames.length - 1];
    if (frame === undefined) break;
    if (text.startsWith('${', at)) at = open(text, at, frame, frames);
    else if (frames.length > 1) at = step(text, at, frame, frames);
    else at = nextDollar(text, at);
  }
  return unwind(text, frames);
}

function newFrame(start: number): Frame {
  return { start, parts: [], from: start, braces: 0, brackets: 0, quote: '' };
}

function nextDollar(text: string, at: number): number {
  const found = text.indexOf('${', at + 1);
  return found < 0 ? text.length : found;
}

function open(text: string, at: number, frame: Frame, frames: Frame[]): number {
  if (at > frame.from && text[at - 1] === '$') {
    // `$${`: the first dollar is dropped, the rest stays as it is, and its `}` must not end the frame around it.
    push(frame.parts, text.slice(frame.from, at - 1));
    frame.from = at;
    frame.braces += 1;
    return at + 2;
  }
  if (frames.length > NESTING_MAX) {
    frame.braces += 1;
    return at + 2;
  }
  push(frame.parts, text.slice(frame.from, at));
  frame.from = at;
  frames.push(newFrame(at + 2));
  return at + 2;
}

/** One character inside a placeholder. */
function step(text: string, at: number, frame: Frame, frames: Frame[]): number {
  const character = text[at];
  if (frame.quote !== '') {
    if (character === '\\') return at + 2;
    if (character === frame.quote) frame.quote = '';
  } else if (frame.brackets > 0 && (character === "'" || character === '"')) {
    frame.quote = character;
  } else if (character === '[') {
    frame.brackets += 1;
  } else if (character === ']') {
    frame.brackets = Math.max(0, frame.brackets - 1);
  } else if (character === '{') {
    frame.braces += 1;
  } else if (character === '}') {
    if (frame.braces === 0) return close(text, at, frame, frames);
    frame.braces -= 1;
  }
  return at + 1;
}

function close(text: string, at: number, frame: Frame, frames: Frame[]): number {
  push(frame.parts, text.slice(frame.from, at));
  frames.pop();
  const outer = frames[frames.length - 1];
  if (outer !== undefined) {
    outer.parts.push({ raw: text.slice(frame.start, at), parts: frame.parts });
    outer.from = at + 1;
  }
  return at + 1;
}

/** Frames that never closed are text, with the placeholders found inside them kept. */
function unwind(text: string, frames: readonly Frame[]): readonly Part[] {
  const parts: Part[] = [];
  frames.forEach((frame, depth) => {
    if (depth > 0) push(parts, '${');
    for (const part of frame.parts) {
      if (typeof part === 'string') push(parts, part);
      else parts.push(part);
    }
  });
  const last = frames[frames.length - 1];
  if (last !== undefined) push(parts, text.slice(last.from));
  return parts;
}

function push(parts: Part[], text: string): void {
  if (text === '') return;
  const last = parts[parts.length - 1];
  if (typeof last === 'string') parts[parts.length - 1] = last + text;
  else parts.push(text);
}
