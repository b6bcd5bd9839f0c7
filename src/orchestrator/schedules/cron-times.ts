// When a schedule comes due: cron expressions as Spring has them, in the time of a zone. Owns what of them is understood.
// Knows no clock: every question says after which instant.
import { Cron as Pattern } from 'croner';
import { AppError } from '../../model/error.ts';
import { type Cron, cronsOf, type ScheduleTimes } from '../../model/workflow-schedule.ts';

export interface CronTime {
  readonly atMs: number;
  readonly cron: Cron;
}

const MACROS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 0 1 1 *',
  '@annually': '0 0 0 1 1 *',
  '@monthly': '0 0 0 1 * *',
  '@weekly': '0 0 0 * * 0',
  '@daily': '0 0 0 * * *',
  '@midnight': '0 0 0 * * *',
  '@hourly': '0 0 * * * *',
};

const FIELDS = [
  ['second', '0-59'],
  ['minute', '0-59'],
  ['hour', '0-23'],
  ['day of month', '1-31, L for the last, LW, 15W'],
  ['month', '1-12 or JAN-DEC'],
  ['day of week', '0-7 or SUN-SAT, MON#1 for the first, 5L for the last'],
] as const;

const ORDER = FIELDS.map(([field]) => field).join(', ');
/** Everything else that the parser may know is not Spring's; a step needs something to go on from. */
const SPELLING = /^(?!.*(^|,)\/)[\dA-Z*?,\-/#]+$/i;

/** The first of the schedule's instants after this one, within its bounds. Throws AppError invalid_request. */
export function nextTime(schedule: ScheduleTimes, afterMs: number): CronTime | null {
  const { scheduleStartTime = 0, scheduleEndTime = Number.POSITIVE_INFINITY } = schedule;
  const fromMs = Math.max(afterMs, scheduleStartTime - 1);
  let first: CronTime | null = null;
  for (const cron of cronsOf(schedule)) {
    const atMs = patternOf(cron).nextRun(new Date(fromMs))?.getTime();
    if (atMs !== undefined && atMs <= scheduleEndTime && (!first || atMs < first.atMs)) first = { atMs, cron };
  }
  return first;
}

/** Throws AppError invalid_request when a cron is not understood, or never comes. */
export function checkCrons(schedule: ScheduleTimes, nowMs: number): void {
  const { cronSchedules = [] } = schedule;
  cronsOf(schedule).forEach((cron, index) => {
    const path = cronSchedules.length > 0 ? `cronSchedules[${index}].` : '';
    if (!patternOf(cron, path).nextRun(new Date(nowMs))) {
      throw refusal(`${path}cronExpression`, 'never comes: there is no such date', cron.cronExpression);
    }
  });
}

function patternOf({ cronExpression, zoneId }: Cron, path = ''): Pattern {
  if (!isZone(zoneId)) {
    const mend = 'must be the name of a time zone, such as UTC or Europe/Berlin';
    throw refusal(`${path}zoneId`, mend, zoneId);
  }
  const fields = (MACROS[cronExpression.toLowerCase()] ?? cronExpression).trim().split(/\s+/);
  const refuse = (message: string) => refusal(`${path}cronExpression`, message, cronExpression);
  if (fields.length === 5) {
    throw refuse(`has five fields: put the seconds first, as in "0 ${fields.join(' ')}"`);
  }
  if (fields.length !== FIELDS.length) {
    throw refuse(`must have six fields (${ORDER}) or be one of ${Object.keys(MACROS).join(', ')}`);
  }
  const whole = fields.every((field) => SPELLING.test(field)) && parsed(fields, zoneId);
  if (whole) return whole;
  const wrong = fields.findIndex((field, index) => !SPELLING.test(field) || !parsed(alone(field, index), 'UTC'));
  const [name, values] = FIELDS[wrong] ?? [];
  if (name === undefined) throw refuse(`is not understood; its fields are ${ORDER}`);
  const takes = `it takes ${values}, *, lists (,), ranges (-) and steps (/)`;
  throw refuse(`is not understood in field ${wrong + 1} (${name}), "${fields[wrong]}": ${takes}`);
}

function parsed(fields: readonly string[], timezone: string): Pattern | null {
  try {
    // As Spring has it: both kinds of day must fit, and 0/5 goes on from 0.
    return new Pattern(fields.join(' '), { mode: '6-part', timezone, domAndDow: true, sloppyRanges: true });
  } catch {
    return null;
  }
}

function alone(field: string, index: number): string[] {
  return FIELDS.map((_, at) => (at === index ? field : '*'));
}

/** By name: what else passes for a zone differs from one runtime to the next. */
function isZone(zoneId: string): boolean {
  if (!/^[A-Za-z]/.test(zoneId)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zoneId });
    return true;
  } catch {
    return false;
  }
}

/** The message begins with the path: clients look into it for `cron`. */
function refusal(path: string, message: string, invalidValue: string): AppError {
  return new AppError('invalid_request', `${path} ${message}`, [{ path, message, invalidValue }]);
}
