import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EMPTY_OBJECT, Json } from '../model/json.ts';
import { taskDefinitionSchema } from '../model/task-definition.ts';
import type { Stopper } from './stop.ts';
import { openFixture, pollOf, register, report, start } from './testing/fixture.ts';
import { STORAGES } from './testing/storage.ts';

type Fixture = Awaited<ReturnType<typeof openFixture>>;

describe.each(STORAGES)('on %s', (_, storage) => {
  let fixture: Fixture;
  beforeEach(async () => {
    fixture = await openFixture({ storage });
  });
  afterEach(() => fixture.close());

  const simple = (name: string, inputParameters = {}, more = {}) => ({
    name,
    taskReferenceName: `${name}_ref`,
    type: 'SIMPLE',
    inputParameters,
    ...more,
  });
  const three = {
    name: 'three',
    tasks: [simple('a', { x: '${workflow.input.x}' }), simple('b', { y: '${a_ref.output.y}' }), simple('c')],
  };

  const read = async (id: string) => {
    const found = await fixture.store.reads.run(id, true);
    if (!found) throw new Error(`no run ${id}`);
    return found;
  };

  test('a run of three steps goes from start to COMPLETED, each step seeing the one before', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, three);
    const id = await start(orchestrator, { name: 'three', input: { x: 7 } });
    const [a] = await pollOf(orchestrator, 'a');
    expect(a?.input.value).toEqual({ x: 7 });
    await report(orchestrator, {
      taskId: a?.task.id,
      workflowInstanceId: id,
      status: 'COMPLETED',
      outputData: { y: [1, 2] },
    });
    const [b] = await pollOf(orchestrator, 'b');
    expect(b?.input.value).toEqual({ y: [1, 2] });
    await report(orchestrator, { taskId: b?.task.id, status: 'COMPLETED' });
    const [c] = await pollOf(orchestrator, 'c');
    await report(orchestrator, { taskId: c?.task.id, status: 'COMPLETED', outputData: { done: true } });
    const { run, tasks } = await read(id);
    expect(run.status).toBe('COMPLETED');
    expect(run.output.value).toEqual({ done: true });
    expect(tasks.map((task) => [task.ref, task.status])).toEqual([
      ['a_ref', 'COMPLETED'],
      ['b_ref', 'COMPLETED'],
      ['c_ref', 'COMPLETED'],
    ]);
  });

  test('a waiting poll is woken by the commit that queues its task', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, three);
    const waiting = pollOf(orchestrator, 'a', 1, 20_000);
    await start(orchestrator, { name: 'three' });
    expect((await waiting)[0]?.task.status).toBe('IN_PROGRESS');
  });

  test('K1: no task is handed out twice, however many pollers share the queue', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, three);
    const pollers = Array.from({ length: 20 }, () => pollOf(orchestrator, 'a', 7, 5_000));
    await Promise.all(Array.from({ length: 100 }, () => start(orchestrator, { name: 'three' })));
    const rest: string[] = [];
    for (;;) {
      const more = await pollOf(orchestrator, 'a', 10);
      if (more.length === 0) break;
      rest.push(...more.map((one) => one.task.id));
    }
    const taken = [...(await Promise.all(pollers)).flat().map((one) => one.task.id), ...rest];
    expect(taken).toHaveLength(100);
    expect(new Set(taken).size).toBe(100);
  });

  test('update-v2 answers with the next task of the same queue', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, three);
    await start(orchestrator, { name: 'three' });
    await start(orchestrator, { name: 'three' });
    const [first] = await pollOf(orchestrator, 'a');
    const { next } = await report(orchestrator, { taskId: first?.task.id, status: 'COMPLETED' }, true);
    expect(next?.task.defName).toBe('a');
    expect(next?.task.id).not.toBe(first?.task.id);
    const last = await report(orchestrator, { taskId: next?.task.id, status: 'COMPLETED' }, true);
    expect(last.next).toBeNull();
  });

  test('a second update of the same task is ignored', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, three);
    const id = await start(orchestrator, { name: 'three' });
    const [a] = await pollOf(orchestrator, 'a');
    await report(orchestrator, { taskId: a?.task.id, status: 'COMPLETED', outputData: { y: 1 } });
    await report(orchestrator, { taskId: a?.task.id, status: 'FAILED', outputData: { y: 2 } });
    const { tasks } = await read(id);
    expect(tasks[0]?.status).toBe('COMPLETED');
    expect(tasks[0]?.output.value).toEqual({ y: 1 });
    expect(tasks).toHaveLength(2);
  });

  test('what arrives together is committed together, but not more than a commit should take', async () => {
    const { loop } = fixture;
    const roundsFor = async (chars: number) => {
      const before = loop.rounds;
      await Promise.all([1, 2, 3].map(() => loop.submit({ chars, decide: () => undefined })));
      return loop.rounds - before;
    };
    expect([await roundsFor(0), await roundsFor(10_000_000)]).toEqual([1, 3]);
  });

  test('an update of an unknown task is 404', async () => {
    await expect(report(fixture.orchestrator, { taskId: 'nope', status: 'COMPLETED' })).rejects.toThrow(/not found/i);
  });

  test.each([false, true])(
    'an update that names another run than its task’s is 404 and changes nothing',
    async (v2) => {
      const { orchestrator } = fixture;
      await register(orchestrator, three);
      const id = await start(orchestrator, { name: 'three' });
      const [a] = await pollOf(orchestrator, 'a');
      const other = await start(orchestrator, { name: 'three' });
      const of = (workflowInstanceId: string | null) => {
        return report(orchestrator, { taskId: a?.task.id, workflowInstanceId, status: 'COMPLETED' }, v2);
      };
      for (const wrong of [other, 'unheard']) await expect(of(wrong)).rejects.toThrow(/not found/i);
      expect((await read(id)).tasks[0]?.status).toBe('IN_PROGRESS');
      for (const accepted of ['', null, id]) await of(accepted);
      expect((await read(id)).tasks[0]?.status).toBe('COMPLETED');
      await expect(of(other)).rejects.toThrow(/not found/i);
    },
  );

  test('what was acknowledged survives a restart, and the run goes on', async () => {
    await register(fixture.orchestrator, three);
    const id = await start(fixture.orchestrator, { name: 'three', input: { x: 1 } });
    const [a] = await pollOf(fixture.orchestrator, 'a');
    await fixture.reopen();
    await report(fixture.orchestrator, { taskId: a?.task.id, status: 'COMPLETED', outputData: { y: 5 } });
    await fixture.reopen();
    const [b] = await pollOf(fixture.orchestrator, 'b');
    expect(b?.input.value).toEqual({ y: 5 });
    await report(fixture.orchestrator, { taskId: b?.task.id, status: 'COMPLETED' });
    const [c] = await pollOf(fixture.orchestrator, 'c');
    await report(fixture.orchestrator, { taskId: c?.task.id, status: 'COMPLETED' });
    expect((await read(id)).run.status).toBe('COMPLETED');
  });

  test('K9: terminate cancels what waits, hands out nothing more, and ignores later results', async () => {
    const { orchestrator } = fixture;
    const fork = {
      name: 'forked',
      tasks: [
        { name: 'f', taskReferenceName: 'f', type: 'FORK_JOIN', forkTasks: [[simple('a')], [simple('b')]] },
        { name: 'j', taskReferenceName: 'j', type: 'JOIN', joinOn: ['a_ref', 'b_ref'] },
      ],
    };
    await register(orchestrator, fork);
    const id = await start(orchestrator, { name: 'forked' });
    const [a] = await pollOf(orchestrator, 'a');
    await orchestrator.terminate(id, 'enough');
    expect(await pollOf(orchestrator, 'b')).toEqual([]);
    await report(orchestrator, { taskId: a?.task.id, status: 'COMPLETED' });
    const { run, tasks } = await read(id);
    expect(run).toMatchObject({ status: 'TERMINATED', reason: 'enough' });
    expect(tasks.filter((task) => task.ref !== 'f').map((task) => task.status)).toEqual([
      'CANCELED',
      'CANCELED',
      'CANCELED',
    ]);
    await orchestrator.terminate(id, 'again');
  });

  test('pause holds back what would be scheduled, resume releases it', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, three);
    const id = await start(orchestrator, { name: 'three' });
    const [a] = await pollOf(orchestrator, 'a');
    await orchestrator.pause(id);
    await report(orchestrator, { taskId: a?.task.id, status: 'COMPLETED' });
    expect(await pollOf(orchestrator, 'b')).toEqual([]);
    await orchestrator.resume(id);
    expect(await pollOf(orchestrator, 'b')).toHaveLength(1);
    await expect(orchestrator.resume(id)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('K7: a concurrency limit holds, and a freed slot releases the next task at once', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, three, { name: 'a', concurrentExecLimit: 3 });
    await Promise.all(Array.from({ length: 10 }, () => start(orchestrator, { name: 'three' })));
    const held = await pollOf(orchestrator, 'a', 10);
    expect(held).toHaveLength(3);
    expect(await pollOf(orchestrator, 'a', 10)).toEqual([]);
    const waiting = pollOf(orchestrator, 'a', 10, 20_000);
    await report(orchestrator, { taskId: held[0]?.task.id, status: 'COMPLETED' });
    expect(await waiting).toHaveLength(1);
  });

  test.each([{ concurrentExecLimit: 2 }, { rateLimitPerFrequency: 2, rateLimitFrequencyInSeconds: 3600 }])(
    'a limit that is raised or removed wakes the polls that wait for it, in a domain too: %o',
    async (limit) => {
      const { orchestrator } = fixture;
      const raise = (more: object) =>
        orchestrator.putTaskDefinitions([taskDefinitionSchema.parse({ name: 'a', ...more })]);
      await register(orchestrator, three, { name: 'a', ...limit });
      for (let i = 0; i < 4; i += 1) await start(orchestrator, { name: 'three' });
      for (let i = 0; i < 2; i += 1) await start(orchestrator, { name: 'three', taskToDomain: { a: 'eu' } });
      expect(await pollOf(orchestrator, 'a', 4)).toHaveLength(2);
      const raised = pollOf(orchestrator, 'a', 1, 20_000);
      // By the time this one has been refused, that one has been too.
      expect(await pollOf(orchestrator, 'a')).toEqual([]);
      await raise(Object.fromEntries(Object.entries(limit).map(([key, value]) => [key, value === 2 ? 3 : value])));
      expect(await raised).toHaveLength(1);
      const inDomain = pollOf(orchestrator, 'a', 2, 20_000, 'eu');
      expect(await pollOf(orchestrator, 'a', 1, 0, 'eu')).toEqual([]);
      await orchestrator.removeTaskDefinition('a');
      expect(await inDomain).toHaveLength(2);
    },
    15_000,
  );

  test('K7: a rate limit holds in every window and releases when the window has moved on', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, three, { name: 'a', rateLimitPerFrequency: 4, rateLimitFrequencyInSeconds: 1 });
    await Promise.all(Array.from({ length: 10 }, () => start(orchestrator, { name: 'three' })));
    const times: number[] = [];
    while (times.length < 10) {
      for (const { task } of await pollOf(orchestrator, 'a', 10, 5_000)) times.push(task.startedMs);
    }
    times.sort((x, y) => x - y);
    for (let i = 4; i < times.length; i += 1)
      expect((times[i] ?? 0) - (times[i - 4] ?? 0)).toBeGreaterThanOrEqual(1000);
  });

  test('priority goes first, and first in first out within a priority', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, three);
    const ids: string[] = [];
    for (const priority of [0, 5, 5, 99]) ids.push(await start(orchestrator, { name: 'three', priority }));
    const taken = await pollOf(orchestrator, 'a', 4);
    expect(taken.map((one) => one.run.id)).toEqual([ids[3], ids[1], ids[2], ids[0]]);
  });

  test('a task in a domain is only handed to pollers of that domain', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, three);
    await start(orchestrator, { name: 'three', taskToDomain: { a: 'gpu' } });
    expect(await pollOf(orchestrator, 'a')).toEqual([]);
    expect(await pollOf(orchestrator, 'a', 1, 0, 'gpu')).toHaveLength(1);
  });

  test('K5: a sub-workflow runs, and its end goes back to its parent in the same commit', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, three);
    await register(orchestrator, {
      name: 'outer',
      tasks: [
        {
          name: 's',
          taskReferenceName: 's',
          type: 'SUB_WORKFLOW',
          subWorkflowParam: { name: 'three' },
          inputParameters: { x: 3 },
        },
        simple('after', { got: '${s.output.done}' }),
      ],
    });
    const id = await start(orchestrator, { name: 'outer' });
    for (const type of ['a', 'b', 'c']) {
      const [task] = await pollOf(orchestrator, type);
      await report(orchestrator, { taskId: task?.task.id, status: 'COMPLETED', outputData: { done: type } });
    }
    const [after] = await pollOf(orchestrator, 'after');
    expect(after?.input.value).toEqual({ got: 'c' });
    expect(after?.run.id).toBe(id);
  });

  test('a sub-workflow spends from the nearest budget of its line', async () => {
    const { orchestrator } = fixture;
    const budget = { stripe: { capUsd: 1, allowedEndpoints: ['*'] } };
    const around = (name: string, inner: string, more: object = {}) =>
      register(orchestrator, {
        ...{ name, ...more },
        tasks: [{ name: inner, taskReferenceName: 's', type: 'SUB_WORKFLOW', subWorkflowParam: { name: inner } }],
      });
    await register(orchestrator, three);
    await around('bare', 'three');
    await around('capped', 'bare', { budget });
    await around('outer', 'capped', { budget });
    const line = [await start(orchestrator, { name: 'outer' })];
    for (const _ of ['capped', 'bare', 'three']) line.push((await read(line.at(-1) ?? '')).tasks[0]?.subRunId ?? '');
    const payers = await Promise.all(line.map(async (id) => (await read(id)).run.payers));
    const [outer, capped] = line;
    expect(payers).toEqual([outer, capped, capped, capped].map((stripe) => ({ stripe })));
    expect((await read(await start(orchestrator, { name: 'bare' }))).run.payers).toBeUndefined();
  });

  test('terminating a parent terminates its open child', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, three);
    await register(orchestrator, {
      name: 'outer',
      tasks: [{ name: 's', taskReferenceName: 's', type: 'SUB_WORKFLOW', subWorkflowParam: { name: 'three' } }],
    });
    const id = await start(orchestrator, { name: 'outer' });
    const child = (await read(id)).tasks[0]?.subRunId ?? '';
    await orchestrator.terminate(id, 'stop');
    expect((await read(child)).run.status).toBe('TERMINATED');
    expect(await pollOf(orchestrator, 'a')).toEqual([]);
  });

  test('a failure workflow that is not there is not named, and the reason says so', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, { ...three, name: 'failing', failureWorkflow: 'undo' });
    const id = await start(orchestrator, { name: 'failing' });
    const [task] = await pollOf(orchestrator, 'a');
    await report(orchestrator, { taskId: task?.task.id, status: 'FAILED_WITH_TERMINAL_ERROR' });
    const { run } = await read(id);
    expect(run.output.object).not.toHaveProperty(['conductor.failure_workflow']);
    expect(run.reason).toContain('No such workflow defined. name=undo');
  });

  test('a workflow that starts itself without end fails instead of holding the loop', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, {
      name: 'self',
      tasks: [{ name: 's', taskReferenceName: 's', type: 'SUB_WORKFLOW', subWorkflowParam: { name: 'self' } }],
    });
    const id = await start(orchestrator, { name: 'self' });
    expect((await read(id)).run.status).toBe('FAILED');
  });

  test('idempotent start: the same key gives the same run under RETURN_EXISTING, a conflict under FAIL', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, three);
    const request = { name: 'three', idempotencyKey: 'k', idempotencyStrategy: 'RETURN_EXISTING' };
    const ids = await Promise.all(Array.from({ length: 20 }, () => start(orchestrator, request)));
    expect(new Set(ids).size).toBe(1);
    expect(await start(orchestrator, request)).toBe(ids[0]);
    await expect(start(orchestrator, { ...request, idempotencyStrategy: 'FAIL' })).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  test('timers: WAIT ends on time, and also after a restart', async () => {
    const wait = { name: 'w', taskReferenceName: 'w', type: 'WAIT', inputParameters: { duration: '1s' } };
    await register(fixture.orchestrator, { name: 'waiting', tasks: [wait, simple('a')] });
    await start(fixture.orchestrator, { name: 'waiting' });
    expect(await pollOf(fixture.orchestrator, 'a')).toEqual([]);
    await fixture.reopen();
    expect(await pollOf(fixture.orchestrator, 'a', 1, 5_000)).toHaveLength(1);
  });

  test('a failed attempt is retried after its delay, under a new task id', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, three, { name: 'a', retryCount: 1, retryDelaySeconds: 1 });
    await start(orchestrator, { name: 'three' });
    const [first] = await pollOf(orchestrator, 'a');
    await report(orchestrator, { taskId: first?.task.id, status: 'FAILED', reasonForIncompletion: 'no' });
    expect(await pollOf(orchestrator, 'a')).toEqual([]);
    const [second] = await pollOf(orchestrator, 'a', 1, 5_000);
    expect(second?.task).toMatchObject({ attempt: 1, retriedTaskId: first?.task.id });
  });

  test('a poller that went away before its answer gives its task back', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, three);
    const gone = new AbortController();
    const waiting = orchestrator.poll({
      taskType: 'a',
      workerId: 'w',
      domain: null,
      count: 1,
      timeoutMs: 20_000,
      signal: gone.signal,
    });
    const started = start(orchestrator, { name: 'three' });
    await new Promise((resolve) => setImmediate(resolve));
    gone.abort();
    await started;
    expect(await waiting).toEqual([]);
    expect(await pollOf(orchestrator, 'a', 1, 5_000)).toHaveLength(1);
  });

  test('runs that were dropped from memory are loaded again when their task is polled or reported', async () => {
    const small = await openFixture({ storage, limits: { cachedTasks: 5 } });
    try {
      const { orchestrator } = small;
      await register(orchestrator, three);
      const ids = await Promise.all(Array.from({ length: 50 }, () => start(orchestrator, { name: 'three' })));
      expect(orchestrator.stats().cachedRuns).toBeLessThan(10);
      for (const type of ['a', 'b', 'c']) {
        for (let left = 50; left > 0; ) {
          const tasks = await pollOf(orchestrator, type, 10, 5_000);
          left -= tasks.length;
          await Promise.all(tasks.map((one) => report(orchestrator, { taskId: one.task.id, status: 'COMPLETED' })));
        }
      }
      for (const id of ids) expect((await small.store.reads.run(id, false))?.run.status).toBe('COMPLETED');
    } finally {
      await small.close();
    }
  });

  test('what an in-process worker gives may be no larger than what any worker may', async () => {
    const output = Json.of({ text: 'x'.repeat(3000) });
    const execute = async () => ({ status: 'COMPLETED' as const, output, reason: null });
    const worker = { queue: 'HTTP', concurrency: 1, execute };
    const inside = await openFixture({ storage, workers: [worker], limits: { payloadBytesMax: 2000 } });
    try {
      const inputParameters = { http_request: { uri: 'http://x', method: 'GET' } };
      const task = { name: 'h', taskReferenceName: 'h', type: 'HTTP', inputParameters };
      await register(inside.orchestrator, { name: 'large', tasks: [task] });
      const id = await start(inside.orchestrator, { name: 'large' });
      const ended = await inside.orchestrator.awaitRun({ runId: id, refs: [], waitMs: 10_000 });
      expect(ended?.run.status).toBe('FAILED');
      expect(ended?.tasks).toMatchObject([{ status: 'FAILED_WITH_TERMINAL_ERROR', output: { text: '{}' } }]);
      expect(ended?.tasks[0]?.reason).toBe('The task output has more than 2000 bytes.');
    } finally {
      await inside.close();
    }
  });

  test('an in-process worker runs its queue, and runs again what a stopped process left', async () => {
    const seen: string[] = [];
    let hang = true;
    const worker = {
      queue: 'HTTP',
      concurrency: 2,
      execute: async (task: { id: string }, _run: unknown, _input: unknown, stop: Stopper) => {
        seen.push(task.id);
        if (hang) await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
        return { status: 'COMPLETED' as const, output: Json.of({ ok: 1 }), reason: null };
      },
    };
    const inside = await openFixture({ storage, workers: [worker] });
    try {
      await register(inside.orchestrator, {
        name: 'h',
        tasks: [
          {
            name: 'h',
            taskReferenceName: 'h',
            type: 'HTTP',
            inputParameters: { http_request: { uri: 'http://x', method: 'GET' } },
          },
          simple('a', { v: '${h.output.ok}' }),
        ],
      });
      await start(inside.orchestrator, { name: 'h' });
      hang = false;
      await inside.reopen();
      const [a] = await pollOf(inside.orchestrator, 'a', 1, 5_000);
      expect(a?.input.value).toEqual({ v: 1 });
      expect(new Set(seen).size).toBe(1);
      expect(seen).toHaveLength(2);
    } finally {
      await inside.close();
    }
  });

  test('by-reference update completes the open task; an unknown one is null', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, three);
    const id = await start(orchestrator, { name: 'three' });
    expect(await orchestrator.updateByRef(id, 'zz', 'COMPLETED', EMPTY_OBJECT, null)).toBeNull();
    expect(await orchestrator.updateByRef(id, 'a_ref', 'COMPLETED', EMPTY_OBJECT, null)).toBe(
      (await read(id)).tasks[0]?.id,
    );
  });

  test('remove deletes an ended run and refuses a running one', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, three);
    const id = await start(orchestrator, { name: 'three' });
    await expect(orchestrator.remove(id)).rejects.toMatchObject({ code: 'invalid_request' });
    await orchestrator.terminate(id, null);
    await orchestrator.remove(id);
    expect(await fixture.store.reads.run(id, true)).toBeNull();
  });

  test('first in stays first out for tasks of a run that is not in memory', async () => {
    const branches = Array.from({ length: 300 }, (_, n) => [{ ...simple('a'), taskReferenceName: `a${n}` }]);
    await register(fixture.orchestrator, {
      name: 'wide',
      tasks: [
        { name: 'f', taskReferenceName: 'f', type: 'FORK_JOIN', forkTasks: branches },
        { name: 'j', taskReferenceName: 'j', type: 'JOIN' },
      ],
    });
    await start(fixture.orchestrator, { name: 'wide' });
    await fixture.reopen();
    const taken: string[] = [];
    for (let left = 300; left > 0; left -= 20) {
      const tasks = await pollOf(fixture.orchestrator, 'a', 20);
      taken.push(...tasks.map((one) => one.task.ref));
    }
    expect(taken).toEqual(branches.map((_, n) => `a${n}`));
  });
});
