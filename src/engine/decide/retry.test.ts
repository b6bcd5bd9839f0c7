import { describe, expect, test } from 'vitest';
import { taskDefinitionSchema } from '../../model/task-definition.ts';
import { Harness, START_MS } from '../testing/harness.ts';
import { retryDelayMs } from './retry.ts';

const rules = (more: object) => taskDefinitionSchema.parse({ name: 'work', ...more });
const delays = (more: object, count: number, random = 0) =>
  Array.from({ length: count }, (_, attempt) => retryDelayMs(rules(more), attempt, random) / 1000);

describe('delays', () => {
  test('FIXED is always the same', () => expect(delays({ retryDelaySeconds: 7 }, 3)).toEqual([7, 7, 7]));

  test('LINEAR_BACKOFF grows by delay times scale', () => {
    expect(delays({ retryLogic: 'LINEAR_BACKOFF', retryDelaySeconds: 5, backoffScaleFactor: 3 }, 3)).toEqual([
      15, 30, 45,
    ]);
  });

  test('EXPONENTIAL_BACKOFF doubles, and does not know the scale', () => {
    expect(delays({ retryLogic: 'EXPONENTIAL_BACKOFF', retryDelaySeconds: 3, backoffScaleFactor: 9 }, 4)).toEqual([
      3, 6, 12, 24,
    ]);
  });

  test('an overflow stops at 2^31-1 seconds', () => {
    const endless = rules({ retryLogic: 'EXPONENTIAL_BACKOFF', retryDelaySeconds: 60 });
    expect(retryDelayMs(endless, 5_000, 0)).toBe((2 ** 31 - 1) * 1000);
  });

  test('maxRetryDelaySeconds caps it, jitter comes on top', () => {
    const capped = { retryLogic: 'EXPONENTIAL_BACKOFF', retryDelaySeconds: 60, maxRetryDelaySeconds: 100 };
    expect(delays(capped, 4)).toEqual([60, 100, 100, 100]);
    expect(retryDelayMs(rules({ ...capped, backoffJitterMs: 500 }), 3, 0.9999)).toBe(100_500);
    expect(retryDelayMs(rules({ ...capped, backoffJitterMs: 500 }), 3, 0)).toBe(100_000);
  });
});

const ONE = {
  tasks: [{ name: 'work', taskReferenceName: 't', inputParameters: { tries: '${workflow.variables.tries}' } }],
};
const withRules = (more: object) => ({ taskDefinitions: [{ name: 'work', retryDelaySeconds: 10, ...more }] });

test('K6: retryCount 3 gives four attempts, each under an id of its own, and all are kept', () => {
  const h = new Harness(ONE, withRules({ retryCount: 3 })).start();
  for (let attempt = 0; attempt < 4; attempt += 1) {
    expect(h.task('t')).toMatchObject({ attempt, status: 'SCHEDULED', seq: attempt + 1 });
    h.fail('t', `broken ${attempt}`);
    h.advance(10_000);
  }
  const tasks = h.tasks();
  expect(tasks).toHaveLength(4);
  expect(new Set(tasks.map(({ id }) => id)).size).toBe(4);
  expect(tasks.map(({ retriedTaskId }) => retriedTaskId)).toEqual([null, ...tasks.slice(0, 3).map(({ id }) => id)]);
  expect(tasks.map(({ retried, executed, status }) => [retried, executed, status])).toEqual([
    [true, true, 'FAILED'],
    [true, true, 'FAILED'],
    [true, true, 'FAILED'],
    [false, false, 'FAILED'],
  ]);
  expect(h.run).toMatchObject({
    status: 'FAILED',
    reason: `Task ${tasks[3]?.id} failed with status: FAILED and reason: 'broken 3'`,
    failedRefs: ['t'],
    failedNames: ['work'],
  });
});

test('the next attempt is not handed out before its delay, and its input is made anew', () => {
  const h = new Harness({ ...ONE, variables: { tries: 1 } }, withRules({ retryCount: 1 })).start();
  h.fail('t');
  expect(h.task('t')).toMatchObject({
    visibleMs: START_MS + 10_000,
    startDelaySeconds: 10,
    output: h.task('t').output,
  });
  expect(h.task('t').output.value).toEqual({});
  expect(h.poll('work')).toBeUndefined();
  h.advance(10_000);
  expect(h.poll('work')?.attempt).toBe(1);
});

