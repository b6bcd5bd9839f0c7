// Texts that are too long to be kept or shown whole. Lengths are UTF-16 units, as `length` counts. Must never leave half of
// a surrogate pair: that is no text, and JSON, UTF-8 and databases each make something else of it.

/** The beginning of a text, of at most this length. */
export function cutText(text: string, charsMax: number): string {
  const splitsPair = (text.codePointAt(charsMax - 1) ?? 0) > 0xffff;
  return text.slice(0, splitsPair ? charsMax - 1 : charsMax);
}

/** The text, or its beginning and "…". */
export function shortenText(text: string, charsMax: number): string {
  return text.length > charsMax ? `${cutText(text, charsMax)}…` : text;
}
