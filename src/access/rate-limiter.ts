// Rate limits of one process, in memory: one number per bucket and window. Bounded: however many callers there are, the
// oldest buckets go first.
import type { Clock } from '../orchestrator/ports.ts';
import type { RateLimiter, RateTaken } from './guard.ts';

/** Some 10 MB at the most. */
const BUCKETS_MAX = 100_000;

export interface Window {
  readonly startMs: number;
  readonly endMs: number;
  readonly resetSeconds: number;
}

/** The window that holds `now`, aligned to the clock: the same for everybody who counts. */
export function windowAt(now: number, windowSeconds: number): Window {
  const lengthMs = Math.max(1, Math.floor(windowSeconds * 1000));
  const startMs = Math.floor(now / lengthMs) * lengthMs;
  const endMs = startMs + lengthMs;
  return { startMs, endMs, resetSeconds: Math.max(1, Math.ceil((endMs - now) / 1000)) };
}

/** `count`: how many were taken in the window, this one included. */
export function taken(count: number, limit: number, { resetSeconds }: Window): RateTaken {
  return { allowed: count <= limit, limit, remaining: Math.max(0, limit - count), resetSeconds };
}

export function createRateLimiter(clock: Clock, bucketsMax = BUCKETS_MAX): RateLimiter {
  const counts = new Map<string, { readonly startMs: number; count: number }>();
  return {
    async take(bucket, limit, windowSeconds) {
      const window = windowAt(clock.now(), windowSeconds);
      const held = counts.get(bucket);
      if (held && held.startMs === window.startMs) {
        held.count += 1;
        return taken(held.count, limit, window);
      }
      // Put at the end anew, so that what is oldest by age is first in line.
      counts.delete(bucket);
      if (counts.size >= bucketsMax) dropOldest(counts);
      counts.set(bucket, { startMs: window.startMs, count: 1 });
      return taken(1, limit, window);
    },
  };
}

function dropOldest(counts: Map<string, unknown>): void {
  for (const bucket of counts.keys()) {
    counts.delete(bucket);
    return;
  }
}
