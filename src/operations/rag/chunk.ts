// Documents cut into pieces small enough to be found by. Sizes are in characters. Must never lose a word: every piece of
// the text is in at least one chunk.

export type ChunkStrategy = 'fixed' | 'recursive' | 'semantic';

/** Tried in this order: a paragraph is kept whole where it fits, then a line, a sentence, a word. */
const SEPARATORS = [/\n{2,}/, /\n/, /(?<=[.!?])\s+/, /\s+/];
/** A heading begins a piece of its own. */
const SECTION = /\n(?=#{1,6} )|\n{2,}/;

/** `overlap` characters of the end of a fixed or recursive chunk begin the next. Blank chunks are left out. */
export function chunk(text: string, strategy: ChunkStrategy, size: number, overlap: number): string[] {
  const whole = text.replace(/\r\n?/g, '\n');
  const pieces = strategy === 'fixed' ? fixed(whole, size, overlap) : packed(whole, strategy, size, overlap);
  return pieces.map((piece) => piece.trim()).filter((piece) => piece !== '');
}

function fixed(text: string, size: number, overlap: number): string[] {
  const step = Math.max(1, size - overlap);
  const pieces: string[] = [];
  for (let start = 0; start < text.length; start += step) {
    pieces.push(text.slice(start, start + size));
    if (start + size >= text.length) break;
  }
  return pieces;
}

function packed(text: string, strategy: ChunkStrategy, size: number, overlap: number): string[] {
  if (strategy === 'recursive') return pack(split(text, size, 0), size, overlap);
  return sections(text).flatMap((section) =>
    section.length <= size ? [section] : pack(split(section, size, 1), size, 0),
  );
}

/** Paragraphs, each heading together with the paragraph below it. */
function sections(text: string): string[] {
  const found: string[] = [];
  let heading = '';
  for (const part of text.split(SECTION)) {
    if (/^#{1,6} [^\n]*$/.test(part.trim())) {
      heading = heading === '' ? part : `${heading}\n${part}`;
      continue;
    }
    found.push(heading === '' ? part : `${heading}\n${part}`);
    heading = '';
  }
  if (heading !== '') found.push(heading);
  return found;
}

function split(text: string, size: number, level: number): string[] {
  if (text.length <= size) return [text];
  const separator = SEPARATORS[level];
  if (!separator) return fixed(text, size, 0);
  return text.split(separator).flatMap((part) => split(part, size, level + 1));
}

/** Puts neighbours together as long as they fit. */
function pack(parts: readonly string[], size: number, overlap: number): string[] {
  const pieces: string[] = [];
  let current = '';
  for (const part of parts) {
    if (current !== '' && current.length + 1 + part.length > size) {
      pieces.push(current);
      const tail = overlap > 0 ? current.slice(-overlap) : '';
      current = tail !== '' && tail.length + 1 + part.length <= size ? `${tail} ${part}` : part;
    } else {
      current = current === '' ? part : `${current}\n${part}`;
    }
  }
  if (current !== '') pieces.push(current);
  return pieces;
}
