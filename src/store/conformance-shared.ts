// What a shared store must do besides: two openers of one database, and what each may rely on while the other works.
// Both are in one process here; nothing in these tests makes use of it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Run, Task } from '../model/run.ts';
import { commit, fresh, sampleRun, sampleTask } from './conformance-samples.ts';
import { sharedCounters } from './conformance-shared-counters.ts';
import { signsOfLife } from './conformance-shared-life.ts';
import { sharedSchedules } from './conformance-shared-schedules.ts';
import { sharedVault } from './conformance-shared-vault.ts';
import { inRound, sharedOf, type TwoStores } from './conformance-two-stores.ts';
import type { LoadedRuns, Round } from './port.ts';
import { emptyBatch } from './write-batch.ts';

export type { TwoStores };

/** `open` gives two stores on one database. */
export function sharedStoreConformance(name: string, open: () => Promise<TwoStores>): void {
  describe(`${name} store, shared`, () => {
    let stores: TwoStores;
    beforeAll(async () => {
      stores = await open();
    });
    afterAll(() => stores.dispose());
    const both = () => stores;
    describe('runs', () => busyRuns(both));
    describe('what changed elsewhere', () => deltas(both));
    describe('starts with a key', () => starts(both));
    describe('ready tasks', () => readyTasks(both));
    describe('limits', () => limits(both));
    describe('stamps', () => stamps(both));
    describe('schedules', () => sharedSchedules(both));
    describe('the vault', () => sharedVault(both));
    describe('signs of life', () => signsOfLife(both));
    describe('counters', () => sharedCounters(both));
  });
}

const load = (round: Round, { rowId }: Run, revision = 0) => round.loadRuns([{ rowId, revision }]);
const ids = ({ changed, busy, gone }: LoadedRuns) => [changed.map(({ run }) => run.rowId), busy, gone];

function busyRuns(both: () => TwoStores): void {
  it('a run that one round holds is busy for every other, until that round ends', async () => {
    const { first, second } = both();
    const [held, free] = [sampleRun(), sampleRun()];
    await commit(first, { newRuns: [held, free] });
    await inRound(second, async (later) => {
      await inRound(first, async (earlier) => {
        await load(earlier, held);
        const wanted = [held, free].map(({ rowId }) => ({ rowId, revision: 0 }));
        expect(ids(await later.loadRuns(wanted))).toEqual([[free.rowId], [held.rowId], []]);
        await earlier.commit({ ...emptyBatch(), changedRuns: [{ ...held, reason: 'changed' }] });
      });
      const { changed } = await load(later, held);
      expect(changed.map(({ run, revision }) => [run.reason, revision])).toEqual([['changed', 2]]);
    });
  });

  it('an unchanged run is locked all the same, and sends nothing', async () => {
    const { first, second } = both();
    const run = sampleRun();
    await commit(first, { newRuns: [run], newTasks: [sampleTask(run)] });
    await inRound(first, async (earlier) => {
      expect(ids(await load(earlier, run, 1))).toEqual([[], [], []]);
      await inRound(second, async (later) => expect(ids(await load(later, run, 1))).toEqual([[], [run.rowId], []]));
    });
  });

  it('a run that nobody has is gone, not busy', async () => {
    await inRound(both().first, async (round) => {
      expect(ids(await round.loadRuns([{ rowId: 987_654_321, revision: 7 }]))).toEqual([[], [], [987_654_321]]);
    });
  });

  it('a run that the round has not locked is not written to, and nothing else of the batch is', async () => {
    const { first } = both();
    const [run, other] = [sampleRun(), sampleRun()];
    await commit(first, { newRuns: [run] });
    for (const rows of [{ changedRuns: [run] }, { newTasks: [sampleTask(run)] }]) {
      const round = await first.round();
      await expect(round.commit({ ...emptyBatch(), newRuns: [other], ...rows })).rejects.toThrow(TypeError);
    }
    expect(await first.reads.runRowId(other.id)).toBeNull();
  });

  it('fresh keys ascend in each opener and are never given twice', () => {
    const { first, second } = both();
    const keys = [first, second].map((store) => Array.from({ length: 1000 }, () => store.newRowId('task')));
    for (const own of keys) expect(own).toEqual([...own].sort((a, b) => a - b));
    expect(new Set(keys.flat()).size).toBe(2000);
  });
}

