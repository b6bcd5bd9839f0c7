// The store goes away while something is being written, and whether it was written is not known: nothing stays in
// progress with nobody at work on it.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EMPTY_OBJECT } from '../model/json.ts';
import type { WriteBatch } from '../store/write-batch.ts';
import type { InProcessWorker } from './ports.ts';
import { type BrittleStore, brittle } from './testing/brittle-store.ts';
import { type FixtureOptions, openReplica, pollOf, type Replica, register, report, start } from './testing/fixture.ts';
import { STORAGES, type Storage } from './testing/storage.ts';

const simple = { name: 'say', taskReferenceName: 'say', type: 'SIMPLE' };
const call = {
  name: 'call',
  taskReferenceName: 'call',
  type: 'HTTP',
  inputParameters: { http_request: { uri: 'http://x', method: 'GET' } },
};
const handsOut = ({ newTasks, changedTasks }: WriteBatch) =>
  [...newTasks, ...changedTasks].some(({ status }) => status === 'IN_PROGRESS');
const ends = ({ changedTasks }: WriteBatch) => changedTasks.some(({ status }) => status === 'COMPLETED');

describe.each(STORAGES)('on %s', (_, openStorage) => {
  let storage: Storage;
  let store: BrittleStore;
  let replica: Replica;

  beforeEach(async () => {
    storage = await openStorage();
  });

  afterEach(async () => {
    await replica.close();
    await storage.dispose();
  });

  async function open(options: FixtureOptions = {}): Promise<void> {
    const open = async () => {
      store = brittle(await storage.open());
      return store;
    };
    replica = await openReplica({ ...storage, open }, options);
    await register(replica.orchestrator, { name: 'one', tasks: [simple] }, { name: 'say', retryCount: 0 });
    await register(replica.orchestrator, { name: 'calls', tasks: [call] });
  }

  const statusOf = async (id: string) => (await store.reads.run(id, false))?.run.status;

  function counting() {
    const counted = { ran: 0 };
    const execute: InProcessWorker['execute'] = async () => {
      counted.ran += 1;
      return { status: 'COMPLETED', output: EMPTY_OBJECT, reason: null };
    };
    return { counted, worker: { queue: 'HTTP', concurrency: 4, execute } };
  }

  test('a store that refuses every round is asked again after a pause, not without end', async () => {
    await open();
    const waiting = pollOf(replica.orchestrator, 'nothing', 1, 60_000);
    store.failing = () => 'before writing';
    await expect(start(replica.orchestrator, { name: 'one' })).rejects.toMatchObject({ code: 'store_unavailable' });
    await vi.waitFor(() => expect(store.failures).toBeGreaterThan(1));
    // As long as many rounds would take.
    for (let trips = 0; trips < 60; trips += 1) await store.reads.ping();
    expect(store.failures).toBeLessThan(10);
    store.failing = () => null;
    await replica.orchestrator.stop();
    expect(await waiting).toEqual([]);
  });

  test('the result of a task that ran inside is kept until the store takes it', async () => {
    const { counted, worker } = counting();
    await open({ workers: [worker] });
    store.failing = (batch) => (ends(batch) ? 'before writing' : null);
    const id = await start(replica.orchestrator, { name: 'calls' });
    await expect.poll(() => store.failures, { timeout: 10_000 }).toBeGreaterThan(1);
    store.failing = () => null;
    await expect.poll(() => statusOf(id), { timeout: 10_000 }).toBe('COMPLETED');
    expect(counted.ran).toBe(1);
  });

  test('a task that was given to a worker inside, in a commit whose answer is lost, is run', async () => {
    const { counted, worker } = counting();
    await open({ workers: [worker] });
    store.failing = (batch) => (handsOut(batch) && store.failures === 0 ? 'after writing' : null);
    // Where its start and its hand-out are one round, the start is answered with 503 too.
    const id = await start(replica.orchestrator, { name: 'calls', idempotencyKey: 'k' }).catch(() => null);
    const request = { name: 'calls', idempotencyKey: 'k', idempotencyStrategy: 'RETURN_EXISTING' };
    const again = await start(replica.orchestrator, request);
    expect(id ?? again).toBe(again);
    await expect.poll(() => statusOf(again), { timeout: 10_000 }).toBe('COMPLETED');
    expect([store.failures, counted.ran]).toEqual([1, 1]);
  });

  test('a task that was handed to a poll, in a commit whose answer is lost, is handed to the next poll', async () => {
    await open();
    const id = await start(replica.orchestrator, { name: 'one' });
    store.failing = (batch) => (handsOut(batch) && store.failures === 0 ? 'after writing' : null);
    const refused = { code: 'store_unavailable', retryable: true };
    await expect(pollOf(replica.orchestrator, 'say', 1, 5000)).rejects.toMatchObject(refused);
    const [handed] = await pollOf(replica.orchestrator, 'say', 1, 5000);
    expect([handed?.run.id, handed?.task.attempt, handed?.task.pollCount]).toEqual([id, 0, 2]);
    await report(replica.orchestrator, { taskId: handed?.task.id, status: 'COMPLETED' });
    expect(await statusOf(id)).toBe('COMPLETED');
  });

  test('a hand-out that was not written is not taken back from who is handed the task next', async () => {
    await open();
    await start(replica.orchestrator, { name: 'one' });
    store.failing = (batch) => (handsOut(batch) && store.failures === 0 ? 'before writing' : null);
    await expect(pollOf(replica.orchestrator, 'say', 1, 5000)).rejects.toMatchObject({ retryable: true });
    const [handed] = await pollOf(replica.orchestrator, 'say', 1, 5000);
    expect(handed?.task.pollCount).toBe(1);
    expect(await pollOf(replica.orchestrator, 'say', 1, 500)).toEqual([]);
  });
});
