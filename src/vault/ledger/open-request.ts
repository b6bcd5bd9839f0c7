// The request behind an open charge, as the charge row keeps it: context headers and canonical body, so that it can be
// asked again after a crash. Owns the one text form; must never hold a credential.

export interface OpenRequest {
  /** Flat name, value list. */
  readonly headers: readonly string[];
  readonly body: string;
}

export function writeOpenRequest({ headers, body }: OpenRequest): string {
  return `${JSON.stringify(headers)}\n${body}`;
}

/** Undefined when the text is not of this form. */
export function readOpenRequest(text: string): OpenRequest | undefined {
  const line = text.indexOf('\n');
  if (line < 0) return undefined;
  try {
    const headers: unknown = JSON.parse(text.slice(0, line));
    if (!Array.isArray(headers) || !headers.every((part) => typeof part === 'string')) return undefined;
    return { headers, body: text.slice(line + 1) };
  } catch {
    return undefined;
  }
}
