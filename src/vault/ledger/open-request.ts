// The request behind an open charge, as the charge row keeps it: context headers and canonical body, so that it can be
// asked again after a crash; and, in a database that several processes share, notes on who has asked. Owns the one text
// form; must never hold a credential.

export interface OpenRequest {
  /** Flat name, value list. */
  readonly headers: readonly string[];
  readonly body: string;
}

/** What one process tells the others about a charge. A store with a single writer has no use for them. */
export interface ChargeNotes {
  /** Somebody else than its first caller has sent it to the vendor, or is about to: the first answer proves less now. */
  readonly asked?: true;
  /** The call costs nothing, whatever the vendor's answer says. */
  readonly free?: true;
  /** Its idempotency key is derived (see task-ordinal.ts). Digests of the keys that SDKs made up for it in this attempt. */
  readonly automatic?: readonly string[];
  /** A caller is under way with it since then. */
  readonly takenMs?: number;
  /**
   * Closed, but the next call alike is still this one: `repeat`, its caller never had the answer; `renew`, the vendor
   * keeps nothing under its key, so it is charged anew.
   */
  readonly next?: 'repeat' | 'renew';
}

export function writeOpenRequest({ headers, body }: OpenRequest): string {
  return `${JSON.stringify(headers)}\n${body}`;
}

/** Undefined when the text is not of this form, or the charge is closed. */
export function readOpenRequest(text: string): OpenRequest | undefined {
  const headers = headOf(text);
  const list: unknown = Array.isArray(headers) ? headers : isNoted(headers) ? headers.headers : undefined;
  if (!Array.isArray(list) || !list.every((part) => typeof part === 'string')) return undefined;
  return { headers: list, body: text.slice(text.indexOf('\n') + 1) };
}

const NONE: ChargeNotes = {};

/** Costs a look at one character where there are none. */
export function notesOf(text: string): ChargeNotes {
  if (!text.startsWith('{')) return NONE;
  const head = headOf(text);
  return isNoted(head) ? head.notes : NONE;
}

/** The same request with these notes in place of what it had. */
export function withNotes(text: string, notes: ChargeNotes): string {
  const request = readOpenRequest(text);
  if (!request) return `${JSON.stringify({ notes })}\n`;
  return `${JSON.stringify({ headers: request.headers, notes })}\n${request.body}`;
}

interface Noted {
  readonly headers?: unknown;
  readonly notes: ChargeNotes;
}

function isNoted(head: unknown): head is Noted {
  return typeof head === 'object' && head !== null && 'notes' in head;
}

function headOf(text: string): unknown {
  const line = text.indexOf('\n');
  try {
    return line < 0 ? undefined : JSON.parse(text.slice(0, line));
  } catch {
    return undefined;
  }
}
