// Headers that several parts add to: Vary is a list, and nobody may drop another's name from it.
import { type Reply, withHeaders } from '../http/route.ts';

export function vary(reply: Reply, names: readonly string[]): Reply {
  if (names.length === 0) return reply;
  const present = (reply.headers?.vary ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const known = new Set(present.map((name) => name.toLowerCase()));
  const added = names.filter((name) => !known.has(name.toLowerCase()));
  return withHeaders(reply, { vary: [...present, ...added].join(', ') });
}
