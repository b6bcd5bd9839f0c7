// A run that begins again while others act on it, in one round or from several processes: its old life's row is gone,
// and nobody may write to it, wait for it, or take the run for unknown.
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Rerun } from './start-over.ts';
import { openReplica, pollOf, type Replica, register, report, start } from './testing/fixture.ts';
import { postgresStorage, STORAGES, type Storage } from './testing/storage.ts';

const step = (name: string, type: string, more: object) => ({ name, taskReferenceName: name, type, ...more });
const work = (name: string, more: object = {}) => step(name, 'SIMPLE', { retryCount: 0, ...more });
const child = (ref: string, name: string, more: object = {}) =>
  step(ref, 'SUB_WORKFLOW', { subWorkflowParam: { name }, ...more });
const FROM: Omit<Rerun, 'taskId'> = { taskInput: null, input: null, correlationId: null };

let storage: Storage;
let replicas: Replica[];
beforeEach(() => {
  replicas = [];
});
afterEach(async () => {
  expect(replicas.flatMap(({ faults }) => faults)).toEqual([]);
  await Promise.all(replicas.map((replica) => replica.close()));
  await storage.dispose();
});

async function open(): Promise<Replica> {
  const replica = await openReplica(storage);
  replicas.push(replica);
  return replica;
}

async function registerNested({ orchestrator }: Replica) {
  await register(orchestrator, { name: 'inner', tasks: [work('a'), work('b')] });
  await register(orchestrator, { name: 'outer', tasks: [child('s', 'inner', { optional: true }), work('z')] });
  await register(orchestrator, { name: 'strict', tasks: [child('s', 'inner'), work('z')] });
}

const read = async ({ store }: Replica, id: string) => {
  const found = await store.reads.run(id, true);
  if (!found) throw new Error(`no run ${id}`);
  return found;
};
const statusOf = async (replica: Replica, id: string) => (await read(replica, id)).run.status;
const summary = async (replica: Replica, id: string) =>
  (await read(replica, id)).tasks.map(({ ref, status }) => [ref, status]);
const childOf = async (replica: Replica, id: string) =>
  (await read(replica, id)).tasks.findLast(({ subRunId }) => subRunId)?.subRunId ?? '';
const taskId = async (replica: Replica, id: string, ref: string) =>
  (await read(replica, id)).tasks.findLast((task) => task.ref === ref)?.id ?? '';

async function take(replica: Replica, type: string, status = 'COMPLETED') {
  const [handed] = await pollOf(replica.orchestrator, type, 1, 5000);
  await report(replica.orchestrator, { taskId: handed?.task.id, status, outputData: { by: type } });
  return handed?.task.id;
}

/** Has all of these decided in one round, in this order. */
async function inOneRound({ loop }: Replica, acts: readonly (() => Promise<unknown>)[]) {
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const holding = loop.submit({ load: () => gate, decide: () => undefined });
  const submitted = vi.spyOn(loop, 'submit');
  const outcomes: Promise<PromiseSettledResult<unknown>>[] = [];
  for (const act of acts) {
    outcomes.push(Promise.allSettled([act()]).then(([outcome]) => outcome));
    await vi.waitFor(() => expect(submitted).toHaveBeenCalledTimes(outcomes.length));
  }
  submitted.mockRestore();
  release();
  await holding;
  return (await Promise.all(outcomes)).map((outcome) =>
    outcome.status === 'fulfilled' ? 'done' : String(outcome.reason.code),
  );
}

