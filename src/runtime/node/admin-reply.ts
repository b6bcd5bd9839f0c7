// Reads an answer of the admin routes for the command line: the body, or the server's own words as an error.
import { z } from 'zod';
import { CliError, NotFoundError } from '../../cli/host.ts';
import type { JsonValue } from '../../model/json.ts';

/** Throws CliError with the server's message when the status is not a success: NotFoundError for 404. */
export function bodyOf(status: number, text: string): JsonValue {
  let body: JsonValue = null;
  try {
    body = text === '' ? null : JSON.parse(text);
  } catch {
    if (status < 400) throw new CliError('The server answered with something other than JSON. Is the URL right?');
  }
  if (status < 400) return body;
  const message = messageOf(body) ?? `The server answered with status ${status}.`;
  throw status === 404 ? new NotFoundError(message) : new CliError(message);
}

/** The two dialects of our errors: `{ message }` and `{ error: { message } }`. */
const errorSchema = z.union([
  z.object({ error: z.object({ message: z.string() }) }).transform(({ error }) => error.message),
  z.object({ message: z.string() }).transform(({ message }) => message),
]);

function messageOf(body: JsonValue): string | undefined {
  return errorSchema.safeParse(body).data;
}
