// Conformance: schedules, when they come due, and the record of their firings.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { alarmOf, SCHEDULE_STATES } from '../model/workflow-schedule.ts';
import { anyText, commit, fresh, sampleFiring, sampleSchedule } from './conformance-samples.ts';
import type { Store } from './port.ts';
import type { ScheduleExecutionFilter } from './reads.ts';

const EVER = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
const ANY: ScheduleExecutionFilter = {
  scheduleNames: null,
  names: null,
  runIds: null,
  statuses: SCHEDULE_STATES,
  scheduled: EVER,
  executed: EVER,
  text: null,
};

export function scheduleConformance(store: () => Store): void {
  it('keeps schedules by name, whatever that holds, replaces one that is written again, and removes one', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        const record = sampleSchedule({}, { name: `${fresh()} ${text}`.slice(0, 255), description: text });
        const { name } = record.schedule;
        await commit(store(), { schedules: [record] });
        const moved = { ...record, nextMs: record.nextMs + 1, lastMs: record.nextMs };
        await commit(store(), { firedSchedules: [moved] });
        expect(await store().reads.schedule(name)).toEqual(moved);
        await commit(store(), { removedSchedules: [name] });
        expect(await store().reads.schedule(name)).toBeNull();
      }),
      { numRuns: 30 },
    );
  });

  it('lists schedules by name, and when those that are to fire come due', async () => {
    const first = sampleSchedule();
    const keyed = sampleSchedule({}, { startWorkflowRequest: { name: 'billing', idempotencyKey: 'one at a time' } });
    const paused = sampleSchedule({ nextMs: 0 });
    const all = [first, keyed, paused];
    const names = new Set(all.map(({ schedule }) => schedule.name));
    await commit(store(), { schedules: all.toReversed() });
    const listed = (await store().reads.schedules()).map(({ schedule }) => schedule.name);
    expect(listed).toEqual([...listed].sort());
    expect(listed.filter((name) => names.has(name))).toHaveLength(3);
    const alarms = (await store().reads.scheduleAlarms()).filter(({ name }) => names.has(name));
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    expect(alarms.sort(byName)).toEqual([alarmOf(first), alarmOf(keyed)].sort(byName));
  });

  it('loads in a round what is there, and leaves out what is not', async () => {
    const record = sampleSchedule();
    await commit(store(), { schedules: [record] });
    const round = await store().round();
    expect(await round.loadSchedules([record.schedule.name, 'nobody'])).toEqual({ found: [record], busy: [] });
    await round.abandon();
  });

  it('finds firings by what is asked for, newest first or oldest first, a page at a time', async () => {
    const [scheduleName, other, workflowName] = ['s', 't', 'w'].map((name) => `${name}-${fresh()}`);
    const firings = [1, 2, 3, 4, 5].map((n) =>
      sampleFiring({ scheduleName, workflowName, scheduledMs: n, executedMs: n + 10 }),
    );
    const failed = sampleFiring({
      scheduleName: other,
      workflowName,
      workflowId: null,
      state: 'FAILED',
      reason: 'gone',
    });
    await commit(store(), { scheduleExecutions: [...firings, failed] });
    const page = { start: 0, count: 100 };
    const find = (filter: Partial<ScheduleExecutionFilter>, order: 'newest' | 'oldest' = 'newest', at = page) =>
      store().reads.searchScheduleExecutions({ ...ANY, ...filter }, order, at);
    const mine = { scheduleNames: [scheduleName ?? ''] };
    expect(await find(mine)).toEqual({ total: 5, executions: firings.toReversed() });
    expect(await find(mine, 'oldest', { start: 1, count: 2 })).toEqual({ total: 5, executions: firings.slice(1, 3) });
    expect(await find(mine, 'newest', { start: 9, count: 2 })).toEqual({ total: 5, executions: [] });
    const both = { scheduleNames: [scheduleName ?? '', other ?? ''] };
    expect((await find(both)).executions).toEqual([failed, ...firings.toReversed()]);
    expect((await find({ ...both, statuses: ['FAILED'] })).executions).toEqual([failed]);
    expect((await find({ names: [workflowName ?? ''] })).total).toBe(6);
    expect((await find({ names: [] })).total).toBe(0);
    expect((await find({ runIds: [firings[1]?.workflowId ?? ''] })).executions).toEqual([firings[1]]);
    expect((await find({ text: failed.id })).executions).toEqual([failed]);
    expect((await find({ ...mine, scheduled: { fromMs: 2, toMs: 3 } })).total).toBe(2);
    expect((await find({ ...mine, executed: { fromMs: 12, toMs: 12 } })).executions).toEqual([firings[1]]);
  });

  it('removes the oldest firings that have passed the age of runs, a limit at a time', async () => {
    const scheduleName = `aged-${fresh()}`;
    const firings = [3, 1, 2, 500].map((executedMs) => sampleFiring({ scheduleName, executedMs }));
    await commit(store(), { scheduleExecutions: firings });
    const left = async () => {
      const found = await store().reads.searchScheduleExecutions({ ...ANY, scheduleNames: [scheduleName] }, 'oldest', {
        start: 0,
        count: 10,
      });
      return found.executions.map(({ executedMs }) => executedMs);
    };
    const prune = (runsEndedBeforeMs: number, limit: number) =>
      store().prune({ runsEndedBeforeMs, auditBeforeMs: 0 }, limit);
    expect(await prune(0, 10)).toBe(0);
    expect(await prune(4, 2)).toBe(2);
    expect(await left()).toEqual([3, 500]);
    expect(await prune(4, 2)).toBe(1);
    expect(await left()).toEqual([500]);
  });
}
