import { describe, expect, test } from 'vitest';
import { Harness, START_MS } from '../testing/harness.ts';

const ONE = { tasks: [{ name: 'work', taskReferenceName: 't' }] };
const withRules = (more: object) => ({
  taskDefinitions: [{ name: 'work', retryCount: 1, retryDelaySeconds: 10, responseTimeoutSeconds: 3600, ...more }],
});

describe('response timeout', () => {
  test('counts from the last sign of life and is retried whatever the policy', () => {
    const h = new Harness(ONE, withRules({ responseTimeoutSeconds: 30, timeoutPolicy: 'TIME_OUT_WF' })).start();
    expect(h.task('t').dueMs).toBe(0);
    h.poll('work');
    expect(h.task('t').dueMs).toBe(START_MS + 30_000);
    const first = h.task('t');
    h.advance(30_000);
    const late = h.state.tasks.get(first.rowId);
    expect(late).toMatchObject({ status: 'TIMED_OUT', retried: true });
    expect(late?.reason).toMatch(new RegExp(`^responseTimeout: 30 exceeded for the taskId: ${first.id}`));
    expect(h.task('t')).toMatchObject({ attempt: 1, status: 'SCHEDULED' });
  });

  test('a lease extension moves it on', () => {
    const h = new Harness(ONE, withRules({ responseTimeoutSeconds: 30 })).start();
    h.poll('work');
    h.advance(24_000);
    h.update('t', { status: 'IN_PROGRESS', extendLease: true, output: { ignored: true } });
    expect(h.task('t')).toMatchObject({
      status: 'IN_PROGRESS',
      updatedMs: START_MS + 24_000,
      dueMs: START_MS + 54_000,
    });
    expect(h.task('t').output.value).toEqual({});
    h.advance(29_999);
    expect(h.task('t').status).toBe('IN_PROGRESS');
    h.advance(1);
    expect(h.task('t').attempt).toBe(1);
  });

  test('does not run while the task waits in its queue', () => {
    const h = new Harness(ONE, withRules({ responseTimeoutSeconds: 30 })).start();
    h.poll('work');
    h.update('t', { status: 'IN_PROGRESS', callbackAfterSeconds: 500 });
    expect(h.task('t').dueMs).toBe(0);
  });

  test('its exhaustion ends the run as TIMED_OUT', () => {
    const h = new Harness(ONE, withRules({ retryCount: 0, responseTimeoutSeconds: 30 })).start();
    h.poll('work');
    h.advance(30_000);
    expect(h.run.status).toBe('TIMED_OUT');
  });

  test('a timer that fires early or twice does no harm', () => {
    const h = new Harness(ONE, withRules({ responseTimeoutSeconds: 30 })).start();
    h.poll('work');
    const { rowId } = h.task('t');
    for (let i = 0; i < 3; i += 1) {
      expect(h.send({ kind: 'timer', taskRowId: rowId })).toMatchObject({ run: null, inserted: [], updated: [] });
    }
    h.advance(30_000);
    expect(h.send({ kind: 'timer', taskRowId: rowId })).toMatchObject({ run: null, inserted: [], updated: [] });
    expect(h.tasks()).toHaveLength(2);
  });
});

describe('timeoutSeconds', () => {
  const limit = { timeoutSeconds: 40, responseTimeoutSeconds: 40 };

  test('RETRY: a new attempt, however often the lease was extended', () => {
    const h = new Harness(ONE, withRules({ ...limit, timeoutPolicy: 'RETRY' })).start();
    h.poll('work');
    h.advance(39_000);
    h.update('t', { status: 'IN_PROGRESS', extendLease: true });
    h.advance(1_000);
    expect(h.tasks()[0]?.reason).toMatch(/^Task timed out after 40 seconds. Timeout configured as 40 seconds./);
    expect(h.task('t').attempt).toBe(1);
  });

  test('TIME_OUT_WF: the run is TIMED_OUT, retries left or not', () => {
    const h = new Harness(ONE, withRules({ ...limit, timeoutPolicy: 'TIME_OUT_WF' })).start();
    h.poll('work');
    h.advance(40_000);
    expect(h.task('t')).toMatchObject({ status: 'TIMED_OUT', attempt: 0 });
    expect(h.run).toMatchObject({ status: 'TIMED_OUT', failedRefs: ['t'] });
  });

  test('ALERT_ONLY: nothing', () => {
    const h = new Harness(
      ONE,
      withRules({ timeoutSeconds: 40, responseTimeoutSeconds: 40, timeoutPolicy: 'ALERT_ONLY' }),
    ).start();
    h.poll('work');
    h.advance(39_000);
    h.update('t', { status: 'IN_PROGRESS', extendLease: true });
    h.advance(10_000);
    expect(h.task('t').status).toBe('IN_PROGRESS');
  });

  test('does not begin before the first poll', () => {
    const h = new Harness(ONE, withRules({ ...limit, timeoutPolicy: 'TIME_OUT_WF' })).start();
    h.advance(1_000_000);
    expect(h.run.status).toBe('RUNNING');
  });
});