describe.each(STORAGES)('in one round, on %s', (_, makeStorage) => {
  let replica: Replica;
  beforeEach(async () => {
    storage = await makeStorage();
    replica = await open();
    await registerNested(replica);
  });

  test('its children of before end with their parent’s last life, and touch nothing of the next', async () => {
    const { orchestrator } = replica;
    const id = await start(orchestrator, { name: 'outer', input: {} });
    const old = await childOf(replica, id);
    const acts = [() => orchestrator.terminate(id, null), () => orchestrator.restart(id, false)];
    expect(await inOneRound(replica, acts)).toEqual(['done', 'done']);
    const anew = await childOf(replica, id);
    expect(anew).not.toBe(old);
    expect(await summary(replica, id)).toEqual([['s', 'IN_PROGRESS']]);
    expect([await statusOf(replica, old), await statusOf(replica, anew)]).toEqual(['TERMINATED', 'RUNNING']);
    await take(replica, 'a');
    await take(replica, 'b');
    await take(replica, 'z');
    expect(await statusOf(replica, id)).toBe('COMPLETED');
  });

  test('a removed run is not brought back by its child’s end', async () => {
    const { orchestrator, store } = replica;
    const id = await start(orchestrator, { name: 'outer', input: {} });
    const old = await childOf(replica, id);
    const acts = [() => orchestrator.terminate(id, null), () => orchestrator.remove(id)];
    expect(await inOneRound(replica, acts)).toEqual(['done', 'done']);
    expect(await store.reads.run(id, true)).toBeNull();
    expect(await statusOf(replica, old)).toBe('TERMINATED');
    expect(orchestrator.stats().cachedRuns).toBe(0);
  });

  test.each(['restart', 'rerun', 'retry'] as const)(
    'a child that ends and takes up again by %s takes its parent along',
    async (how) => {
      const { orchestrator } = replica;
      const id = await start(orchestrator, { name: 'strict', input: {} });
      const inner = await childOf(replica, id);
      await take(replica, 'a');
      const from = { ...FROM, taskId: await taskId(replica, inner, 'b') };
      const again = {
        restart: () => orchestrator.restart(inner, false),
        rerun: () => orchestrator.rerun(inner, from),
        retry: () => orchestrator.retry(inner, false),
      };
      expect(await inOneRound(replica, [() => orchestrator.terminate(inner, null), again[how]])).toEqual([
        'done',
        'done',
      ]);
      expect([await statusOf(replica, inner), await statusOf(replica, id)]).toEqual(['RUNNING', 'RUNNING']);
      if (how === 'restart') await take(replica, 'a');
      await take(replica, 'b');
      await take(replica, 'z');
      expect([await statusOf(replica, inner), await statusOf(replica, id)]).toEqual(['COMPLETED', 'COMPLETED']);
    },
  );

  test('lives that are over hold no slot of a limit, no timer, no queue and no memory', async () => {
    const { orchestrator } = replica;
    const limited = { name: 'a', concurrentExecLimit: 1, responseTimeoutSeconds: 60, timeoutSeconds: 600 };
    const timed = { timeoutSeconds: 3600, timeoutPolicy: 'TIME_OUT_WF' };
    await register(orchestrator, { name: 'inner', tasks: [work('a'), work('b')], ...timed }, limited);
    const id = await start(orchestrator, { name: 'strict', input: {} });
    const { rounds: _, operations: __, ...before } = orchestrator.stats();
    for (let life = 0; life < 50; life += 1) {
      expect(await pollOf(orchestrator, 'a', 1, 5000)).toHaveLength(1);
      if (life % 2) await orchestrator.terminate(await childOf(replica, id), null);
      else await orchestrator.terminate(id, null);
      await orchestrator.restart(id, false);
    }
    expect(orchestrator.stats()).toMatchObject(before);
    await start(orchestrator, { name: 'inner', input: {} });
    const [held] = await pollOf(orchestrator, 'a', 2, 5000);
    expect(await pollOf(orchestrator, 'a')).toEqual([]);
    await report(orchestrator, { taskId: held?.task.id, status: 'COMPLETED' });
    expect(await pollOf(orchestrator, 'a', 2, 5000)).toHaveLength(1);
  });

  test('who comes after finds the new life, not an unknown run', async () => {
    const { orchestrator } = replica;
    const id = await start(orchestrator, { name: 'inner', input: {} });
    const acts = [
      () => orchestrator.terminate(id, null),
      () => orchestrator.restart(id, false),
      () => orchestrator.restart(id, false),
      () => orchestrator.pause(id),
    ];
    expect(await inOneRound(replica, acts)).toEqual(['done', 'done', 'conflict', 'done']);
    expect(await statusOf(replica, id)).toBe('PAUSED');
  });
});

