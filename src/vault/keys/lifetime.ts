// How long a vault key lives: `expires_in` (s, m, h, d) and `expires_at` (ISO 8601). Owns the reading and the limit.
const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export const DAY_MS = 86_400_000;
export const LIFETIME_MS_MAX = 30 * DAY_MS;
export const LIFETIME_MS_DEFAULT = DAY_MS;

/** "90s", "30m", "2h", "7d" to milliseconds; undefined when it is not such a text, is 0, or is over 30 days. */
export function parseLifetime(text: string): number | undefined {
  const match = /^([0-9]{1,7})\s*([smhd])$/.exec(text.trim());
  if (!match) return undefined;
  const ms = Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? 0);
  return ms > 0 && ms <= LIFETIME_MS_MAX ? ms : undefined;
}

/** An ISO 8601 instant with its offset to epoch ms; undefined otherwise. */
export function parseInstant(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)$/.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
