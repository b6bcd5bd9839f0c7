// Text in columns that an index holds. Postgres refuses an index entry of more than about 2.7 kB, and with it the whole
// commit: a text that callers choose the length of is shortened to its beginning and a digest.
import { createHash } from 'node:crypto';
import { stored } from '../rows/text-column.ts';

export { documentOf, numberOf, type Row, stored, storedOrNull, textOf, textOrNull } from '../rows/text-column.ts';

const CHARS_MAX = 300;
const CHARS_KEPT = 100;

/** The same for equal texts; the text itself unless it is long. */
export function indexable(text: string): string {
  if (text.length <= CHARS_MAX) return stored(text);
  return stored(`${text.slice(0, CHARS_KEPT)}…${createHash('sha256').update(JSON.stringify(text)).digest('hex')}`);
}
