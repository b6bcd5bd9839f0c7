// An ended run begins again under its id, whole or from a task, on every store and after a restart too, and takes its
// parents with it.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Json } from '../model/json.ts';
import type { Rerun } from './start-over.ts';
import { openFixture, pollOf, register, report, start } from './testing/fixture.ts';
import { STORAGES } from './testing/storage.ts';

const work = (name: string, more: object = {}) => ({
  name,
  taskReferenceName: name,
  type: 'SIMPLE',
  retryCount: 0,
  ...more,
});
const child = (ref: string, name: string) => ({
  name: ref,
  taskReferenceName: ref,
  type: 'SUB_WORKFLOW',
  subWorkflowParam: { name },
});
const WHOLE: Rerun = { taskId: null, taskInput: null, input: null, correlationId: null };

describe.each(STORAGES)('on %s', (_, storage) => {
  let fixture: Awaited<ReturnType<typeof openFixture>>;
  beforeEach(async () => {
    fixture = await openFixture({ storage });
    await register(fixture.orchestrator, {
      name: 'three',
      tasks: [
        work('a', { inputParameters: { x: '${workflow.input.x}' } }),
        work('b', { inputParameters: { got: '${a.output.by}' } }),
        work('c'),
      ],
    });
  });
  afterEach(() => fixture.close());

  const read = async (id: string) => {
    const found = await fixture.store.reads.run(id, true);
    if (!found) throw new Error(`no run ${id}`);
    return found;
  };
  const statusOf = async (id: string) => (await read(id)).run.status;
  const summary = async (id: string) => (await read(id)).tasks.map(({ ref, status, seq }) => [seq, ref, status]);
  const taskId = async (id: string, ref: string) =>
    (await read(id)).tasks.findLast((task) => task.ref === ref)?.id ?? '';

  /** Polls a task of the type and reports on it. */
  async function take(type: string, status = 'COMPLETED') {
    const [handed] = await pollOf(fixture.orchestrator, type, 1, 1000);
    await report(fixture.orchestrator, { taskId: handed?.task.id, status, outputData: { by: type } });
    return handed?.task;
  }
  const takeAll = async (...types: string[]) => {
    for (const type of types) await take(type);
  };

  describe('restart', () => {
    test('does everything again, with the same id and input, also when all was restarted in between', async () => {
      const id = await start(fixture.orchestrator, {
        name: 'three',
        input: { x: 1 },
        correlationId: 'c-1',
        priority: 7,
      });
      await take('a');
      await take('b', 'FAILED');
      const before = (await read(id)).tasks.map((task) => task.id);
      await fixture.reopen();
      await fixture.orchestrator.restart(id, false);
      const { run, tasks } = await read(id);
      expect(run).toMatchObject({ id, status: 'RUNNING', reason: null, endedMs: 0, correlationId: 'c-1', priority: 7 });
      expect(tasks.map(({ ref, status, seq }) => [seq, ref, status])).toEqual([[1, 'a', 'SCHEDULED']]);
      for (const old of before) expect(await fixture.store.reads.taskById(old)).toBeNull();
      await fixture.reopen();
      expect((await take('a'))?.input.value).toEqual({ x: 1 });
      await takeAll('b', 'c');
      expect(await statusOf(id)).toBe('COMPLETED');
      expect(await fixture.store.reads.correlated('three', ['c-1'], true)).toHaveLength(1);
    });

    test('follows the definition it had, or the latest', async () => {
      const id = await start(fixture.orchestrator, { name: 'three', input: {} });
      await fixture.orchestrator.terminate(id, null);
      await register(fixture.orchestrator, { name: 'three', version: 2, tasks: [work('z')] });
      await fixture.orchestrator.restart(id, false);
      expect((await read(id)).run.version).toBe(1);
      await fixture.orchestrator.terminate(id, null);
      await fixture.orchestrator.restart(id, true);
      expect((await read(id)).run.version).toBe(2);
      await take('z');
      expect(await statusOf(id)).toBe('COMPLETED');
    });

    test('is refused where the definition is not restartable and the run has COMPLETED, and only there', async () => {
      await register(fixture.orchestrator, { name: 'once', restartable: false, tasks: [work('a')] });
      const id = await start(fixture.orchestrator, { name: 'once', input: {} });
      await fixture.orchestrator.terminate(id, null);
      await fixture.orchestrator.restart(id, false);
      await take('a');
      const refused = { code: 'conflict', message: expect.stringContaining('non-restartable') };
      await expect(fixture.orchestrator.restart(id, false)).rejects.toMatchObject(refused);
      await expect(fixture.orchestrator.restart(id, true)).rejects.toMatchObject(refused);
      expect(await statusOf(id)).toBe('COMPLETED');
      await register(fixture.orchestrator, { name: 'once', version: 2, tasks: [work('a')] });
      await fixture.orchestrator.restart(id, true);
      expect(await statusOf(id)).toBe('RUNNING');
    });

    test('of a run that goes on, has a budget, is unknown or whose definition is gone changes nothing', async () => {
      const { orchestrator } = fixture;
      const budget = { stripe: { capUsd: 1, allowedEndpoints: ['POST /v1/payment_intents'] } };
      await register(orchestrator, { name: 'paid', tasks: [work('a')], budget });
      const id = await start(orchestrator, { name: 'three', input: {} });
      await expect(orchestrator.restart(id, false)).rejects.toMatchObject({ code: 'conflict' });
      await expect(orchestrator.restart('unheard', false)).rejects.toMatchObject({ code: 'not_found' });
      const paid = await start(orchestrator, { name: 'paid', input: {} });
      await orchestrator.terminate(paid, null);
      await expect(orchestrator.restart(paid, false)).rejects.toMatchObject({ code: 'conflict' });
      await orchestrator.terminate(id, null);
      await orchestrator.removeDefinition('three', 1);
      await expect(orchestrator.restart(id, true)).rejects.toMatchObject({ code: 'not_found' });
      expect(await summary(id)).toEqual([[1, 'a', 'CANCELED']]);
      expect([await statusOf(id), await statusOf(paid)]).toEqual(['TERMINATED', 'TERMINATED']);
    });

    test('the report of a task of its last life is refused, and its twin is not touched', async () => {
      const id = await start(fixture.orchestrator, { name: 'three', input: {} });
      const [held] = await pollOf(fixture.orchestrator, 'a');
      await fixture.orchestrator.terminate(id, null);
      await fixture.orchestrator.restart(id, false);
      const late = report(fixture.orchestrator, { taskId: held?.task.id, status: 'COMPLETED' });
      await expect(late).rejects.toMatchObject({ code: 'not_found' });
      expect(await summary(id)).toEqual([[1, 'a', 'SCHEDULED']]);
    });

    test('times out anew, by its own clock', async () => {
      await register(fixture.orchestrator, {
        name: 'timed',
        timeoutSeconds: 10,
        timeoutPolicy: 'TIME_OUT_WF',
        tasks: [work('a')],
      });
      const id = await start(fixture.orchestrator, { name: 'timed', input: {} });
      await fixture.orchestrator.terminate(id, null);
      await fixture.orchestrator.restart(id, false);
      const { run } = await read(id);
      expect(run.dueMs - run.createdMs).toBe(10_000);
    });

    test('many at once, over and over, leave one life of each', async () => {
      const ids = await Promise.all(
        Array.from({ length: 10 }, () => start(fixture.orchestrator, { name: 'three', input: {} })),
      );
      for (let lap = 0; lap < 3; lap += 1) {
        const all = ids.flatMap((id) => [
          fixture.orchestrator.terminate(id, null),
          fixture.orchestrator.restart(id, false),
          fixture.orchestrator.rerun(id, WHOLE),
        ]);
        await Promise.allSettled(all);
      }
      await Promise.allSettled(ids.map((id) => fixture.orchestrator.terminate(id, null)));
      for (const id of ids) {
        await fixture.orchestrator.restart(id, false);
        expect(await summary(id)).toEqual([[1, 'a', 'SCHEDULED']]);
      }
      await fixture.reopen();
      for (const type of ['a', 'b', 'c']) for (const _ of ids) await take(type);
      expect(await Promise.all(ids.map(statusOf))).toEqual(ids.map(() => 'COMPLETED'));
    });
  });

  describe('rerun', () => {
    test('from a task keeps what came before it, its logs too, and does the rest again', async () => {
      const { orchestrator } = fixture;
      const id = await start(orchestrator, { name: 'three', input: { x: 1 } });
      const first = await take('a');
      await orchestrator.addLog(first?.id ?? '', 'kept');
      const second = await take('b');
      await orchestrator.addLog(second?.id ?? '', 'gone');
      await take('c');
      expect(await statusOf(id)).toBe('COMPLETED');
      await orchestrator.rerun(id, { ...WHOLE, taskId: await taskId(id, 'b') });
      expect(await summary(id)).toEqual([
        [1, 'a', 'COMPLETED'],
        [2, 'b', 'SCHEDULED'],
      ]);
      expect(await taskId(id, 'a')).toBe(first?.id);
      const logs = await fixture.store.reads.logs([first?.id ?? '', second?.id ?? '']);
      expect(logs.map(({ log }) => log)).toEqual(['kept']);
      await fixture.reopen();
      expect((await take('b'))?.input.value).toEqual({ got: 'a' });
      await take('c');
      expect(await statusOf(id)).toBe('COMPLETED');
    });

    test('takes another input for the task or the run, and another correlation id', async () => {
      const { orchestrator } = fixture;
      const id = await start(orchestrator, { name: 'three', input: { x: 1 } });
      await takeAll('a', 'b', 'c');
      await orchestrator.rerun(id, { ...WHOLE, taskId: await taskId(id, 'b'), taskInput: { got: 'else' } });
      expect((await take('b'))?.input.value).toEqual({ got: 'else' });
      await take('c');
      await orchestrator.rerun(id, { ...WHOLE, input: { x: 2 }, correlationId: 'new' });
      expect((await take('a'))?.input.value).toEqual({ x: 2 });
      expect((await read(id)).run).toMatchObject({ correlationId: 'new' });
    });

    test('of a task that is not there, or while the run goes on, changes nothing', async () => {
      const { orchestrator } = fixture;
      const id = await start(orchestrator, { name: 'three', input: {} });
      const other = await start(orchestrator, { name: 'three', input: {} });
      const open = { ...WHOLE, taskId: await taskId(id, 'a') };
      await expect(orchestrator.rerun(id, open)).rejects.toMatchObject({ code: 'conflict' });
      await orchestrator.terminate(id, null);
      for (const wrong of ['nothing', await taskId(other, 'a')]) {
        await expect(orchestrator.rerun(id, { ...WHOLE, taskId: wrong })).rejects.toMatchObject({
          code: 'invalid_request',
          message: `Task ${wrong} not found in the workflow or below it.`,
        });
      }
      await expect(orchestrator.rerun('unheard', open)).rejects.toMatchObject({ code: 'not_found' });
      expect(await summary(id)).toEqual([[1, 'a', 'CANCELED']]);
    });

    describe('with workflows in workflows', () => {
      let outer: string;
      const childOf = async (id: string) => (await read(id)).tasks.findLast(({ subRunId }) => subRunId)?.subRunId ?? '';

      beforeEach(async () => {
        await register(fixture.orchestrator, { name: 'middle', tasks: [work('m'), child('s', 'three'), work('n')] });
        await register(fixture.orchestrator, { name: 'outer', tasks: [child('o', 'middle'), work('z')] });
        outer = await start(fixture.orchestrator, { name: 'outer', input: {} });
        await takeAll('m', 'a', 'b', 'c', 'n');
      });

      test('a task of a child of its child: all between wait again, and what came after is done again', async () => {
        await take('z');
        expect(await statusOf(outer)).toBe('COMPLETED');
        const middle = await childOf(outer);
        const inner = await childOf(middle);
        await fixture.orchestrator.rerun(outer, { ...WHOLE, taskId: await taskId(inner, 'b') });
        await fixture.reopen();
        expect(await summary(outer)).toEqual([[1, 'o', 'IN_PROGRESS']]);
        expect(await summary(middle)).toEqual([
          [1, 'm', 'COMPLETED'],
          [2, 's', 'IN_PROGRESS'],
        ]);
        expect(await summary(inner)).toEqual([
          [1, 'a', 'COMPLETED'],
          [2, 'b', 'SCHEDULED'],
        ]);
        expect([await childOf(outer), await childOf(middle)]).toEqual([middle, inner]);
        await takeAll('b', 'c', 'n', 'z');
        expect(await Promise.all([outer, middle, inner].map(statusOf))).toEqual(Array(3).fill('COMPLETED'));
      });

      test('of a child takes the parents along that had failed with it', async () => {
        await take('z', 'FAILED');
        const middle = await childOf(outer);
        await fixture.orchestrator.rerun(middle, { ...WHOLE, taskId: await taskId(middle, 'n') });
        expect(await statusOf(outer)).toBe('FAILED');
        await take('n');
        expect([await statusOf(middle), await statusOf(outer)]).toEqual(['COMPLETED', 'FAILED']);

        const again = await start(fixture.orchestrator, { name: 'outer', input: {} });
        await takeAll('m', 'a');
        await take('b', 'FAILED');
        const failed = await childOf(again);
        await fixture.orchestrator.restart(failed, false);
        expect([await statusOf(failed), await statusOf(again)]).toEqual(['RUNNING', 'RUNNING']);
        await takeAll('m', 'a', 'b', 'c', 'n', 'z');
        expect([await statusOf(failed), await statusOf(again)]).toEqual(['COMPLETED', 'COMPLETED']);
      });
    });
  });

  test('a task is skipped before its turn, with an output that others read; refused when it is too late', async () => {
    const { orchestrator } = fixture;
    const id = await start(orchestrator, { name: 'three', input: {} });
    await orchestrator.skip(id, 'b', Json.of({ why: 'not needed' }), Json.of({ by: 'nobody' }));
    for (const [ref, words] of [
      ['a', 'it is too late to skip it'],
      ['b', 'it is too late to skip it'],
      ['x', 'no task with the reference name x'],
    ] as const) {
      const refused = orchestrator.skip(id, ref, Json.of({}), Json.of({}));
      await expect(refused).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining(words) });
    }
    await fixture.reopen();
    await takeAll('a', 'c');
    expect(await summary(id)).toEqual([
      [1, 'a', 'COMPLETED'],
      [2, 'b', 'SKIPPED'],
      [3, 'c', 'COMPLETED'],
    ]);
    const [, skipped] = (await read(id)).tasks;
    expect(skipped).toMatchObject({ pollCount: 0, executed: true });
    expect([skipped?.input.value, skipped?.output.value]).toEqual([{ why: 'not needed' }, { by: 'nobody' }]);
    expect(await statusOf(id)).toBe('COMPLETED');
    await expect(fixture.orchestrator.skip(id, 'c', Json.of({}), Json.of({}))).rejects.toMatchObject({
      code: 'conflict',
    });
  });
});
