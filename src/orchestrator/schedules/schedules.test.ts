// Schedules on a whole orchestrator and a real database. The clock is set forward; `requeue` makes that known to alarms that
// were set before.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../../model/error.ts';
import { Json } from '../../model/json.ts';
import { workflowScheduleSchema } from '../../model/workflow-schedule.ts';
import type { RunHooks } from '../ports.ts';
import { NO_HOOKS, openFixture, register } from '../testing/fixture.ts';
import {
  ANYBODY,
  EVERY_SECOND,
  firingsOf,
  HOUR_MS,
  HOURLY,
  nextMsOf,
  saveSchedule,
  settableClock,
} from '../testing/schedules.ts';
import { STORAGES } from '../testing/storage.ts';

const ONE = { name: 'one', tasks: [{ name: 'a', taskReferenceName: 'a', type: 'SIMPLE' }] };
const CATCH_UP = { runCatchupScheduleInstances: true };

describe.each(STORAGES)('schedules on %s', (_, storage) => {
  let clock: ReturnType<typeof settableClock>;
  let fixture: Awaited<ReturnType<typeof openFixture>>;
  beforeEach(async () => {
    clock = settableClock();
    fixture = await openFixture({ storage, clock });
    await register(fixture.orchestrator, ONE);
  });
  afterEach(() => fixture.close());

  const save = (wire: object = {}) => saveSchedule(fixture.orchestrator, wire);
  const firings = (name?: string) => firingsOf(fixture.store, name);
  const isAhead = async () => ((await nextMsOf(fixture.store)) ?? 0) > clock.now();

  /** Resolves when everything that has come due by then is decided. */
  async function forward(ms: number): Promise<void> {
    clock.forward(ms);
    await fixture.orchestrator.schedules.requeue();
    await expect.poll(isAhead, { timeout: 20_000 }).toBe(true);
  }

  test('fire when their time has come: the run, the record and the next time are there together', async () => {
    const startWorkflowRequest = { name: 'one', input: { a: 1 }, correlationId: 'c', priority: 7 };
    const { nextMs } = await save({ startWorkflowRequest, zoneId: 'Europe/Berlin' });
    await forward(HOUR_MS / 2 + 1);
    const [firing, ...more] = await firings();
    expect(more).toEqual([]);
    expect(firing).toMatchObject({
      scheduleName: 'hourly',
      workflowName: 'one',
      state: 'EXECUTED',
      reason: null,
      scheduledMs: nextMs,
      cron: { cronExpression: HOURLY, zoneId: 'Europe/Berlin' },
    });
    const found = await fixture.store.reads.run(firing?.workflowId ?? '', true);
    expect(found?.run).toMatchObject({ name: 'one', correlationId: 'c', priority: 7, createdBy: 'somebody' });
    expect(found?.tasks).toHaveLength(1);
    expect(found?.run.input.value).toEqual({
      a: 1,
      _startedByScheduler: 'hourly',
      _scheduledTime: nextMs,
      _executedTime: firing?.executedMs,
      _executionId: firing?.id,
      _schedulerCron: `${HOURLY} Europe/Berlin`,
    });
    expect(await nextMsOf(fixture.store)).toBe(nextMs + HOUR_MS);
  });

  test('fire by themselves, one instant after the other', async () => {
    await save({ cronExpression: EVERY_SECOND });
    await expect.poll(() => firings().then(({ length }) => length), { timeout: 20_000 }).toBeGreaterThan(1);
    await fixture.orchestrator.schedules.pause('hourly', null, ANYBODY);
    const times = (await firings()).map(({ scheduledMs }) => scheduledMs);
    expect(times).toEqual(times.map((_, index) => (times[0] ?? 0) + index * 1000));
  });

  test('skip what was missed, and fire the next in time', async () => {
    await save();
    await forward(5 * HOUR_MS);
    expect(await firings()).toEqual([]);
    await forward(HOUR_MS / 2 + 1);
    expect(await firings()).toHaveLength(1);
  });

  test('with catch-up start all that was missed, in order, more than fits into a round', async () => {
    const { nextMs } = await save(CATCH_UP);
    await forward(50 * HOUR_MS);
    const found = await firings();
    expect(found.map(({ scheduledMs }) => scheduledMs)).toEqual(found.map((_, index) => nextMs + index * HOUR_MS));
    expect(new Set(found.map(({ workflowId }) => workflowId)).size).toBe(50);
  });

  test.each([
    [CATCH_UP, 7],
    [{}, 0],
  ])('after a time in which there was no server: %o', async (wire, expected) => {
    await save(wire);
    await fixture.orchestrator.stop();
    clock.forward(7 * HOUR_MS);
    await fixture.reopen();
    await expect.poll(isAhead).toBe(true);
    expect(await firings()).toHaveLength(expected);
    await forward(HOUR_MS / 2 + 1);
    expect(await firings()).toHaveLength(expected + 1);
  });

  test('a start that is refused is recorded, with its reason, and the next is tried all the same', async () => {
    await save({ startWorkflowRequest: { name: 'late' } });
    await forward(HOUR_MS / 2 + 1);
    await register(fixture.orchestrator, { ...ONE, name: 'late' });
    await forward(HOUR_MS);
    expect(await firings()).toMatchObject([
      { state: 'FAILED', workflowId: null, reason: 'No such workflow defined. name=late' },
      { state: 'EXECUTED', reason: null },
    ]);
  });

  test('of an idempotency key fire over runs that are over, and not beside one that goes on', async () => {
    const request = { name: 'one', idempotencyKey: 'alone', idempotencyStrategy: 'FAIL_ON_RUNNING' };
    await save({ ...CATCH_UP, startWorkflowRequest: request });
    await forward(HOUR_MS / 2 + 1);
    await forward(2 * HOUR_MS);
    const [first] = await firings();
    await fixture.orchestrator.terminate(first?.workflowId ?? '', null);
    await forward(HOUR_MS);
    expect((await firings()).map(({ state }) => state)).toEqual(['EXECUTED', 'FAILED', 'FAILED', 'EXECUTED']);
  });

  test('that are paused fire nothing, and what they let pass is not made up for', async () => {
    const { orchestrator, store } = fixture;
    await save(CATCH_UP);
    await orchestrator.schedules.pause('hourly', 'holidays', ANYBODY);
    expect(await store.reads.schedule('hourly')).toMatchObject({
      nextMs: 0,
      schedule: { paused: true, pausedReason: 'holidays' },
    });
    clock.forward(3 * HOUR_MS);
    await orchestrator.schedules.resume('hourly', ANYBODY);
    await forward(HOUR_MS / 2 + 1);
    expect(await firings()).toHaveLength(1);
    expect((await store.reads.schedule('hourly'))?.schedule).not.toHaveProperty('pausedReason');
  });

  test('saved again as they were still owe what they have missed; with other times they begin anew', async () => {
    const { createdMs } = await save(CATCH_UP);
    clock.forward(3 * HOUR_MS);
    const again = await save({ ...CATCH_UP, description: 'the same' });
    expect(again).toMatchObject({ createdMs, schedule: { description: 'the same' } });
    await forward(0);
    expect(await firings()).toHaveLength(3);
    clock.forward(3 * HOUR_MS);
    await save({ ...CATCH_UP, cronExpression: '0 45 * * * *' });
    await forward(0);
    expect(await firings()).toHaveLength(3);
  });

  test('end with their end, and go when they are removed', async () => {
    const { orchestrator, store } = fixture;
    await save({ ...CATCH_UP, scheduleEndTime: clock.now() + 2 * HOUR_MS });
    clock.forward(9 * HOUR_MS);
    await orchestrator.schedules.requeue();
    await expect.poll(() => nextMsOf(store)).toBe(0);
    expect(await firings()).toHaveLength(2);
    await orchestrator.schedules.remove('hourly', ANYBODY);
    expect(await nextMsOf(store)).toBeNull();
    await expect(orchestrator.schedules.resume('hourly', ANYBODY)).rejects.toMatchObject({ code: 'not_found' });
    // As Conductor has it, for scripts that remove before they save.
    await orchestrator.schedules.remove('hourly', ANYBODY);
    expect(await nextMsOf(store)).toBeNull();
  });

  test('are not changed by who may not have their workflow started', async () => {
    const nobody = {
      id: 'nobody',
      allow(name: string) {
        throw new Error(`not ${name}`);
      },
    };
    const before = await save();
    const { schedules } = fixture.orchestrator;
    const given = workflowScheduleSchema.parse({ ...before.schedule, startWorkflowRequest: { name: 'other' } });
    const refused = { ...nobody, allow: (name: string) => expect(name).toBe('other') };
    await expect(schedules.save(given, refused)).rejects.toThrow();
    expect(await fixture.store.reads.schedule('hourly')).toEqual(before);
  });
});

