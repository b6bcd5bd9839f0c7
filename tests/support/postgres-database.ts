// A database of one's own for a test: on the run's one server, which this starts if nobody has yet.
import { inject } from 'vitest';
import type {} from './postgres-setup.ts';

/** The URL of a new, empty database; it goes with the server. */
export async function createTestDatabase(): Promise<string> {
  const response = await fetch(inject('postgresStarter'));
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}