describe('poll timeout', () => {
  test('ends a task that nobody took, by its policy', () => {
    const h = new Harness(ONE, withRules({ pollTimeoutSeconds: 20, timeoutPolicy: 'RETRY', retryCount: 1 })).start();
    h.advance(20_000);
    expect(h.tasks()[0]).toMatchObject({
      status: 'TIMED_OUT',
      reason:
        'Task poll timed out after 20 seconds. Poll timeout configured as 20 seconds. Timeout policy configured to RETRY',
    });
    // The next attempt becomes visible after its delay, and may be polled from then on.
    h.advance(10_000 + 19_999);
    expect(h.task('t')).toMatchObject({ attempt: 1, status: 'SCHEDULED' });
    h.advance(1);
    expect(h.run.status).toBe('TIMED_OUT');
  });

  test('is over when the task is taken, and begins again with a callback', () => {
    const h = new Harness(ONE, withRules({ pollTimeoutSeconds: 20 })).start();
    h.advance(15_000);
    h.poll('work');
    h.advance(100_000);
    h.update('t', { status: 'IN_PROGRESS', callbackAfterSeconds: 5 });
    expect(h.task('t').dueMs).toBe(h.nowMs + 25_000);
  });
});

test('totalTimeoutSeconds counts over all attempts', () => {
  const h = new Harness(ONE, withRules({ retryCount: 5, totalTimeoutSeconds: 45 })).start();
  h.advance(30_000);
  h.fail('t');
  h.advance(10_000);
  h.poll('work');
  expect(h.task('t')).toMatchObject({ attempt: 1, dueMs: START_MS + 45_000 });
  h.advance(5_000);
  expect(h.run.status).toBe('TIMED_OUT');
  expect(h.run.reason).toMatch(/exceeded total timeout of 45 seconds/);
});

describe('workflow timeout', () => {
  const limited = { ...ONE, timeoutSeconds: 60, timeoutPolicy: 'TIME_OUT_WF' };

  test('K8: ends the run, cancels what is open and schedules nothing more', () => {
    const h = new Harness(limited).start();
    expect(h.run.dueMs).toBe(START_MS + 60_000);
    h.advance(60_000);
    expect(h.run).toMatchObject({
      status: 'TIMED_OUT',
      reason:
        'Workflow timed out after 60 seconds. Timeout configured as 60 seconds. Timeout policy configured to TIME_OUT_WF',
      dueMs: 0,
    });
    expect(h.task('t').status).toBe('CANCELED');
  });

  test('K8: a report that comes after it, but before its timer, is kept and leads to nothing', () => {
    const h = new Harness({ ...limited, tasks: [...ONE.tasks, { name: 'work', taskReferenceName: 'u' }] }).start();
    h.poll('work');
    h.nowMs += 60_000;
    h.update('t', { output: { charged: true } });
    expect(h.task('t')).toMatchObject({ status: 'COMPLETED' });
    expect(h.has('u')).toBe(false);
    expect(h.run.status).toBe('TIMED_OUT');
  });

  test('ALERT_ONLY never ends a run', () => {
    const h = new Harness({ ...limited, timeoutPolicy: 'ALERT_ONLY' }).start();
    expect(h.run.dueMs).toBe(0);
    h.advance(600_000);
    expect(h.run.status).toBe('RUNNING');
  });
});
