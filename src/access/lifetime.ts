// How long something holds, as people write it: "90d", "1y", "never", or a date. Must never read a clock.
import { AppError } from '../model/error.ts';

const SECOND_MS = 1000;
const DAY_MS = 86_400_000;

const UNITS_MS: Readonly<Record<string, number>> = {
  s: SECOND_MS,
  min: 60 * SECOND_MS,
  h: 3600 * SECOND_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
  m: 30 * DAY_MS,
  y: 365 * DAY_MS,
};

/** The far end of what a JavaScript date can print. */
const LATEST_MS = 253_402_300_799_000;

/**
 * Reads `<n>s|min|h|d|w|m|y` (m: 30 days, y: 365), `never` or an ISO date. Returns epoch ms, 0 for never.
 * Throws AppError invalid_request for anything else, and for an instant that has passed.
 */
export function parseExpiry(text: string, now: number): number {
  const trimmed = text.trim();
  if (trimmed === 'never') return 0;
  const lengthMs = lengthOf(trimmed);
  const instant = lengthMs === undefined ? isoInstant(trimmed) : now + lengthMs;
  if (instant === undefined || instant > LATEST_MS) {
    throw new AppError(
      'invalid_request',
      `Invalid expiration format: ${text}. Use format like "30d", "90d", "1y", an ISO date, or "never".`,
      [{ path: 'expires', message: 'must be like 90d, an ISO date, or never', invalidValue: text }],
    );
  }
  if (instant <= now) {
    throw new AppError('invalid_request', `The expiration ${text} has passed already.`, [
      { path: 'expires', message: 'must be in the future', invalidValue: text },
    ]);
  }
  return instant;
}

/** Reads a length such as "24h" or "15min" into ms; 0 for "0". Months are refused: "15m" is too easily meant as minutes. */
export function parseOverlap(text: string): number {
  const trimmed = text.trim();
  if (trimmed === '0') return 0;
  const lengthMs = trimmed.endsWith('m') ? undefined : lengthOf(trimmed);
  if (lengthMs === undefined || lengthMs > 365 * DAY_MS) {
    throw new AppError('invalid_request', `Invalid overlap: ${text}. Use "15min", "24h" or "7d", at most 365d.`, [
      { path: 'overlap', message: 'must be like 15min, 24h or 7d', invalidValue: text },
    ]);
  }
  return lengthMs;
}

function lengthOf(text: string): number | undefined {
  const match = /^(\d{1,6})(s|min|h|d|w|m|y)$/.exec(text);
  const unitMs = UNITS_MS[match?.[2] ?? ''];
  return match && unitMs !== undefined ? Number(match[1]) * unitMs : undefined;
}

function isoInstant(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2})?)?$/.test(text)) return undefined;
  const instant = Date.parse(text);
  return Number.isNaN(instant) ? undefined : instant;
}
