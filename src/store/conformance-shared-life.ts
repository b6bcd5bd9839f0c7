// Shared conformance: what processes tell each other, and what one that died leaves behind.
import { expect, it } from 'vitest';
import { Json } from '../model/json.ts';
import { commit, fresh, sampleRun, sampleTask } from './conformance-samples.ts';
import { sharedOf, type TwoStores } from './conformance-two-stores.ts';
import type { Store } from './port.ts';

export function signsOfLife(both: () => TwoStores): void {
  it('announced queues reach the other opener, and not the one that announces', async () => {
    const { first, second } = both();
    const heard: (readonly string[] | null)[] = [];
    const [mine, yours] = [`queue-${fresh()}`, `queue-${fresh()}`];
    const atFirst = hears(first, yours);
    const atSecond = hears(second, mine);
    sharedOf(first).onReady((keys) => heard.push(keys));
    sharedOf(first).announce([mine]);
    await atSecond;
    sharedOf(second).announce([yours]);
    await atFirst;
    expect(heard).toEqual([[yours]]);
  });

  it('more queues than a note can name are announced as any', async () => {
    const { first, second } = both();
    const heard = new Promise<readonly string[] | null>((resolve) => sharedOf(second).onReady(resolve));
    sharedOf(first).announce(Array.from({ length: 201 }, (_, index) => `queue-${index}`));
    expect(await heard).toBeNull();
    const again = hears(second, null);
    sharedOf(first).announce(['é'.repeat(4000)]);
    await again;
  });

  it('signals are kept until a round removes them, the oldest first', async () => {
    const { first, second } = both();
    const signal = (createdMs: number) => ({
      rowId: first.newRowId('signal'),
      runRowId: 1,
      createdMs,
      document: Json.text('{"kind":"x"}'),
    });
    const [late, early] = [signal(20), signal(10)];
    await commit(first, { signals: [late, early] });
    const found = async (beforeMs: number, limit: number) =>
      (await sharedOf(second).signals(beforeMs, limit)).map(({ rowId, document }) => [rowId, document.text]);
    expect(await found(100, 10)).toEqual([
      [early.rowId, '{"kind":"x"}'],
      [late.rowId, '{"kind":"x"}'],
    ]);
    expect(await found(20, 10)).toEqual([[early.rowId, '{"kind":"x"}']]);
    await commit(second, { removedSignals: [early.rowId] });
    expect(await found(100, 1)).toEqual([[late.rowId, '{"kind":"x"}']]);
    await commit(second, { removedSignals: [late.rowId] });
  });

  it('overdue timers of open runs and tasks are found, the oldest first', async () => {
    const { first, second } = both();
    const run = sampleRun({ dueMs: 5 });
    const [due, over] = [sampleTask(run, { dueMs: 3 }), sampleTask(run, { dueMs: 3, status: 'COMPLETED' })];
    const [later, ended] = [sampleTask(run, { dueMs: 9 }), sampleRun({ dueMs: 1, status: 'FAILED' })];
    await commit(first, { newRuns: [run, ended], newTasks: [due, over, later] });
    expect(await sharedOf(second).overdue(8, 10)).toEqual([
      { runRowId: run.rowId, taskRowId: due.rowId },
      { runRowId: run.rowId, taskRowId: 0 },
    ]);
    expect(await sharedOf(second).overdue(8, 1)).toHaveLength(1);
    await commit(first, { changedRuns: [{ ...run, dueMs: 0 }], changedTasks: [{ ...due, dueMs: 0 }] });
    expect(await sharedOf(second).overdue(8, 10)).toEqual([]);
  });

  it('tasks at servers that have fallen silent are orphans', async () => {
    const { first, second } = both();
    const run = sampleRun();
    const at = (workerId: string) => sampleTask(run, { status: 'IN_PROGRESS', workerId });
    const [alive, dead, worker] = [at('server:alive'), at('server:dead'), at('worker-1')];
    await commit(first, { newRuns: [run], newTasks: [alive, dead, worker] });
    await sharedOf(first).heartbeat('alive');
    const orphans = async (silentMs: number) =>
      (await sharedOf(second).orphans(silentMs, 10)).map(({ taskRowId, workerId }) => [taskRowId, workerId]);
    expect(await orphans(60_000)).toEqual([[dead.rowId, 'server:dead']]);
    expect(await orphans(-60_000)).toHaveLength(2);
    await sharedOf(second).heartbeat('dead');
    expect(await orphans(60_000)).toEqual([]);
  });
}

/** Resolves when the store is told of the queue; null: of any. */
function hears(store: Store, key: string | null): Promise<void> {
  return new Promise((resolve) => {
    sharedOf(store).onReady((keys) => {
      if (keys === null ? key === null : key !== null && keys.includes(key)) resolve();
    });
  });
}
