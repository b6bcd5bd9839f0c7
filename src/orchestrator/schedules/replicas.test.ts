// Schedules where several processes share a store, where a commit fails, and where it is not known whether it did: every
// instant is fired, and none twice.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WriteBatch } from '../../store/write-batch.ts';
import { type BrittleStore, brittle } from '../testing/brittle-store.ts';
import { openReplica, type Replica, register } from '../testing/fixture.ts';
import {
  ANYBODY,
  EVERY_SECOND,
  firingsOf,
  HOUR_MS,
  nextMsOf,
  saveSchedule,
  settableClock,
} from '../testing/schedules.ts';
import { postgresStorage, STORAGES, type Storage } from '../testing/storage.ts';

const ONE = { name: 'one', tasks: [{ name: 'a', taskReferenceName: 'a', type: 'SIMPLE' }] };

let clock: ReturnType<typeof settableClock>;
let storage: Storage;
let replicas: Replica[];
const open = async (options = {}) => {
  const replica = await openReplica(storage, { clock, ...options });
  replicas.push(replica);
  return replica;
};
const close = async () => {
  await Promise.all(replicas.map((replica) => replica.close()));
  await storage.dispose();
};
const isAhead = async ({ store }: Replica) => ((await nextMsOf(store)) ?? 0) > clock.now();
const runsOf = ({ store }: Replica) => store.reads.runningIds('one', null, 0, Number.MAX_SAFE_INTEGER);

/** Each of the hours from the first, in order; and as many runs, each of one of them. */
async function expectEveryHour(replica: Replica, firstMs: number, count: number): Promise<void> {
  const firings = await firingsOf(replica.store);
  expect(firings.map(({ scheduledMs }) => scheduledMs)).toEqual(
    Array.from({ length: count }, (_, hours) => firstMs + hours * HOUR_MS),
  );
  expect((await runsOf(replica)).sort()).toEqual(firings.map(({ workflowId }) => workflowId).sort());
}

describe('replicas on one database', () => {
  beforeEach(async () => {
    [clock, storage, replicas] = [settableClock(), await postgresStorage(), []];
  });
  afterEach(close);

  it('that all race for one schedule fire each of its instants once, in order', async () => {
    const all = [await open(), await open(), await open()] as const;
    await register(all[0].orchestrator, ONE);
    const { nextMs } = await saveSchedule(all[0].orchestrator, { runCatchupScheduleInstances: true });
    clock.forward(150 * HOUR_MS);
    await Promise.all(all.map(({ orchestrator }) => orchestrator.schedules.requeue()));
    await expect.poll(() => isAhead(all[1]), { timeout: 20_000 }).toBe(true);
    await expectEveryHour(all[2], nextMs, 150);
    expect(all.flatMap(({ faults }) => faults)).toEqual([]);
  });

  it('hear of a schedule that another has saved, though nobody asks them anything, and fire it when that is gone', async () => {
    const [a, b] = [await open(), await open()];
    await register(a.orchestrator, ONE);
    await saveSchedule(a.orchestrator, { cronExpression: EVERY_SECOND });
    await a.orchestrator.stop();
    const before = (await firingsOf(b.store)).length;
    await expect
      .poll(() => firingsOf(b.store).then(({ length }) => length), { timeout: 20_000 })
      .toBeGreaterThan(before + 1);
  });

  it('stop firing what another has paused or removed', async () => {
    const [a, b] = [await open(), await open()];
    await register(a.orchestrator, ONE);
    await saveSchedule(a.orchestrator, {});
    await saveSchedule(a.orchestrator, { name: 'other' });
    await b.orchestrator.schedules.pause('hourly', 'enough', ANYBODY);
    await b.orchestrator.schedules.remove('other', ANYBODY);
    await saveSchedule(b.orchestrator, { name: 'after', runCatchupScheduleInstances: true });
    clock.forward(HOUR_MS);
    await Promise.all([a, b].map(({ orchestrator }) => orchestrator.schedules.requeue()));
    await expect.poll(() => firingsOf(b.store, 'after').then(({ length }) => length)).toBe(1);
    expect([...(await firingsOf(a.store)), ...(await firingsOf(a.store, 'other'))]).toEqual([]);
  });

  it('that save one name at once leave one schedule, made by one of them', async () => {
    const all = [await open(), await open(), await open()];
    const saved = await Promise.all(
      [...all, ...all].map(({ orchestrator }, n) => saveSchedule(orchestrator, { description: String(n) })),
    );
    const found = await all[0]?.store.reads.schedules();
    expect(found).toHaveLength(1);
    expect(saved).toContainEqual(found?.[0]);
    expect(new Set(saved.map(({ createdMs }) => createdMs)).size).toBe(1);
  });
});

describe.each(STORAGES)('on %s', (_, openStorage) => {
  beforeEach(async () => {
    [clock, storage, replicas] = [settableClock(), await openStorage(), []];
  });
  afterEach(close);

  it.each(['before writing', 'after writing'] as const)('a firing whose commit fails %s is fired once', async (how) => {
    let store: BrittleStore | undefined;
    const whole = storage;
    storage = { ...whole, open: async () => (store = brittle(await whole.open())) };
    const replica = await open();
    await register(replica.orchestrator, ONE);
    const { nextMs } = await saveSchedule(replica.orchestrator, { runCatchupScheduleInstances: true });
    if (store) store.failing = everySecond(({ scheduleExecutions }) => scheduleExecutions.length > 0, how);
    clock.forward(50 * HOUR_MS);
    await replica.orchestrator.schedules.requeue();
    await expect.poll(() => isAhead(replica), { timeout: 20_000 }).toBe(true);
    await expectEveryHour(replica, nextMs, 50);
    expect(store?.failures).toBeGreaterThan(1);
  });
});

/** Of the commits that match, the first, the third and so on fail. */
function everySecond(matches: (batch: WriteBatch) => boolean, how: 'before writing' | 'after writing') {
  let count = 0;
  return (batch: WriteBatch) => (matches(batch) && ++count % 2 === 1 ? how : null);
}
