// The two ways in which a WAIT names its end: a duration, or a wall-clock time with an optional zone. Pure arithmetic.

const DURATION =
  /^\s*(?:(\d+)\s*(?:days?|d)\s*)?(?:(\d+)\s*(?:hours?|hrs?|h)\s*)?(?:(\d+)\s*(?:minutes?|mins?|m)\s*)?(?:(\d+)\s*(?:seconds?|secs?|s)\s*)?$/i;
const UNTIL = /^(\d{4})-(\d{2})-(\d{2})(?: (\d{2}):(\d{2})(?: (\S+))?)?$/;
const OFFSET = /^(?:GMT|UTC)?([+-])(\d{1,2})(?::?(\d{2}))?$/i;

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** A hundred years: beyond it a number of digits is a mistake. */
const DURATION_MAX_MS = 36_525 * DAY_MS;

/** Abbreviations that the zone database does not carry as names of their own. */
const ZONE_NAMES: Readonly<Record<string, string>> = {
  Z: 'UTC',
  PST: 'America/Los_Angeles',
  PDT: 'America/Los_Angeles',
  MST: 'America/Denver',
  MDT: 'America/Denver',
  CST: 'America/Chicago',
  CDT: 'America/Chicago',
  EST: 'America/New_York',
  EDT: 'America/New_York',
  BST: 'Europe/London',
  CET: 'Europe/Paris',
  CEST: 'Europe/Paris',
  EET: 'Europe/Athens',
  EEST: 'Europe/Athens',
  IST: 'Asia/Kolkata',
  JST: 'Asia/Tokyo',
};

/** "1 days 2 hours 3 minutes 4 seconds", "2s": milliseconds, or undefined when it is not a duration. */
export function parseDurationMs(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (!match || text.trim() === '') return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((digits) => Number(digits ?? 0));
  const totalMs = days * DAY_MS + hours * HOUR_MS + minutes * MINUTE_MS + seconds * SECOND_MS;
  return totalMs <= DURATION_MAX_MS ? totalMs : undefined;
}

/** "2030-01-31 09:30", the same with a zone, or "2030-01-31": epoch milliseconds. Without a zone it is UTC. */
export function parseUntilMs(text: string): number | undefined {
  const match = UNTIL.exec(text.trim());
  if (!match) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = match.slice(1, 6).map((digits) => Number(digits ?? 0));
  const utcMs = Date.UTC(year, month - 1, day, hour, minute);
  const asDate = new Date(utcMs);
  const isReal = asDate.getUTCMonth() === month - 1 && asDate.getUTCDate() === day && hour < 24 && minute < 60;
  if (!isReal) return undefined;
  const zone = match[6];
  return zone === undefined ? utcMs : inZone(utcMs, zone);
}

function inZone(wallMs: number, zone: string): number | undefined {
  const offset = OFFSET.exec(zone);
  if (offset) {
    const sizeMs = Number(offset[2]) * HOUR_MS + Number(offset[3] ?? 0) * MINUTE_MS;
    return wallMs - (offset[1] === '-' ? -sizeMs : sizeMs);
  }
  const format = zoneFormat(ZONE_NAMES[zone.toUpperCase()] ?? zone);
  if (!format) return undefined;
  // The zone's offset depends on the instant, and the instant on the offset: the second guess is right.
  const guess = wallMs - offsetMs(format, wallMs);
  return wallMs - offsetMs(format, guess);
}

function zoneFormat(zone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', ...FIELDS });
  } catch {
    return undefined;
  }
}

const FIELDS = {
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
} as const;

function offsetMs(format: Intl.DateTimeFormat, atMs: number): number {
  const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
  const at = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
  const wallMs = Date.UTC(at('year'), at('month') - 1, at('day'), at('hour'), at('minute'), at('second'));
  return wallMs - Math.floor(atMs / SECOND_MS) * SECOND_MS;
}
