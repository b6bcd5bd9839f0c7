// A run that failed goes on after a retry, on every store, after a restart too, and takes its parents with it.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
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

describe.each(STORAGES)('on %s', (_, storage) => {
  let fixture: Awaited<ReturnType<typeof openFixture>>;
  beforeEach(async () => {
    fixture = await openFixture({ storage });
  });
  afterEach(() => fixture.close());

  const read = async (id: string) => {
    const found = await fixture.store.reads.run(id, true);
    if (!found) throw new Error(`no run ${id}`);
    return found;
  };
  const statusOf = async (id: string) => (await read(id)).run.status;

  /** Polls a task of the type and reports on it. */
  async function take(type: string, status = 'COMPLETED') {
    const [handed] = await pollOf(fixture.orchestrator, type, 1, 1000);
    await report(fixture.orchestrator, { taskId: handed?.task.id, status, outputData: { by: type } });
    return handed;
  }

  test('hands the failed task out again and completes, also when all was restarted in between', async () => {
    await register(fixture.orchestrator, { name: 'two', tasks: [work('a'), work('b')] });
    const id = await start(fixture.orchestrator, { name: 'two', input: {} });
    await take('a');
    await take('b', 'FAILED');
    expect(await statusOf(id)).toBe('FAILED');
    await fixture.reopen();
    await fixture.orchestrator.retry(id, false);
    expect((await read(id)).run).toMatchObject({ status: 'RUNNING', reason: null, endedMs: 0 });
    await fixture.reopen();
    expect((await take('b'))?.task.attempt).toBe(1);
    const { run, tasks } = await read(id);
    expect(run).toMatchObject({ status: 'COMPLETED' });
    expect(run.output.value).toEqual({ by: 'b' });
    expect(tasks.map((task) => [task.ref, task.status])).toEqual([
      ['a', 'COMPLETED'],
      ['b', 'FAILED'],
      ['b', 'COMPLETED'],
    ]);
  });

  test('brings back a fork that was terminated; the reports of its old tasks are ignored', async () => {
    const fork = { name: 'f', taskReferenceName: 'f', type: 'FORK_JOIN', forkTasks: [[work('a')], [work('b')]] };
    const join = { name: 'j', taskReferenceName: 'j', type: 'JOIN', joinOn: ['a', 'b'] };
    await register(fixture.orchestrator, { name: 'forked', tasks: [fork, join] });
    const id = await start(fixture.orchestrator, { name: 'forked', input: {} });
    await take('a');
    const [held] = await pollOf(fixture.orchestrator, 'b');
    await fixture.orchestrator.terminate(id, 'stop');
    await fixture.orchestrator.retry(id, false);
    await report(fixture.orchestrator, { taskId: held?.task.id, status: 'COMPLETED' });
    expect(await statusOf(id)).toBe('RUNNING');
    await take('b');
    const { run, tasks } = await read(id);
    expect(run.status).toBe('COMPLETED');
    const joined = tasks.filter(({ ref }) => ref === 'j');
    expect(joined.map(({ output }) => output.value)).toEqual([{ a: { by: 'a' }, b: { by: 'b' } }]);
  });

  test('of a run that goes on, has completed or does not exist changes nothing', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, { name: 'one', tasks: [work('a')] });
    const id = await start(orchestrator, { name: 'one', input: {} });
    await expect(orchestrator.retry(id, false)).rejects.toMatchObject({ code: 'conflict' });
    await take('a');
    await expect(orchestrator.retry(id, false)).rejects.toMatchObject({ code: 'conflict' });
    await expect(orchestrator.retry('unheard', false)).rejects.toMatchObject({ code: 'not_found' });
  });

  describe('with workflows in workflows', () => {
    let outer: string;
    const childOf = async (id: string) => (await read(id)).tasks.findLast(({ subRunId }) => subRunId)?.subRunId ?? '';

    beforeEach(async () => {
      await register(fixture.orchestrator, { name: 'inner', tasks: [work('a'), work('b')] });
      await register(fixture.orchestrator, { name: 'middle', tasks: [child('m', 'inner')] });
      await register(fixture.orchestrator, { name: 'outer', tasks: [child('o', 'middle'), work('z')] });
      outer = await start(fixture.orchestrator, { name: 'outer', input: {} });
      await take('a');
      await take('b', 'FAILED');
      expect(await statusOf(outer)).toBe('FAILED');
    });

    test('a failed child is retried where it failed when asked, and its parents wait for it', async () => {
      const middle = await childOf(outer);
      const inner = await childOf(middle);
      await fixture.orchestrator.retry(outer, true);
      expect([await statusOf(outer), await statusOf(middle), await statusOf(inner)]).toEqual(Array(3).fill('RUNNING'));
      expect([await childOf(outer), await childOf(middle)]).toEqual([middle, inner]);
      await take('b');
      await take('z');
      expect(await statusOf(outer)).toBe('COMPLETED');
      expect((await read(inner)).tasks).toHaveLength(3);
    });

    test('else a new child is started', async () => {
      const middle = await childOf(outer);
      await fixture.orchestrator.retry(outer, false);
      expect(await childOf(outer)).not.toBe(middle);
      expect(await statusOf(middle)).toBe('FAILED');
      for (const type of ['a', 'b', 'z']) await take(type);
      expect(await statusOf(outer)).toBe('COMPLETED');
    });

    test('retrying the innermost takes all that failed because of it along', async () => {
      const middle = await childOf(outer);
      const inner = await childOf(middle);
      await fixture.orchestrator.retry(inner, false);
      expect([await statusOf(outer), await statusOf(middle)]).toEqual(['RUNNING', 'RUNNING']);
      for (const type of ['b', 'z']) await take(type);
      expect([await statusOf(outer), await statusOf(inner)]).toEqual(['COMPLETED', 'COMPLETED']);
    });
  });
});