function deltas(both: () => TwoStores): void {
  it('only the tasks written since are sent, in order of seq', async () => {
    const { first, second } = both();
    const run = sampleRun();
    const tasks = [3, 1, 2].map((seq) => sampleTask(run, { seq }));
    const [third, one] = tasks;
    if (!third || !one) return;
    await commit(first, { newRuns: [run], newTasks: tasks });
    await commit(first, {
      changedRuns: [{ ...run, lastSeq: 4 }],
      changedTasks: [
        { ...third, reason: 'b' },
        { ...one, reason: 'a' },
      ],
      newTasks: [sampleTask(run, { seq: 4 })],
    });
    const { changed } = await inRound(second, (round) => load(round, run, 1));
    const [loaded] = changed;
    expect([changed.length, loaded?.since, loaded?.revision, loaded?.run.lastSeq]).toEqual([1, 1, 2, 4]);
    expect(loaded?.tasks.map(({ seq, reason }) => [seq, reason])).toEqual([
      [1, 'a'],
      [3, 'b'],
      [4, null],
    ]);
    const whole = await inRound(second, (round) => load(round, run));
    expect(whole.changed.map(({ since, tasks: all }) => [since, all.map(({ seq }) => seq)])).toEqual([
      [0, [1, 2, 3, 4]],
    ]);
  });

  it('a task alone raises the revision of its run, once for each commit', async () => {
    const { first, second } = both();
    const run = sampleRun();
    const tasks = [sampleTask(run), sampleTask(run)];
    await commit(first, { newRuns: [run], newTasks: tasks });
    await commit(second, { changedTasks: tasks });
    await commit(first, { newTasks: [sampleTask(run, { seq: 2 })], changedRuns: [run] });
    const { changed } = await inRound(second, (round) => load(round, run, 2));
    expect(changed.map(({ revision, tasks: news }) => [revision, news.length])).toEqual([[3, 1]]);
  });

  it('memory that is ahead of the database is sent everything', async () => {
    const run = sampleRun();
    await commit(both().first, { newRuns: [run], newTasks: [sampleTask(run)] });
    const { changed } = await inRound(both().second, (round) => load(round, run, 99));
    expect(changed.map(({ revision, since, tasks }) => [revision, since, tasks.length])).toEqual([[1, 0, 1]]);
  });
}

function starts(both: () => TwoStores): void {
  it('of two that start with one key at once, the later sees what the earlier started', async () => {
    const { first, second } = both();
    const key = { name: 'billing', key: `once-${fresh()} \0` };
    const run = sampleRun({ idempotencyKey: key.key });
    await inRound(first, async (earlier) => {
      expect(await earlier.startedWith([key])).toEqual([null]);
      await inRound(second, async (later) => {
        const waiting = later.startedWith([key]);
        await earlier.commit({ ...emptyBatch(), newRuns: [run] });
        expect(await waiting).toEqual([{ id: run.id, status: 'RUNNING' }]);
      });
    });
  });

  it('the newest run of each key is found, in the order asked for', async () => {
    const [key, other] = [`once-${fresh()}`, `once-${fresh()}`];
    const older = sampleRun({ idempotencyKey: key, createdMs: 1 });
    const newer = sampleRun({ idempotencyKey: key, createdMs: 2, status: 'COMPLETED' });
    await commit(both().first, { newRuns: [newer, older] });
    const wanted = [other, key].map((text) => ({ name: 'billing', key: text }));
    const found = await inRound(both().second, (round) => round.startedWith([...wanted, { name: 'x', key }]));
    expect(found).toEqual([null, { id: newer.id, status: 'COMPLETED' }, null]);
  });
}

