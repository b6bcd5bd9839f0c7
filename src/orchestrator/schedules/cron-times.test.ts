import { describe, expect, it } from 'vitest';
import { workflowScheduleSchema } from '../../model/workflow-schedule.ts';
import { checkCrons, nextTime } from './cron-times.ts';

const schedule = (over: object) =>
  workflowScheduleSchema.parse({ name: 's', startWorkflowRequest: { name: 'w' }, ...over });

/** The first instants after this one, each asked for by the one before. */
function times(over: object, from: string, count = 4): string[] {
  const found: string[] = [];
  let atMs = Date.parse(from);
  while (found.length < count) {
    const next = nextTime(schedule(over), atMs);
    if (!next) break;
    ({ atMs } = next);
    found.push(new Date(atMs).toISOString().replace('.000Z', 'Z'));
  }
  return found;
}

const cron = (cronExpression: string, zoneId?: string) => ({ cronExpression, zoneId });

describe('the times of a schedule', () => {
  it.each([
    ['0 0 9 * * *', ['2026-01-01T09:00:00Z', '2026-01-02T09:00:00Z']],
    ['0 0/20 9 * * *', ['2026-01-01T09:00:00Z', '2026-01-01T09:20:00Z']],
    ['*/30 59 23 31 12 *', ['2026-12-31T23:59:00Z', '2026-12-31T23:59:30Z']],
    ['0 0 9 ? * MON-FRI', ['2026-01-01T09:00:00Z', '2026-01-02T09:00:00Z', '2026-01-05T09:00:00Z']],
    ['0 0 0 L * ?', ['2026-01-31T00:00:00Z', '2026-02-28T00:00:00Z']],
    ['0 0 0 ? * MON#2', ['2026-01-12T00:00:00Z', '2026-02-09T00:00:00Z']],
    ['0 0 0 * * 7', ['2026-01-04T00:00:00Z']],
    ['@daily', ['2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z']],
    ['@Hourly', ['2026-01-01T01:00:00Z']],
  ])('of %s', (expression, expected) => {
    expect(times(cron(expression), '2026-01-01T00:00:00Z', expected.length)).toEqual(expected);
  });

  it('ask both kinds of day to fit, as Spring does', () => {
    expect(times(cron('0 0 0 13 * FRI'), '2026-01-01T00:00:00Z', 3)).toEqual([
      '2026-02-13T00:00:00Z',
      '2026-03-13T00:00:00Z',
      '2026-11-13T00:00:00Z',
    ]);
  });

  it('come after the instant asked about, to the millisecond', () => {
    const noon = cron('0 0 12 * * *');
    expect(times(noon, '2026-01-01T11:59:59.999Z', 1)).toEqual(['2026-01-01T12:00:00Z']);
    expect(times(noon, '2026-01-01T12:00:00.000Z', 1)).toEqual(['2026-01-02T12:00:00Z']);
  });

  it('keep the hour of their zone when its clocks change, and lose no day to a gap', () => {
    expect(times(cron('0 0 9 * * *', 'Europe/Berlin'), '2026-03-28T00:00:00Z', 2)).toEqual([
      '2026-03-28T08:00:00Z',
      '2026-03-29T07:00:00Z',
    ]);
    expect(times(cron('0 30 2 * * *', 'Europe/Berlin'), '2026-03-28T00:00:00Z', 3)).toEqual([
      '2026-03-28T01:30:00Z',
      '2026-03-29T01:00:00Z',
      '2026-03-30T00:30:00Z',
    ]);
  });

  it('come once on a day when their hour comes twice, unless they come all the time', () => {
    expect(times(cron('0 30 2 * * *', 'Europe/Berlin'), '2026-10-24T12:00:00Z', 2)).toEqual([
      '2026-10-25T00:30:00Z',
      '2026-10-26T01:30:00Z',
    ]);
    expect(times(cron('0 0 * * * *', 'Europe/Berlin'), '2026-10-24T23:30:00Z', 3)).toEqual([
      '2026-10-25T00:00:00Z',
      '2026-10-25T01:00:00Z',
      '2026-10-25T02:00:00Z',
    ]);
  });

  it('of several crons are theirs in order, each in its zone, and one where two meet', () => {
    const cronSchedules = [cron('0 0 9 * * *', 'Europe/Berlin'), cron('0 0 8,10 * * *'), cron('0 0 12 * * *', 'UTC')];
    const several = { ...cron('0 0 1 * * *'), cronSchedules };
    expect(times(several, '2026-01-01T00:00:00Z', 4)).toEqual([
      '2026-01-01T08:00:00Z',
      '2026-01-01T10:00:00Z',
      '2026-01-01T12:00:00Z',
      '2026-01-02T08:00:00Z',
    ]);
    expect(nextTime(schedule(several), Date.parse('2026-01-01T00:00:00Z'))?.cron.zoneId).toBe('Europe/Berlin');
  });

  it('lie between its start and its end, both of which may be one', () => {
    const bounded = {
      ...cron('0 0 * * * *'),
      scheduleStartTime: Date.parse('2026-01-01T03:00:00Z'),
      scheduleEndTime: Date.parse('2026-01-01T05:00:00Z'),
    };
    expect(times(bounded, '2026-01-01T00:00:00Z')).toEqual([3, 4, 5].map((hour) => `2026-01-01T0${hour}:00:00Z`));
  });
});

describe('a cron that is not understood', () => {
  const refusal = (over: object) => {
    try {
      checkCrons(schedule(over), 0);
    } catch (error) {
      return error;
    }
    return null;
  };

  it.each([
    ['0 9 * * *', /^cronExpression has five fields: put the seconds first, as in "0 0 9 \* \* \*"$/],
    ['0 0 9', /must have six fields \(second, minute, .*@daily/],
    ['0 61 9 * * *', /field 2 \(minute\), "61": it takes 0-59/],
    ['0 0 9 * FOO *', /field 5 \(month\), "FOO": it takes 1-12 or JAN-DEC/],
    ['0 0 17-9 * * *', /field 3 \(hour\), "17-9"/],
    ['0 /5 * * * *', /field 2 \(minute\), "\/5"/],
    ['0 0 0 +1 * *', /field 4 \(day of month\), "\+1"/],
    ['0 0 0 30 2 *', /never comes: there is no such date/],
    ['@never', /must have six fields/],
  ])('%s: says what is wrong, and where', (expression, message) => {
    expect(refusal(cron(expression))).toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(message),
      fields: [{ path: 'cronExpression', invalidValue: expression }],
    });
  });

  it('names the place in a list, and the zone that nobody knows', () => {
    const cronSchedules = [cron('0 0 9 * * *'), cron('0 0 9 * * *', 'Mars/Olympus')];
    expect(refusal({ cronSchedules })).toMatchObject({
      fields: [{ path: 'cronSchedules[1].zoneId', invalidValue: 'Mars/Olympus' }],
    });
    expect(refusal(cron('0 0 9 * * *', '+02:00'))).toMatchObject({ fields: [{ path: 'zoneId' }] });
  });
});