describe('from several processes', () => {
  let a: Replica;
  let b: Replica;
  let url: string;
  beforeEach(async () => {
    const database = await postgresStorage();
    storage = database;
    url = database.url;
    a = await open();
    b = await open();
    await registerNested(a);
  });

  test('one who knows the last life acts on the next', async () => {
    const id = await start(a.orchestrator, { name: 'inner', input: {} });
    await b.orchestrator.terminate(id, null);
    await b.orchestrator.restart(id, false);
    await a.orchestrator.pause(id);
    expect(await statusOf(b, id)).toBe('PAUSED');
  });

  test('two begin it again at once: one does, the other is told that it runs', async () => {
    const id = await start(a.orchestrator, { name: 'inner', input: {} });
    await a.orchestrator.terminate(id, null);
    const all = await Promise.allSettled([a, b, a, b].map(({ orchestrator }) => orchestrator.restart(id, false)));
    const codes = all.map((one) => (one.status === 'fulfilled' ? 'done' : one.reason.code));
    expect(codes.sort()).toEqual(['conflict', 'conflict', 'conflict', 'done']);
    expect(await summary(a, id)).toEqual([['a', 'SCHEDULED']]);
  });

  test('a child whose next life only another knows ends with its parent', async () => {
    const id = await start(a.orchestrator, { name: 'strict', input: {} });
    const inner = await childOf(a, id);
    await b.orchestrator.terminate(inner, null);
    await b.orchestrator.restart(inner, false);
    expect(await statusOf(b, id)).toBe('RUNNING');
    await a.orchestrator.terminate(id, null);
    expect([await statusOf(b, id), await statusOf(b, inner)]).toEqual(['TERMINATED', 'TERMINATED']);
  });

  test('a report on a task that waits again for its child is taken where its last life is still in memory', async () => {
    const id = await start(a.orchestrator, { name: 'strict', input: {} });
    const inner = await childOf(a, id);
    const waits = await taskId(a, id, 's');
    await take(b, 'a');
    await take(b, 'b');
    await take(b, 'z');
    await b.orchestrator.rerun(id, { ...FROM, taskId: await taskId(b, inner, 'b') });
    await report(a.orchestrator, { taskId: waits, status: 'COMPLETED', outputData: { by: 'hand' } });
    expect(await summary(b, id)).toEqual([
      ['s', 'COMPLETED'],
      ['z', 'SCHEDULED'],
    ]);
    expect(await statusOf(b, inner)).toBe('TERMINATED');
  });

  test('the work of a last life that is still out is refused, and its timers are nobody’s', async () => {
    const id = await start(a.orchestrator, { name: 'inner', input: {} });
    const [held] = await pollOf(a.orchestrator, 'a', 1, 5000);
    await b.orchestrator.terminate(id, null);
    await b.orchestrator.restart(id, false);
    const late = report(a.orchestrator, { taskId: held?.task.id, status: 'COMPLETED' });
    await expect(late).rejects.toMatchObject({ code: 'not_found' });
    await take(a, 'a');
    await take(b, 'b');
    expect(await statusOf(a, id)).toBe('COMPLETED');
  });

  test('what ended and has not reached its parent yet does not begin again behind its back', async () => {
    const id = await start(a.orchestrator, { name: 'strict', input: {} });
    const inner = await childOf(a, id);
    const holder = new pg.Client(url);
    await holder.connect();
    await holder.query('begin');
    await holder.query('select row_id from run where id = $1 for update', [id]);
    await b.orchestrator.terminate(inner, null);
    // Its word to the parent is in the store, and left to the others.
    replicas.splice(replicas.indexOf(b), 1);
    await b.store.close();
    await holder.query('rollback');
    expect((await holder.query('select * from signal')).rows).toHaveLength(1);
    await vi.waitFor(() => a.orchestrator.restart(inner, false), 20_000);
    await vi.waitFor(async () => expect((await holder.query('select * from signal')).rows).toEqual([]), 20_000);
    await holder.end();
    expect([await statusOf(a, inner), await statusOf(a, id)]).toEqual(['RUNNING', 'RUNNING']);
    await take(a, 'a');
    await take(a, 'b');
    await take(a, 'z');
    expect([await statusOf(a, inner), await statusOf(a, id)]).toEqual(['COMPLETED', 'COMPLETED']);
    await b.orchestrator.stop();
  });

  test('everybody at everything, over and over, ends with one life of each', async () => {
    const ids = await Promise.all(
      Array.from({ length: 6 }, () => start(a.orchestrator, { name: 'strict', input: {} })),
    );
    for (let lap = 0; lap < 3; lap += 1) {
      const all = ids.flatMap((id) => [
        a.orchestrator.terminate(id, null),
        b.orchestrator.restart(id, false),
        a.orchestrator.restart(id, false),
        b.orchestrator.terminate(id, null),
      ]);
      await Promise.allSettled(all);
    }
    await Promise.allSettled(ids.map((id) => a.orchestrator.terminate(id, null)));
    await Promise.all(ids.map((id, at) => (at % 2 ? a : b).orchestrator.restart(id, false)));
    for (const type of ['a', 'b', 'z']) for (const _ of ids) await take(type === 'b' ? b : a, type);
    expect(await Promise.all(ids.map((id) => statusOf(a, id)))).toEqual(ids.map(() => 'COMPLETED'));
    const open = await a.store.shared?.readySizes(Number.MAX_SAFE_INTEGER);
    expect(Object.values(open ?? {}).filter((size) => size > 0)).toEqual([]);
  });
});
