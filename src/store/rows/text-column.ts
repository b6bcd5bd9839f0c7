// Text in searched columns, for every database. SQLite's libraries cut text at a NUL, Postgres refuses it, and neither
// holds half of a surrogate pair, so such text is kept as a marked JSON string: equal texts stay equal, and every text
// comes back as it was. Documents need none of this: JSON text escapes both.

export type Row = Readonly<Record<string, unknown>>;

const MARK = '\u0001';

/** Printable ASCII without a backslash, as almost every text here: JSON writes it as it is. */
const PLAIN = /^[ -[\]-~]*$/;

export function stored(text: string): string {
  if (PLAIN.test(text)) return text;
  const quoted = JSON.stringify(text);
  return quoted.includes('\\u') ? MARK + quoted : text;
}

export function storedOrNull(text: string | null): string | null {
  return text === null ? null : stored(text);
}

/** Throws TypeError when the column does not hold text. */
export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new TypeError(`Column ${column} holds no text.`);
  return value.startsWith(MARK) ? JSON.parse(value.slice(1)) : value;
}

export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : textOf(row, column);
}

/** Throws TypeError when the column does not hold a number. */
export function numberOf(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw new TypeError(`Column ${column} holds no number.`);
  return value;
}

/** A JSON column as the shape it was written in. */
export function documentOf<T>(row: Row, column = 'document'): T {
  return JSON.parse(textOf(row, column));
}
