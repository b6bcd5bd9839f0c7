// The one error of the ensemble language. Owns how a mistake is told: what, where, and how to mend it.
// Raised when an expression is compiled, or when evaluating it would cost more than is allowed; missing data never is one.

/** Characters of the source shown on either side of the place. */
const EXCERPT = 30;

export class ExpressionError extends Error {
  /** Into the source that was compiled, from 0. */
  readonly offset: number;

  constructor(message: string, source: string, offset: number) {
    super(`${message} (at character ${offset + 1} of ${excerpt(source, offset)})`);
    this.name = 'ExpressionError';
    this.offset = offset;
  }
}

function excerpt(source: string, offset: number): string {
  const from = offset <= EXCERPT ? 0 : offset - EXCERPT;
  const to = offset + EXCERPT;
  return `\`${from > 0 ? '…' : ''}${source.slice(from, to).replaceAll(/\s+/g, ' ')}${to < source.length ? '…' : ''}\``;
}
