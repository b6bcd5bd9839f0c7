import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../model/json.ts';
import { Harness, START_MS } from '../testing/harness.ts';
import { parseDurationMs, parseUntilMs } from './wait-time.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test.each<[string, number | undefined]>([
  ['1 days 2 hours 3 minutes 4 seconds', DAY + 2 * HOUR + 3 * MINUTE + 4 * SECOND],
  ['2s', 2 * SECOND],
  ['1d2h3m4s', DAY + 2 * HOUR + 3 * MINUTE + 4 * SECOND],
  ['1 DAY 1 hr 1 MIN 1 sec', DAY + HOUR + MINUTE + SECOND],
  ['3 hrs', 3 * HOUR],
  ['5 mins 10 secs', 5 * MINUTE + 10 * SECOND],
  ['0s', 0],
  ['', undefined],
  ['  ', undefined],
  ['5', undefined],
  ['2s 1m', undefined],
  ['-2s', undefined],
  ['1 week', undefined],
  ['999999999999 days', undefined],
])('duration %j is %s', (text, expected) => expect(parseDurationMs(text)).toBe(expected));

test.each<[string, number | undefined]>([
  ['2030-01-31 09:30', Date.UTC(2030, 0, 31, 9, 30)],
  ['2030-01-31', Date.UTC(2030, 0, 31)],
  ['2030-01-31 09:30 GMT', Date.UTC(2030, 0, 31, 9, 30)],
  ['2030-01-31 09:30 GMT+05:30', Date.UTC(2030, 0, 31, 4, 0)],
  ['2030-01-31 09:30 -03:00', Date.UTC(2030, 0, 31, 12, 30)],
  ['2030-01-31 09:30 PST', Date.UTC(2030, 0, 31, 17, 30)],
  ['2030-07-31 09:30 America/Los_Angeles', Date.UTC(2030, 6, 31, 16, 30)],
  ['2030-07-31 09:30 Europe/Berlin', Date.UTC(2030, 6, 31, 7, 30)],
  ['2030-02-30', undefined],
  ['2030-01-31 25:00', undefined],
  ['2030-01-31T09:30', undefined],
  ['2030-01-31 09:30 Nowhere/Land', undefined],
  ['tomorrow', undefined],
])('until %j is %s', (text, expected) => expect(parseUntilMs(text)).toBe(expected));

const wait = (inputParameters: JsonObject, more: object = {}) =>
  new Harness(
    {
      tasks: [
        { name: 'w', taskReferenceName: 'w', type: 'WAIT', inputParameters, ...more },
        { name: 'n', taskReferenceName: 'n' },
      ],
    },
    { input: { d: '5s' } },
  ).start();

describe('WAIT', () => {
  test('is in progress from the start and ends at its instant, not before', () => {
    const h = wait({ duration: '${workflow.input.d}' });
    expect(h.task('w')).toMatchObject({ status: 'IN_PROGRESS', dueMs: START_MS + 5_000, startedMs: START_MS });
    h.advance(4_999);
    h.send({ kind: 'timer', taskRowId: h.task('w').rowId });
    expect(h.task('w').status).toBe('IN_PROGRESS');
    h.advance(1);
    expect(h.task('w')).toMatchObject({ status: 'COMPLETED', endedMs: START_MS + 5_000 });
    expect(h.has('n')).toBe(true);
  });

  test('until the past ends at once', () => expect(wait({ until: '1970-01-01' }).has('n')).toBe(true));

  test('without either it waits for a report', () => {
    const h = wait({});
    expect(h.task('w')).toMatchObject({ status: 'IN_PROGRESS', dueMs: 0 });
    h.update('w', { status: 'IN_PROGRESS', output: { half: true } });
    expect(h.task('w').status).toBe('IN_PROGRESS');
    h.update('w', { output: { approved: true } });
    expect(h.task('w').output.value).toEqual({ approved: true });
    expect(h.has('n')).toBe(true);
  });

  test('a report may end it before its instant', () => {
    const h = wait({ duration: '1 hour' });
    h.update('w', {});
    expect(h.has('n')).toBe(true);
  });

  test.each<[JsonObject, string]>([[{ duration: '${workflow.input.d}', until: '${workflow.input.d}' }, '']])(
    'refuses both at registration',
    (inputParameters) => expect(() => wait(inputParameters)).toThrow(/Please provide only one input/),
  );

  test('a bad time fails it for good', () => {
    expect(wait({ duration: 'soon' }).task('w').status).toBe('FAILED_WITH_TERMINAL_ERROR');
    expect(wait({ until: 'soon' }).task('w').reason).toBe('Invalid/Unsupported Wait Until format.  Provided: soon');
  });

  test('startDelay comes before it', () => {
    const h = wait({ duration: '5s' }, { startDelay: 10 });
    expect(h.task('w')).toMatchObject({ status: 'SCHEDULED', dueMs: START_MS + 10_000 });
    h.advance(14_999);
    expect(h.has('n')).toBe(false);
    h.advance(1);
    expect(h.has('n')).toBe(true);
  });
});

test('HUMAN is open until somebody updates it, and has no timer', () => {
  const h = new Harness({ tasks: [{ name: 'h', taskReferenceName: 'h', type: 'HUMAN' }] }).start();
  expect(h.task('h')).toMatchObject({ status: 'IN_PROGRESS', dueMs: 0 });
  h.advance(10 * DAY);
  h.update('h', {});
  expect(h.run.status).toBe('COMPLETED');
});
