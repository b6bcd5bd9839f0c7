// Whoever waits for a run is told by the commit that it waited for, also of children, and also where another process
// may write.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EMPTY_OBJECT } from '../model/json.ts';
import { openFixture, pollOf, register, report, start } from './testing/fixture.ts';
import { STORAGES } from './testing/storage.ts';

const LONG_MS = 20_000;
const work = (name: string) => ({ name, taskReferenceName: name, type: 'SIMPLE' });
const typed = (type: string, ref: string, more: object = {}) => ({ name: ref, taskReferenceName: ref, type, ...more });
const child = (ref: string, name: string) => typed('SUB_WORKFLOW', ref, { subWorkflowParam: { name } });

describe.each(STORAGES)('on %s', (_, storage) => {
  let fixture: Awaited<ReturnType<typeof openFixture>>;
  beforeEach(async () => {
    fixture = await openFixture({ storage });
  });
  afterEach(() => fixture.close());

  const wait = (runId: string, refs: readonly string[] = [], waitMs = LONG_MS, signal?: AbortSignal) =>
    fixture.orchestrator.awaitRun({ runId, refs, waitMs, ...(signal ? { signal } : {}) });
  const run = async (definition: { readonly name: string; readonly tasks: readonly object[] }) => {
    await register(fixture.orchestrator, definition);
    return start(fixture.orchestrator, { name: definition.name, input: {} });
  };
  async function take(type: string) {
    const [handed] = await pollOf(fixture.orchestrator, type, 1, 1000);
    await report(fixture.orchestrator, { taskId: handed?.task.id, status: 'COMPLETED' });
  }

  test('a run that ends at once is answered at once, one that workers end when they do', async () => {
    const quick = await run({ name: 'quick', tasks: [typed('NOOP', 'n')] });
    expect(await wait(quick)).toMatchObject({ run: { status: 'COMPLETED' }, blocked: null, isLate: false });
    const slow = await run({ name: 'slow', tasks: [work('a'), work('b')] });
    const waiting = wait(slow);
    await take('a');
    await take('b');
    expect(await waiting).toMatchObject({ run: { status: 'COMPLETED' }, isLate: false });
    expect((await waiting)?.tasks).toHaveLength(2);
    expect(await wait('unheard')).toBeNull();
  });

  test('a step that is waited for ends the waiting, though the run goes on', async () => {
    const id = await run({ name: 'two', tasks: [work('a'), work('b')] });
    const waiting = wait(id, ['b', 'a']);
    await take('a');
    expect(await waiting).toMatchObject({ run: { status: 'RUNNING' }, isLate: false });
  });

  test('a WAIT without a time, in a child of a child and after a worker, is found; one with a time is not', async () => {
    const inner = [work('a'), typed('WAIT', 'w')];
    await register(fixture.orchestrator, { name: 'inner', tasks: inner });
    await register(fixture.orchestrator, { name: 'middle', tasks: [child('m', 'inner')] });
    const timed = typed('WAIT', 'timed', { inputParameters: { duration: '1 day' } });
    const id = await run({ name: 'outer', tasks: [child('o', 'middle'), timed] });
    const waiting = wait(id);
    await take('a');
    const { blocked } = (await waiting) ?? {};
    expect(blocked).toMatchObject({ run: { name: 'inner' }, task: { ref: 'w' } });
    expect(await wait(id, [], 0)).toMatchObject({ blocked: { task: { ref: 'w' } }, isLate: false });
    const on = wait(id, ['o']);
    await fixture.orchestrator.updateByRef(blocked?.run.id ?? '', 'w', 'COMPLETED', EMPTY_OBJECT, null);
    expect(await on).toMatchObject({ run: { name: 'outer', status: 'RUNNING' } });
    expect(await wait(id, [], 1)).toMatchObject({ blocked: null, isLate: true });
  });

  test('who goes away is answered at once', async () => {
    const id = await run({ name: 'one', tasks: [work('a')] });
    const caller = new AbortController();
    const waiting = wait(id, [], LONG_MS, caller.signal);
    caller.abort();
    expect(await waiting).toMatchObject({ isLate: true });
  });
});
