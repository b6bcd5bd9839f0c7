// What a reply says of a rate limit, by the names that clients look for (`RateLimit-*`, `Retry-After`).
import type { RateTaken } from './guard.ts';

/** Lower-case names, as replies have them. */
export function rateLimitHeaders({
  allowed,
  limit,
  remaining,
  resetSeconds,
}: RateTaken): Readonly<Record<string, string>> {
  return {
    'ratelimit-limit': String(limit),
    'ratelimit-remaining': String(remaining),
    'ratelimit-reset': String(resetSeconds),
    ...(allowed ? {} : { 'retry-after': String(resetSeconds) }),
  };
}