function readyTasks(both: () => TwoStores): void {
  const queueOf = (task: Task) => ({ key: task.queue ?? '', count: 10 });
  const found = (wanted: readonly { key: string; count: number }[], now: number) =>
    inRound(both().second, async (_, shared) =>
      (await shared.readyTasks(wanted, now)).map(({ key, taskRowId }) => [key, taskRowId]),
    );

  it('come by priority, then in the order they became ready, no more than asked for', async () => {
    const [queue, other] = [`queue-${fresh()}`, `queue-${fresh()}`];
    const [plain, urgent] = [sampleRun(), sampleRun({ priority: 9 })];
    const late = sampleTask(plain, { queue, scheduledMs: 20 });
    const early = sampleTask(plain, { queue, scheduledMs: 10 });
    const first = sampleTask(urgent, { queue, scheduledMs: 30 });
    const elsewhere = sampleTask(plain, { queue: other, scheduledMs: 10 });
    await commit(both().first, { newRuns: [plain, urgent], newTasks: [late, early, elsewhere] });
    await commit(both().first, { newTasks: [first] });
    const key = (count: number) => ({ key: queue, count });
    expect(await found([queueOf(elsewhere), key(10)], 100)).toEqual([
      [other, elsewhere.rowId],
      [queue, first.rowId],
      [queue, early.rowId],
      [queue, late.rowId],
    ]);
    expect(await found([key(2)], 100)).toEqual([
      [queue, first.rowId],
      [queue, early.rowId],
    ]);
  });

  it('are those that are scheduled and visible, each in its domain', async () => {
    const queue = `queue-${fresh()}`;
    const run = sampleRun();
    const delayed = sampleTask(run, { queue, scheduledMs: 1, visibleMs: 50 });
    const taken = sampleTask(run, { queue, scheduledMs: 1, status: 'IN_PROGRESS' });
    const abroad = sampleTask(run, { queue, scheduledMs: 1, domain: 'eu' });
    await commit(both().first, { newRuns: [run], newTasks: [delayed, taken, abroad] });
    expect(await found([queueOf(delayed)], 49)).toEqual([]);
    expect(await found([queueOf(delayed)], 50)).toEqual([[queue, delayed.rowId]]);
    expect(await found([{ key: `eu:${queue}`, count: 1 }], 50)).toEqual([[`eu:${queue}`, abroad.rowId]]);
    const sizes = await sharedOf(both().second).readySizes(50);
    expect([sizes[queue], sizes[`eu:${queue}`]]).toEqual([1, 1]);
    await commit(both().first, { changedTasks: [{ ...delayed, status: 'IN_PROGRESS' }] });
    expect(await found([queueOf(delayed)], 50)).toEqual([]);
    expect((await sharedOf(both().second).readySizes(50))[queue]).toBeUndefined();
  });

  it('may be of a queue whose name is as long as a caller likes', async () => {
    const queue = Array.from({ length: 5000 }, (_, index) => String.fromCodePoint(0x4e00 + ((index * 7919) % 20_000)));
    const run = sampleRun({ correlationId: queue.join('') });
    const task = sampleTask(run, { queue: queue.join(''), defName: queue.join(''), scheduledMs: 1 });
    await commit(both().first, { newRuns: [run], newTasks: [task] });
    expect(await found([queueOf(task)], 50)).toEqual([[task.queue, task.rowId]]);
    expect(await both().second.reads.correlated('billing', [queue.join('')], false)).toHaveLength(1);
  });
}

function limits(both: () => TwoStores): void {
  it('held by another round are left out, the others come with what is in progress', async () => {
    const { first, second } = both();
    const [held, free] = [`type-${fresh()}`, `type-${fresh()}`];
    const run = sampleRun();
    const at = (status: Task['status']) => sampleTask(run, { defName: free, status });
    await commit(first, {
      newRuns: [run],
      newTasks: [at('IN_PROGRESS'), at('IN_PROGRESS'), at('SCHEDULED'), at('COMPLETED')],
    });
    const make = await first.round();
    await make.shared?.lockLimits([held, free]);
    await make.commit({ ...emptyBatch(), taskLimits: [{ defName: free, inProgress: 0, handedOutMs: [5, 7] }] });
    await inRound(first, async (_, earlier) => {
      expect(await earlier.lockLimits([held])).toEqual([{ defName: held, inProgress: 0, handedOutMs: [] }]);
      await inRound(second, async (_round, later) => {
        expect(await later.lockLimits([held, free])).toEqual([{ defName: free, inProgress: 2, handedOutMs: [5, 7] }]);
      });
    });
  });
}

function stamps(both: () => TwoStores): void {
  it('are raised by each write of their kind, and by nothing else', async () => {
    const { first, second } = both();
    const before = await sharedOf(second).stamps();
    const apiKey = { id: `key_${fresh()}`, name: 'n', hash: 'h', permissions: [], createdMs: 1, expiresMs: 0 };
    await commit(first, { apiKeys: [{ ...apiKey, revokedMs: 0, rotatedFrom: null }] });
    await commit(first, { removedVendorSecrets: ['none'] });
    await commit(first, { removedTaskDefinitions: ['none'], removedDefinitions: [{ name: 'none', version: 1 }] });
    await commit(first, { removedSchedules: ['none'] });
    await commit(first, { newRuns: [sampleRun()] });
    const raised = Object.fromEntries(Object.entries(before).map(([kind, count]) => [kind, count + 1]));
    expect(await sharedOf(second).stamps()).toEqual(raised);
    expect(await inRound(second, async (_, shared) => shared.stamps())).toEqual(raised);
  });

  it('are locked by one round at a time, and the next sees what it wrote', async () => {
    const { first, second } = both();
    const earlier = await first.round();
    const before = await earlier.shared?.lockStamps();
    await inRound(second, async (_, later) => {
      const waiting = later.lockStamps();
      await earlier.commit({ ...emptyBatch(), removedVendorSecrets: ['none'] });
      expect(await waiting).toEqual({ ...before, vendorSecrets: (before?.vendorSecrets ?? 0) + 1 });
    });
  });
}
