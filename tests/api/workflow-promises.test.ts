// The first seed's promises about workflows, on the whole orchestrator and a real database.
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HandedTask } from '../../src/orchestrator/orchestrator-api.ts';
import { openFixture, pollOf, register, report, start } from '../../src/orchestrator/testing/fixture.ts';

let fixture: Awaited<ReturnType<typeof openFixture>>;
beforeEach(async () => {
  fixture = await openFixture();
});
afterEach(() => fixture.close());

const simple = (name: string, ref = name, inputParameters = {}) => ({
  name,
  taskReferenceName: ref,
  type: 'SIMPLE',
  inputParameters,
});

async function read(id: string) {
  const found = await fixture.store.reads.run(id, true);
  if (!found) throw new Error(`no run ${id}`);
  return found;
}

/** Takes and answers every task of a type until none is ready. */
async function workOff(
  type: string,
  output: (task: HandedTask) => object,
  statusOf = (_task: HandedTask) => 'COMPLETED',
) {
  const done: HandedTask[] = [];
  for (;;) {
    const tasks = await pollOf(fixture.orchestrator, type, 500);
    if (tasks.length === 0) return done;
    await Promise.all(
      tasks.map((one) =>
        report(fixture.orchestrator, { taskId: one.task.id, status: statusOf(one), outputData: output(one) }),
      ),
    );
    done.push(...tasks);
  }
}

test.each(['printed-before', 'printed-after'])(
  'K2: the definition printed on the page loads and runs: %s',
  async (name) => {
    const printed = JSON.parse(await readFile(new URL(`../../examples/billing/${name}.json`, import.meta.url), 'utf8'));
    await register(fixture.orchestrator, printed);
    const id = await start(fixture.orchestrator, { name: printed.name, input: { plan_id: 'p', budget_usd: 500 } });
    expect((await read(id)).tasks.length).toBeGreaterThan(0);
  },
);

test('K3: branches run at the same time, JOIN waits for all, later tasks see every output', async () => {
  const { orchestrator } = fixture;
  const branches = ['a', 'b', 'c'].map((ref) => [simple('leaf', ref)]);
  await register(orchestrator, {
    name: 'fork',
    tasks: [
      { name: 'FORK_JOIN', taskReferenceName: 'f', forkTasks: branches },
      { name: 'JOIN', taskReferenceName: 'j', joinOn: ['f'] },
      simple('after', 'after', { all: '${j.output}', b: '${b.output.v}' }),
    ],
  });
  await start(orchestrator, { name: 'fork' });
  const taken = await pollOf(orchestrator, 'leaf', 10);
  expect(taken.map((one) => one.task.ref).sort()).toEqual(['a', 'b', 'c']);
  for (const one of taken) {
    expect(await pollOf(orchestrator, 'after')).toEqual([]);
    await report(orchestrator, { taskId: one.task.id, status: 'COMPLETED', outputData: { v: one.task.ref } });
  }
  const [after] = await pollOf(orchestrator, 'after');
  expect(after?.input.value).toEqual({ all: { a: { v: 'a' }, b: { v: 'b' }, c: { v: 'c' } }, b: 'b' });
});

test.each([5_000, 10_000])('K4: a dynamic fork makes one task for each of %i items', async (items) => {
  const { orchestrator } = fixture;
  await register(orchestrator, {
    name: 'wide',
    tasks: [
      {
        name: 'DYNAMIC_FORK_JOIN',
        taskReferenceName: 'f',
        inputParameters: { forkTaskName: 'leaf', forkTaskInputs: '${workflow.input.list}' },
      },
      { name: 'JOIN', taskReferenceName: 'j' },
      simple('after'),
    ],
    outputParameters: { last: '${j.output}' },
  });
  const list = Array.from({ length: items }, (_, n) => ({ n }));
  const id = await start(orchestrator, { name: 'wide', input: { list } });
  const done = await workOff('leaf', (one) => ({ n: one.input.object.n }));
  expect(new Set(done.map((one) => one.input.object.n)).size).toBe(items);
  expect(await workOff('after', () => ({}))).toHaveLength(1);
  const { run } = await read(id);
  expect(run.status).toBe('COMPLETED');
  expect(Object.keys(run.output.object.last ?? {})).toHaveLength(items);
});

test('K5: SWITCH takes the branch that its value names, by value and by script', async () => {
  const { orchestrator } = fixture;
  await register(orchestrator, {
    name: 'choose',
    tasks: [
      {
        name: 's',
        taskReferenceName: 's',
        type: 'SWITCH',
        evaluatorType: 'javascript',
        expression: "$.n > 5 ? 'big' : 'small'",
        inputParameters: { n: '${workflow.input.n}' },
        decisionCases: { big: [simple('big')], small: [simple('small')] },
      },
    ],
  });
  await start(orchestrator, { name: 'choose', input: { n: 9 } });
  expect(await pollOf(orchestrator, 'small')).toEqual([]);
  expect(await pollOf(orchestrator, 'big')).toHaveLength(1);
});

test('K6: with retryCount 3 a failing task is attempted four times at most', async () => {
  const { orchestrator } = fixture;
  const rules = { name: 'leaf', retryCount: 3, retryDelaySeconds: 0 };
  await register(orchestrator, { name: 'failing', tasks: [simple('leaf')] }, rules);
  const id = await start(orchestrator, { name: 'failing' });
  const attempts = await workOff(
    'leaf',
    () => ({}),
    () => 'FAILED',
  );
  expect(attempts.map((one) => one.task.attempt)).toEqual([0, 1, 2, 3]);
  expect((await read(id)).run.status).toBe('FAILED');
});

test('K8: a workflow timeout ends the run and schedules nothing more', async () => {
  const { orchestrator } = fixture;
  await register(orchestrator, {
    name: 'slow',
    timeoutSeconds: 1,
    timeoutPolicy: 'TIME_OUT_WF',
    tasks: [simple('leaf'), simple('never')],
  });
  const id = await start(orchestrator, { name: 'slow' });
  const [leaf] = await pollOf(orchestrator, 'leaf');
  expect(await pollOf(orchestrator, 'never', 1, 1_500)).toEqual([]);
  expect((await read(id)).run.status).toBe('TIMED_OUT');
  await report(orchestrator, { taskId: leaf?.task.id, status: 'COMPLETED' });
  expect(await pollOf(orchestrator, 'never')).toEqual([]);
});
