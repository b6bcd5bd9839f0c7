// Says that a request goes out without the address rules: each origin once, or logs would be full of it. Must never keep
// more than so many origins: with the rules lifted, callers may choose them.
import type { Bypass } from './egress.ts';

const REMEMBERED_MAX = 1_000;

/** `tell` hears of each origin and door once; of all again when there were too many to remember. */
export function oncePerOrigin(tell: (bypass: Bypass) => void): (bypass: Bypass) => void {
  const told = new Set<string>();
  return (bypass) => {
    const key = `${bypass.reason} ${bypass.origin}`;
    if (told.has(key)) return;
    if (told.size >= REMEMBERED_MAX) told.clear();
    told.add(key);
    tell(bypass);
  };
}

/** For code that has no log of a server's. */
export const warnOfBypass = oncePerOrigin(({ origin, reason }) => {
  console.warn(`SSRF protection lifted for ${origin} (${reason})`);
});