test('what issues a run its keys hears of runs that a schedule starts, and may refuse them', async () => {
  const started: string[] = [];
  const clock = settableClock();
  const hooks: RunHooks = {
    ...NO_HOOKS,
    started: ({ input }) => {
      if (started.push(String(input.object._startedByScheduler)) > 1) {
        throw new AppError('invalid_request', 'The cap does not resolve.');
      }
    },
  };
  const fixture = await openFixture({ hooks, clock });
  await register(fixture.orchestrator, ONE);
  await saveSchedule(fixture.orchestrator, CATCH_UP);
  clock.forward(2 * HOUR_MS);
  await fixture.orchestrator.schedules.requeue();
  await expect
    .poll(() => firingsOf(fixture.store))
    .toMatchObject([{ state: 'EXECUTED' }, { state: 'FAILED', workflowId: null, reason: 'The cap does not resolve.' }]);
  expect(started).toEqual(['hourly', 'hourly']);
  await fixture.close();
});

test('a schedule with a vault key in it is refused: the key would be kept in clear', async () => {
  const conceal = (document: Json) => Json.text(document.text.replace('vk_live', 'hidden'));
  const hooks = { ...NO_HOOKS, conceal: (json: Json) => (json.text.includes('vk_live') ? conceal(json) : json) };
  const fixture = await openFixture({ hooks });
  const saved = (input: object) => saveSchedule(fixture.orchestrator, { startWorkflowRequest: { name: 'one', input } });
  await expect(saved({ key: 'vk_live' })).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(saved({ key: 'none' })).resolves.toBeDefined();
  await fixture.close();
});
