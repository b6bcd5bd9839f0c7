// Which error body a path without a route gets: that of its nearest neighbours. Only fixed routes count, so that the
// answer tells nothing about a project's triggers.
import type { Dialect, Route } from './route.ts';

/** Routes with the same first two segments decide, then those with the same first one, the earliest of them. */
export function createDialects(routes: readonly Route[], fallback: Dialect): (path: string) => Dialect {
  const byStart = new Map<string, Dialect>();
  for (const { path, dialect } of routes) {
    for (const start of [firstSegments(path, 2), firstSegments(path, 1)]) {
      if (!byStart.has(start)) byStart.set(start, dialect);
    }
  }
  return (path) => byStart.get(firstSegments(path, 2)) ?? byStart.get(firstSegments(path, 1)) ?? fallback;
}

function firstSegments(path: string, count: number): string {
  let end = 0;
  for (let i = 0; i < count; i += 1) {
    const next = path.indexOf('/', end + 1);
    if (next < 0) return path;
    end = next;
  }
  return path.slice(0, end);
}