test('K12: FAILED_WITH_TERMINAL_ERROR ends retries at once and keeps its reason', () => {
  const h = new Harness(ONE, withRules({ retryCount: 3 })).start();
  h.fail('t', 'Vendor spend cap exhausted', 'FAILED_WITH_TERMINAL_ERROR');
  expect(h.tasks()).toHaveLength(1);
  expect(h.task('t').reason).toBe('Vendor spend cap exhausted');
  expect(h.run.status).toBe('FAILED');
  expect(h.run.reason).toContain("FAILED_WITH_TERMINAL_ERROR and reason: 'Vendor spend cap exhausted'");
});

test('a task that its worker cancels ends the run as TERMINATED', () => {
  const h = new Harness(ONE, withRules({ retryCount: 3 })).start();
  h.fail('t', 'no', 'CANCELED');
  expect(h.run).toMatchObject({ status: 'TERMINATED', failedRefs: ['t'] });
});

test('an optional task that fails for good becomes COMPLETED_WITH_ERRORS and the run goes on', () => {
  const h = new Harness(
    {
      tasks: [
        { ...ONE.tasks[0], optional: true },
        { name: 'work', taskReferenceName: 'u' },
      ],
    },
    withRules({ retryCount: 1 }),
  ).start();
  h.fail('t');
  expect(h.has('u')).toBe(false);
  h.advance(10_000);
  h.fail('t');
  expect(h.task('t').status).toBe('COMPLETED_WITH_ERRORS');
  h.complete('u');
  expect(h.run).toMatchObject({ status: 'COMPLETED', failedRefs: [] });
});

test('a permissive task that fails stays FAILED, the run goes on, and is FAILED at its end', () => {
  const h = new Harness(
    {
      tasks: [
        { ...ONE.tasks[0], permissive: true },
        { name: 'work', taskReferenceName: 'u' },
      ],
    },
    withRules({ retryCount: 0 }),
  ).start();
  h.fail('t', 'first');
  expect(h.run.status).toBe('RUNNING');
  h.complete('u', { done: true });
  expect(h.run).toMatchObject({
    status: 'FAILED',
    reason: `Task ${h.task('t').id} failed with status: FAILED and reason: 'first'`,
    failedRefs: ['t'],
  });
});

test('the reasons of many permissive failures are bounded', () => {
  const tasks = Array.from({ length: 14 }, (_, i) => ({
    name: 'work',
    taskReferenceName: `t${i}`,
    permissive: true,
    retryCount: 0,
  }));
  const h = new Harness({ tasks }).start();
  for (let i = 0; i < 14; i += 1) h.fail(`t${i}`, `r${i}`);
  expect(h.run.reason).toMatch(/'r9', and 4 more$/);
  expect(h.run.reason).not.toContain('r10');
  expect(h.run.failedRefs).toHaveLength(14);
});

test('a failure cancels what is open', () => {
  const fork = {
    name: 'f',
    taskReferenceName: 'f',
    type: 'FORK_JOIN',
    forkTasks: [['a'], ['b']].map(([ref]) => [{ name: 'work', taskReferenceName: ref }]),
  };
  const join = { name: 'j', taskReferenceName: 'j', type: 'JOIN', joinOn: ['a', 'b'] };
  const h = new Harness({ tasks: [fork, join] }, withRules({ retryCount: 0 })).start();
  const decision = h.fail('a');
  expect(decision.ended).toBe(true);
  expect(h.statuses()).toMatchObject({ a: 'FAILED', b: 'CANCELED', j: 'CANCELED' });
  expect(h.run).toMatchObject({ status: 'FAILED', openTasks: 0, failedRefs: ['a'] });
});

test('when totalTimeoutSeconds is spent there is no further attempt, optional or not', () => {
  const h = new Harness(
    { tasks: [{ ...ONE.tasks[0], optional: true }] },
    withRules({ retryCount: 9, totalTimeoutSeconds: 25 }),
  ).start();
  h.fail('t');
  h.advance(20_000);
  h.poll('work');
  h.nowMs += 6_000;
  h.update('t', { status: 'FAILED', reason: 'late' });
  const task = h.task('t');
  expect(task.attempt).toBe(1);
  expect(h.run).toMatchObject({
    status: 'FAILED',
    reason: `Task ${task.id}/work exceeded total timeout of 25 seconds (elapsed: 26 seconds). No further retries will be attempted.`,
  });
});
