// Runs for a caller who waits: in memory as long as nothing outside is needed, written once, and like any other run from
// the moment that somebody outside has a part in them.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Json, type JsonObject } from '../model/json.ts';
import { workflowDefinitionSchema } from '../model/workflow-definition.ts';
import type { WriteBatch } from '../store/write-batch.ts';
import type { ExecuteRequest } from './orchestrator-api.ts';
import type { InProcessResult, InProcessWorker, Stop } from './ports.ts';
import { type BrittleStore, brittle } from './testing/brittle-store.ts';
import { openReplica, pollOf, type Replica, report } from './testing/fixture.ts';
import { STORAGES, type Storage } from './testing/storage.ts';

const agent = (name: string, rest: JsonObject = {}) => ({
  type: 'AGENT',
  name,
  taskReferenceName: name,
  inputParameters: { agent: name, n: '${workflow.input.n}' },
  ...rest,
});
const definition = (...tasks: readonly unknown[]) => workflowDefinitionSchema.parse({ name: 'memory', tasks });
const TWO = definition(agent('a'), agent('b'));
const done = (output: JsonObject): InProcessResult => ({ status: 'COMPLETED', output: Json.of(output), reason: null });

describe.each(STORAGES)('on %s', (_, openStorage) => {
  let storage: Storage;
  let store: BrittleStore;
  let replica: Replica;
  let batches: WriteBatch[];
  let work: (name: string, input: JsonObject, stop: Stop) => InProcessResult | Promise<InProcessResult>;
  let ids = 0;

  beforeEach(async () => {
    storage = await openStorage();
    batches = [];
    work = async (name, { n = null }) => done({ [name]: n });
    const worker: InProcessWorker = {
      queue: 'AGENT',
      concurrency: 8,
      execute: (task, _run, input, stop) => work(task.defName, input.object, stop),
    };
    const open = async () => {
      store = brittle(await storage.open());
      store.failing = (batch) => {
        batches.push(batch);
        return null;
      };
      return store;
    };
    replica = await openReplica({ ...storage, open }, { workers: [worker] });
  });

  afterEach(async () => {
    await replica.close();
    await storage.dispose();
  });

  const execute = (request: Partial<ExecuteRequest> = {}) => {
    ids += 1;
    const rest = { createdBy: null, durable: false, failuresOnly: false, detached: false, waitMs: 10_000 };
    const given = { id: `req_${ids}`, definition: TWO, input: { n: 1 }, variables: {}, ...rest, ...request };
    return replica.orchestrator.execute(given).then((seen) => ({ id: given.id, seen }));
  };
  const stored = (id: string) => store.reads.run(id, true);
  const writes = (name: string) => batches.filter(({ newTasks }) => newTasks.some((task) => task.defName === name));

  test('a run that needs nobody outside is written once, whole, before its caller is answered', async () => {
    const { id, seen } = await execute();
    expect(seen?.run).toMatchObject({ status: 'COMPLETED', name: 'memory' });
    expect(seen?.run.output.object).toEqual({ b: 1 });
    const loaded = await stored(id);
    expect(loaded?.run.status).toBe('COMPLETED');
    expect(loaded?.tasks.map(({ ref, status, seq }) => [ref, status, seq])).toEqual([
      ['a', 'COMPLETED', 1],
      ['b', 'COMPLETED', 2],
    ]);
    expect(writes('a')).toHaveLength(1);
    expect(writes('a')[0]).toBe(writes('b')[0]);
  });

  test('steps that answer at once end the run at once; those beside a failed one have begun, and are told', async () => {
    const began: string[] = [];
    let told: AbortSignal | undefined;
    work = (name, _input, stop) => {
      began.push(name);
      if (name === 'a') return { status: 'FAILED_WITH_TERMINAL_ERROR', output: Json.of({}), reason: 'no' };
      if (name === 'b') return done({ b: 1 });
      told = stop.signal;
      return new Promise(() => undefined);
    };
    const fork = { type: 'FORK_JOIN', name: 'all', taskReferenceName: 'all' };
    const branches = [[agent('a')], [agent('b')], [agent('c')]];
    const { id, seen } = await execute({ definition: definition({ ...fork, forkTasks: branches }) });
    expect(seen).toMatchObject({ run: { status: 'FAILED' }, failedTask: { ref: 'a' } });
    expect(began).toEqual(['a', 'b', 'c']);
    expect(told?.aborted).toBe(true);
    const ended = (await stored(id))?.tasks.map(({ ref, status }) => `${ref} ${status}`);
    expect(ended).toEqual(expect.arrayContaining(['a FAILED_WITH_TERMINAL_ERROR', 'b CANCELED', 'c CANCELED']));
  });

  test('failuresOnly: what ended well leaves nothing behind, what failed does', async () => {
    const well = await execute({ failuresOnly: true });
    expect(well.seen?.run.status).toBe('COMPLETED');
    expect(await stored(well.id)).toBeNull();
    work = async () => ({ status: 'FAILED', output: Json.of({ error: 'no' }), reason: 'no' });
    const badly = await execute({ failuresOnly: true });
    expect(badly.seen).toMatchObject({ run: { status: 'FAILED' }, failedTask: { ref: 'a' } });
    expect((await stored(badly.id))?.run.status).toBe('FAILED');
  });

  test('a run that ended in memory begins again like any other, with its caller and, from a step on, its state', async () => {
    const began: string[] = [];
    let fails = true;
    work = (name) => {
      began.push(name);
      if (name === 'b' && fails) return { status: 'FAILED_WITH_TERMINAL_ERROR', output: Json.of({}), reason: 'no' };
      return { ...done({ [name]: 1 }), ...(name === 'a' && { statePatch: { a: began.length } }) };
    };
    const two = definition(...['a', 'b'].map((name) => agent(name, { inputParameters: { agent: name } })));
    const ensemble = { ...two, expressionLanguage: 'ensemble' as const, variables: { state: { a: 0 } } };
    const { id, seen } = await execute({ definition: ensemble, variables: { caller: 'ann' } });
    expect(seen?.run.status).toBe('FAILED');
    fails = false;
    const ended = () =>
      vi.waitFor(async () => {
        const loaded = await stored(id);
        expect(loaded?.run.status).toBe('COMPLETED');
        return loaded?.run.variables.object;
      });
    const failed = (await stored(id))?.tasks.find(({ ref }) => ref === 'b')?.id ?? null;
    const rerun = { taskId: failed, taskInput: null, input: null, correlationId: null };
    await replica.orchestrator.rerun(id, rerun);
    expect(await ended()).toEqual({ caller: 'ann', state: { a: 1 } });
    expect(began).toEqual(['a', 'b', 'b']);
    await replica.orchestrator.restart(id, false);
    expect(await ended()).toEqual({ caller: 'ann', state: { a: 4 } });
    expect(began).toEqual(['a', 'b', 'b', 'a', 'b']);
  });

  test('a run that comes to a worker’s task is written there, handed out, and answered when it ends', async () => {
    const simple = { name: 'say', taskReferenceName: 'say', type: 'SIMPLE' };
    const running = execute({ definition: definition(agent('a'), simple, agent('b')) });
    const [handed] = await pollOf(replica.orchestrator, 'say', 1, 5000);
    expect(handed?.run.name).toBe('memory');
    expect((await stored(handed?.run.id ?? ''))?.run.status).toBe('RUNNING');
    await report(replica.orchestrator, {
      taskId: handed?.task.id,
      workflowInstanceId: handed?.run.id,
      status: 'COMPLETED',
      outputData: {},
    });
    const { seen } = await running;
    expect(seen?.run.status).toBe('COMPLETED');
    expect(seen?.run.output.object).toEqual({ b: 1 });
  });

  test('a run that waits for a person is suspended: its caller is told at once, and it goes on when decided', async () => {
    const human = { name: 'ask', taskReferenceName: 'ask', type: 'HUMAN' };
    const { id, seen } = await execute({ definition: definition(agent('a'), human, agent('b')) });
    expect(seen?.run.status).toBe('RUNNING');
    expect(seen?.suspendedBy?.ref).toBe('ask');
    const task = (await stored(id))?.tasks.find(({ ref }) => ref === 'ask');
    expect(task?.status).toBe('IN_PROGRESS');
    const yes = { status: 'COMPLETED', output: Json.of({ yes: true }), reason: null } as const;
    await replica.orchestrator.decideTask(task?.id ?? '', () => yes);
    await expect.poll(async () => (await stored(id))?.run.status).toBe('COMPLETED');
  });

  test('two decisions on one task at a time each see what the other has done', async () => {
    const human = { name: 'ask', taskReferenceName: 'ask', type: 'HUMAN' };
    const { id, seen } = await execute({ definition: definition(human) });
    const count = () =>
      replica.orchestrator.decideTask(seen?.suspendedBy?.id ?? '', (task) => {
        const votes = Number(task.output.object.votes ?? 0) + 1;
        return { status: votes === 20 ? 'COMPLETED' : 'IN_PROGRESS', output: Json.of({ votes }), reason: null };
      });
    await Promise.all(Array.from({ length: 20 }, count));
    const loaded = await stored(id);
    expect(loaded?.tasks[0]?.output.object).toEqual({ votes: 20 });
    expect(loaded?.run.status).toBe('COMPLETED');
  });

  test('a step that is to be tried again later is waited for in the store, not in memory', async () => {
    const tries: string[] = [];
    work = async (name) => {
      tries.push(name);
      return tries.length === 1 ? { status: 'FAILED', output: Json.of({}), reason: 'not yet' } : done({});
    };
    const taskDefinition = { retryCount: 1, retryDelaySeconds: 1, retryLogic: 'FIXED' };
    const { seen } = await execute({ definition: definition(agent('a', { taskDefinition })) });
    expect(seen?.run.status).toBe('COMPLETED');
    expect(tries).toEqual(['a', 'a']);
  });

  test('durable: every step is written before the next one begins', async () => {
    const seenByB: (string | undefined)[] = [];
    let id = '';
    work = async (name) => {
      if (name === 'b') seenByB.push((await stored(id))?.tasks.find(({ ref }) => ref === 'a')?.status);
      return done({});
    };
    id = `req_${ids + 1}`;
    const { seen } = await execute({ durable: true });
    expect(seen?.run.status).toBe('COMPLETED');
    expect(seenByB).toEqual(['COMPLETED']);
  });

  test('detached: answered when it is written, and it goes on', async () => {
    let go = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    work = async () => {
      await held;
      return done({});
    };
    const { id, seen } = await execute({ detached: true });
    expect(seen).toBeNull();
    expect((await stored(id))?.run.status).toBe('RUNNING');
    go();
    await expect.poll(async () => (await stored(id))?.run.status).toBe('COMPLETED');
  });

  test('a caller whose patience ends is told so, and the run goes on', async () => {
    const wait = { name: 'say', taskReferenceName: 'say', type: 'SIMPLE' };
    const { id, seen } = await execute({ definition: definition(wait), waitMs: 20 });
    expect(seen).toBeNull();
    expect((await stored(id))?.run.status).toBe('RUNNING');
  });

  test('patience that ends while the run is in memory: the run goes on, and is written when it ends', async () => {
    let go = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    work = async (name) => {
      await held;
      return done({ [name]: 1 });
    };
    const { id, seen } = await execute({ waitMs: 10 });
    expect(seen).toBeNull();
    go();
    await expect.poll(async () => (await stored(id))?.run.status).toBe('COMPLETED');
  });

  test('when the store does not take the run its caller is told, and nothing of it is half written', async () => {
    store.failing = (batch) => (batch.newTasks.length > 0 ? 'before writing' : null);
    const id = `req_${ids + 1}`;
    await expect(execute()).rejects.toMatchObject({ code: 'store_unavailable' });
    store.failing = () => null;
    expect(await stored(id)).toBeNull();
    expect((await execute()).seen?.run.status).toBe('COMPLETED');
  });

  test('what a worker here throws, and an output that is too large, fail the step and not the server', async () => {
    work = () => Promise.reject(new Error('broken'));
    expect((await execute()).seen).toMatchObject({ run: { status: 'FAILED' }, failedTask: { reason: 'broken' } });
    work = async () => done({ big: 'x'.repeat(11 * 1024 * 1024) });
    const { seen } = await execute();
    expect(seen?.failedTask).toMatchObject({ status: 'FAILED_WITH_TERMINAL_ERROR' });
    await expect(execute({ input: { big: 'x'.repeat(11 * 1024 * 1024) } })).rejects.toMatchObject({
      code: 'payload_too_large',
    });
  });

  test('200 runs at once do not mix', async () => {
    const all = await Promise.all(Array.from({ length: 200 }, (_, n) => execute({ input: { n } })));
    expect(all.map(({ seen }) => seen?.run.output.object.b)).toEqual(all.map((_, n) => n));
  });
});
