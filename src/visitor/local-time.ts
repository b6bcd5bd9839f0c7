// Time as a caller's clock shows it: offset, daylight saving, hour, text. Asks the platform's time zone data and keeps
// one formatter per zone. Must never take a zone for granted: a name that the platform does not know is UTC.

const MINUTE_MS = 60_000;
/** There are about 600 names; strangers may spell them in many ways. */
const ZONES_MAX = 1_000;
const ZONE_LENGTH_MAX = 64;
const zones = new Map<string, Intl.DateTimeFormat | null>();

export function isTimeZone(zone: string): boolean {
  return formatterOf(zone) !== null;
}

/** Minutes east of UTC. */
export function offsetMinutes(zone: string, at: number): number {
  const formatter = formatterOf(zone);
  if (formatter === null) return 0;
  const part = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((each) => each.type === type)?.value);
  const parts = formatter.formatToParts(at);
  const shown = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return Math.round((shown - Math.floor(at / 1_000) * 1_000) / MINUTE_MS);
}

/** Whether the clock is ahead of what it shows in the other half of the year. */
export function isDaylightSaving(zone: string, at: number): boolean {
  const year = new Date(at).getUTCFullYear();
  const january = offsetMinutes(zone, Date.UTC(year, 0, 1));
  const july = offsetMinutes(zone, Date.UTC(year, 6, 1));
  return january !== july && offsetMinutes(zone, at) === Math.max(january, july);
}

export function hourOf(zone: string, at: number): number {
  return new Date(at + offsetMinutes(zone, at) * MINUTE_MS).getUTCHours();
}

export function timeText(zone: string, at: Date): string {
  const text = at.toLocaleString('en-US', { timeZone: zone, dateStyle: 'medium', timeStyle: 'short' });
  // Some versions of the locale data put a narrow space before AM and PM, which nobody expects in a text.
  return text.replaceAll('\u202f', ' ');
}

function formatterOf(zone: string): Intl.DateTimeFormat | null {
  if (zone.length > ZONE_LENGTH_MAX) return null;
  const known = zones.get(zone);
  if (known !== undefined) return known;
  if (zones.size >= ZONES_MAX) zones.clear();
  const made = makeFormatter(zone);
  zones.set(zone, made);
  return made;
}

function makeFormatter(timeZone: string): Intl.DateTimeFormat | null {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'iso8601',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return null;
  }
}
