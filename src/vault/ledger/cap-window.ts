// Which charges count against a cap at an instant. Owns the three windows; times are epoch ms, days are UTC.
import type { CapWindow } from '../../model/vault.ts';
import { DAY_MS } from '../keys/lifetime.ts';

/** Charges reserved before this instant no longer count. 0 for a lifetime window. */
export function windowStart(window: CapWindow, now: number): number {
  if (window === 'lifetime') return 0;
  return window === 'utc_day' ? now - (now % DAY_MS) : now - DAY_MS + 1;
}

/** When a fixed window starts anew; null where there is no such instant. */
export function windowReset(window: CapWindow, now: number): number | null {
  return window === 'utc_day' ? now - (now % DAY_MS) + DAY_MS : null;
}
