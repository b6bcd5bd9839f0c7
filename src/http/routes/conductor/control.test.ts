import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openConductor, sequence, type TestConductor } from './conductor.fixture.ts';

let conductor: TestConductor;

const typed = (type: string, ref: string, more: object = {}) => ({ name: ref, taskReferenceName: ref, type, ...more });
const child = (ref: string, name: string) => typed('SUB_WORKFLOW', ref, { subWorkflowParam: { name } });
const once = (name: string, ...tasks: string[]) => {
  const made = sequence(name, ...tasks);
  return { ...made, tasks: made.tasks.map((task) => ({ ...task, retryCount: 0 })) };
};

beforeAll(async () => {
  conductor = await openConductor({
    worker: ['task:*:poll', 'task:*:update'],
    starts: ['workflow:two:execute'],
    managesTwo: ['workflow:two:read', 'workflow:two:manage'],
    readsOuter: ['workflow:two:manage', 'workflow:outer:read'],
    managesOuter: ['workflow:outer:read', 'workflow:outer:manage'],
    signals: ['task:WAIT:update', 'workflow:waits:read'],
  });
  await conductor.call('PUT', '/api/metadata/workflow', [
    once('two', 'a', 'b'),
    once('other', 'a'),
    { name: 'outer', tasks: [child('o', 'two')] },
    { name: 'quick', tasks: [typed('NOOP', 'n')], outputParameters: { got: '${workflow.input.x}' } },
    { name: 'waits', tasks: [typed('WAIT', 'w'), typed('WAIT', 'w2')] },
    { name: 'above', tasks: [child('s', 'waits')] },
    {
      name: 'varied',
      tasks: [typed('WAIT', 'w'), typed('WAIT', 'v')],
      outputParameters: { v: '${workflow.variables.v}', w: '${w.output.by}' },
    },
  ]);
});
afterAll(() => conductor.stop());

const start = async (name: string, key?: string) =>
  (await conductor.call('POST', `/api/workflow/${name}`, {}, key)).text;
const read = async (id: string) => (await conductor.call('GET', `/api/workflow/${id}`)).json;
const statusOf = async (id: string) => (await read(id)).status;
const report = (id: string, ref: string, status = 'COMPLETED') =>
  conductor.call('POST', `/api/tasks/${id}/${ref}/${status}`, { by: ref });

/** An execution of `two` whose second task failed. */
async function failed(): Promise<string> {
  const id = await start('two');
  await report(id, 'a_1');
  await report(id, 'b_2', 'FAILED');
  return id;
}

describe('retry', () => {
  it('answers 204 without a type, and the failed task is there again', async () => {
    const id = await failed();
    const retried = await conductor.call('POST', `/api/workflow/${id}/retry?resumeSubworkflowTasks=false`, {});
    expect(retried).toMatchObject({ status: 204, type: null, text: '' });
    const run = await read(id);
    expect(run).toMatchObject({ status: 'RUNNING', failedReferenceTaskNames: [], failedTaskNames: [], endTime: 0 });
    expect(run.lastRetriedTime).toBeGreaterThan(0);
    expect(run.tasks.slice(1)).toMatchObject([
      { referenceTaskName: 'b_2', status: 'FAILED', retried: true },
      { referenceTaskName: 'b_2', status: 'SCHEDULED', retryCount: 1, retriedTaskId: run.tasks[1].taskId },
    ]);
    await report(id, 'b_2');
    expect(await statusOf(id)).toBe('COMPLETED');
  });

  it('is 409 where nothing can be retried, 404 where nothing is', async () => {
    const id = await start('two');
    expect((await conductor.call('POST', `/api/workflow/${id}/retry`)).json.message).toContain('still running');
    expect((await conductor.call('POST', `/api/workflow/${await start('quick')}/retry`)).status).toBe(409);
    expect((await conductor.call('POST', '/api/workflow/unheard/retry')).status).toBe(404);
  });

  it('needs to be allowed to manage the execution, and what goes on with it', async () => {
    const id = await failed();
    const retry = (of: string, key: string) => conductor.call('POST', `/api/workflow/${of}/retry`, {}, key);
    expect((await retry(id, 'starts')).status).toBe(404);
    expect((await retry(id, 'managesTwo')).status).toBe(204);
    const outer = await start('outer');
    const inner = (await read(outer)).tasks[0].subWorkflowId;
    await report(inner, 'a_1', 'FAILED');
    expect((await retry(inner, 'managesTwo')).status).toBe(403);
    expect([await statusOf(outer), await statusOf(inner)]).toEqual(['FAILED', 'FAILED']);
    expect((await retry(inner, 'managesTwo')).json.message).not.toContain('outer');
    expect((await retry(inner, 'readsOuter')).json.message).toContain('workflow:outer:manage');
    expect((await conductor.call('POST', `/api/workflow/${inner}/retry`)).status).toBe(204);
    expect([await statusOf(outer), await statusOf(inner)]).toEqual(['RUNNING', 'RUNNING']);
  });
});

describe('bulk', () => {
  const bulk = (method: string, name: string, ids: unknown, key?: string) =>
    conductor.call(method, `/api/workflow/bulk/${name}`, ids, key);

  it('does to each what it would do to one, and says which it could not', async () => {
    const ids = [await start('two'), await start('two')];
    const paused = await bulk('PUT', 'pause', [...ids, 'unheard', ...ids]);
    expect(paused).toMatchObject({ status: 200, type: 'application/json' });
    expect(paused.json).toEqual({
      bulkErrorResults: { unheard: 'No such workflow found by id: unheard' },
      bulkSuccessfulResults: ids,
      message: 'Bulk Request has been processed.',
    });
    expect(await statusOf(ids[0] ?? '')).toBe('PAUSED');
    expect((await bulk('PUT', 'resume', ids)).json.bulkSuccessfulResults).toEqual(ids);
    expect((await bulk('POST', 'terminate?reason=enough', ids)).json.bulkSuccessfulResults).toEqual(ids);
    expect(await read(ids[1] ?? '')).toMatchObject({ status: 'TERMINATED', reasonForIncompletion: 'enough' });
    expect((await bulk('POST', 'retry', ids)).json.bulkSuccessfulResults).toEqual(ids);
    expect((await bulk('POST', 'retry', ids)).json.bulkErrorResults).toMatchObject({
      [ids[0] ?? '']: expect.stringContaining('still running'),
    });
  });

  it('deletes executions that have ended, or ends them first', async () => {
    const [over, open] = [await failed(), await start('two')];
    const removed = (await bulk('DELETE', 'remove', [over, open])).json;
    expect(removed.bulkSuccessfulResults).toEqual([over]);
    expect(removed.bulkErrorResults).toEqual({ [open]: expect.stringContaining('Terminate it first') });
    expect((await bulk('DELETE', 'terminate-remove?reason=enough', [open])).json.bulkSuccessfulResults).toEqual([open]);
    for (const id of [over, open]) expect((await conductor.call('GET', `/api/workflow/${id}`)).status).toBe(404);
  });

  it('takes 1 to 1,000 ids, and touches only what the caller may manage', async () => {
    for (const ids of [[], {}, [1], Array(1001).fill('x')]) {
      expect((await bulk('POST', 'terminate', ids)).status).toBe(400);
    }
    const [own, other] = [await start('two'), await start('other')];
    const { bulkErrorResults, bulkSuccessfulResults } = (await bulk('POST', 'terminate', [own, other], 'managesTwo'))
      .json;
    expect(bulkSuccessfulResults).toEqual([own]);
    expect(bulkErrorResults).toEqual({ [other]: `No such workflow found by id: ${other}` });
    expect(await statusOf(other)).toBe('RUNNING');
  });
});

describe('execute', () => {
  const execute = (path: string, body: unknown, key?: string) =>
    conductor.call('POST', `/api/workflow/execute/${path}`, body, key);

  it('answers the execution when it has ended', async () => {
    const answer = await execute('quick/0?requestId=r-1&waitUntilTaskRef=&waitForSeconds=0', {
      name: 'quick',
      version: 1,
      input: { x: 7 },
      correlationId: 'c',
      idempotencyStrategy: 'FAIL',
    });
    expect(answer).toMatchObject({ status: 200, type: 'application/json' });
    const { workflowId } = answer.json;
    expect(answer.json).toMatchObject({
      responseType: 'TARGET_WORKFLOW',
      targetWorkflowId: workflowId,
      targetWorkflowStatus: 'COMPLETED',
      signalTimeout: false,
      requestId: 'r-1',
      correlationId: 'c',
      status: 'COMPLETED',
      priority: 0,
      input: { x: 7 },
      output: { got: 7 },
      variables: {},
      tasks: [{ referenceTaskName: 'n', status: 'COMPLETED', workflowTask: { type: 'NOOP' } }],
    });
    expect(await conductor.store.reads.historyReads(workflowId)).toHaveLength(1);
  });

  it('answers when a named task has ended, and when the time is up, with how it stands', async () => {
    const named = execute('two/1?waitUntilTaskRef=x,a_1', {});
    const taken = await conductor.call('GET', '/api/tasks/poll/batch/a?timeout=5000&count=100');
    for (const { workflowInstanceId } of taken.json) await report(workflowInstanceId, 'a_1');
    expect((await named).json).toMatchObject({ status: 'RUNNING', signalTimeout: false });
    expect((await execute('two/1?waitForSeconds=1', null)).json).toMatchObject({
      status: 'RUNNING',
      signalTimeout: true,
    });
  });

  it('answers at once when the execution waits for somebody, in the form that is asked for', async () => {
    const as = async (strategy: string) => (await execute(`above/1?returnStrategy=${strategy}`, {})).json;
    const whole = await as('TARGET_WORKFLOW');
    expect(whole).toMatchObject({ status: 'RUNNING', signalTimeout: false, tasks: [{ referenceTaskName: 's' }] });
    const blocking = await as('BLOCKING_WORKFLOW');
    expect(blocking).toMatchObject({ responseType: 'BLOCKING_WORKFLOW', tasks: [{ referenceTaskName: 'w' }] });
    expect(blocking.workflowId).not.toBe(blocking.targetWorkflowId);
    expect(await as('BLOCKING_TASK')).toMatchObject({
      targetWorkflowStatus: 'RUNNING',
      taskType: 'WAIT',
      referenceTaskName: 'w',
      status: 'IN_PROGRESS',
      workflowType: 'waits',
    });
    expect((await execute('quick/1?returnStrategy=BLOCKING_TASK_INPUT', {})).text).toBe('null');
    expect((await execute('quick/1?returnStrategy=ALL', {})).status).toBe(400);
  });

  it('needs to be allowed to execute and to read; a wrong request starts nothing', async () => {
    const before = (await conductor.call('GET', '/api/workflow/running/two')).json.length;
    expect((await execute('two/1', {}, 'starts')).status).toBe(403);
    expect((await execute('two/1', {}, 'managesTwo')).status).toBe(403);
    expect((await execute('unheard/1', {})).status).toBe(404);
    for (const path of ['two/latest', 'two/1?waitForSeconds=601', 'two/1?returnStrategy=ALL']) {
      expect((await execute(path, {})).status).toBe(400);
    }
    expect((await execute('two/1', [1])).status).toBe(400);
    expect((await conductor.call('GET', '/api/workflow/running/two')).json).toHaveLength(before);
  });
});

describe('signal', () => {
  const signal = (id: string, rest = '', key?: string, status = 'COMPLETED') =>
    conductor.call('POST', `/api/tasks/${id}/${status}/signal${rest}`, { ok: 1 }, key);

  it('completes the task that waits, also that of a child, with the body as output', async () => {
    const id = await start('above');
    expect(await signal(id)).toMatchObject({ status: 200, type: null, length: '0', text: '' });
    const [{ subWorkflowId }] = (await read(id)).tasks;
    expect((await read(subWorkflowId)).tasks).toMatchObject([
      { referenceTaskName: 'w', status: 'COMPLETED', outputData: { ok: 1 } },
      { referenceTaskName: 'w2', status: 'IN_PROGRESS' },
    ]);
    const ended = await signal(id, '/sync?returnStrategy=TARGET_WORKFLOW');
    expect(ended.json).toMatchObject({ workflowId: id, status: 'COMPLETED', signalTimeout: false });
    expect((await signal(id, '/sync')).status).toBe(404);
    expect((await signal(id)).json.message).toBe(`No task of workflow ${id} waits for a signal.`);
  });

  it('answers with what the execution waits for next', async () => {
    const id = await start('waits');
    const next = await signal(id, '/sync?returnStrategy=BLOCKING_TASK&timeoutMillis=1000');
    expect(next.json).toMatchObject({ responseType: 'BLOCKING_TASK', referenceTaskName: 'w2', targetWorkflowId: id });
    expect((await signal(id, '', undefined, 'DONE')).status).toBe(400);
    expect((await signal(id, '/sync?returnStrategy=ALL')).status).toBe(400);
    expect((await read(id)).tasks[1].status).toBe('IN_PROGRESS');
  });

  it('needs to be allowed to update that task, and to read what is answered', async () => {
    const [waits, two] = [await start('waits'), await start('two')];
    expect((await signal(waits, '', 'managesTwo')).status).toBe(404);
    expect((await signal(two, '', 'managesTwo')).json.message).toBe(`No such workflow found by id: ${two}`);
    expect((await signal(waits, '/sync', 'worker')).status).toBe(404);
    expect((await signal(waits, '', 'signals')).status).toBe(200);
    expect((await signal(waits, '/sync', 'signals')).json).toMatchObject({ status: 'COMPLETED' });
  });
});

describe('restart', () => {
  it('answers 204 without a type, and the execution begins again under its id', async () => {
    const id = await failed();
    const path = `/api/workflow/${id}/restart`;
    expect(await conductor.call('POST', `${path}?useLatestDefinitions=false`)).toMatchObject({ status: 204, text: '' });
    expect((await read(id)).tasks).toMatchObject([{ referenceTaskName: 'a_1', status: 'SCHEDULED' }]);
    expect((await conductor.call('POST', path)).status).toBe(409);
    expect((await conductor.call('POST', '/api/workflow/unheard/restart')).status).toBe(404);
    for (const ref of ['a_1', 'b_2']) await report(id, ref);
    expect(await statusOf(id)).toBe('COMPLETED');
  });

  it('of many says which it could not', async () => {
    const [over, open] = [await failed(), await start('two')];
    const answer = await conductor.call('POST', '/api/workflow/bulk/restart?useLatestDefinitions=true', [over, open]);
    expect(answer.json).toMatchObject({
      bulkErrorResults: { [open]: expect.stringContaining('still running') },
      bulkSuccessfulResults: [over],
    });
  });

  it('needs to be allowed to manage the execution, and what goes on with it', async () => {
    const outer = await start('outer');
    const inner = (await read(outer)).tasks[0].subWorkflowId;
    await report(inner, 'a_1', 'FAILED');
    const restart = (key?: string) => conductor.call('POST', `/api/workflow/${inner}/restart`, undefined, key);
    expect((await restart('starts')).status).toBe(404);
    expect(await restart('managesTwo')).toMatchObject({ status: 403 });
    expect((await restart('managesTwo')).json.message).not.toContain('outer');
    expect((await restart()).status).toBe(204);
    expect([await statusOf(outer), await statusOf(inner)]).toEqual(['RUNNING', 'RUNNING']);
  });
});

describe('rerun', () => {
  const rerun = (id: string, body: unknown, key?: string) =>
    conductor.call('POST', `/api/workflow/${id}/rerun`, body, key);

  it('from a task answers the id as text, and keeps what came before', async () => {
    const id = await failed();
    const [kept, again] = (await read(id)).tasks;
    const body = { reRunFromWorkflowId: id, reRunFromTaskId: again.taskId, taskInput: { own: 1 }, unknownToUs: 1 };
    expect(await rerun(id, body)).toMatchObject({ status: 200, type: 'text/plain', text: id });
    expect((await read(id)).tasks).toMatchObject([
      { taskId: kept.taskId, status: 'COMPLETED', endTime: kept.endTime, seq: 1 },
      { referenceTaskName: 'b_2', status: 'SCHEDULED', inputData: { own: 1 }, retryCount: 0, seq: 2 },
    ]);
    await report(id, 'b_2');
    expect(await statusOf(id)).toBe('COMPLETED');
    expect((await rerun(id, undefined)).text).toBe(id);
    expect((await read(id)).tasks).toHaveLength(1);
  });

  it('says what is wrong: 400 for a task that is not there or a wrong body, 409 while it goes on', async () => {
    const id = await failed();
    const { taskId } = (await read(await failed())).tasks[0];
    expect((await rerun(id, { reRunFromTaskId: taskId })).json.message).toBe(
      `Task ${taskId} not found in the workflow or below it.`,
    );
    expect((await rerun(id, { reRunFromTaskId: 7 })).status).toBe(400);
    expect((await rerun(id, { workflowInput: [] })).status).toBe(400);
    expect((await rerun(await start('two'), {})).status).toBe(409);
    expect((await rerun('unheard', {})).status).toBe(404);
  });

  it('needs to be allowed to manage it and all between, and to execute it where it brings an input', async () => {
    const id = await failed();
    expect((await rerun(id, {}, 'starts')).status).toBe(404);
    expect((await rerun(id, { workflowInput: { x: 1 } }, 'managesTwo')).json.message).toContain('workflow:two:execute');
    expect((await rerun(id, {}, 'managesTwo')).status).toBe(200);
    const outer = await start('outer');
    const inner = (await read(outer)).tasks[0].subWorkflowId;
    const { taskId } = (await read(inner)).tasks[0];
    await report(inner, 'a_1', 'FAILED');
    for (const [of, key, other] of [
      [inner, 'managesTwo', 'outer'],
      [outer, 'managesOuter', 'two'],
    ] as const) {
      const refused = await rerun(of, { reRunFromTaskId: taskId }, key);
      expect(refused.status).toBe(403);
      expect(refused.json.message).not.toContain(other);
    }
    expect((await rerun(inner, { reRunFromTaskId: taskId }, 'readsOuter')).json.message).toContain('workflow:outer');
    expect((await rerun(outer, { reRunFromTaskId: taskId })).status).toBe(200);
    expect([await statusOf(outer), await statusOf(inner)]).toEqual(['RUNNING', 'RUNNING']);
  });

  it('of an execution whose parent has completed asks nothing of that', async () => {
    const outer = await start('outer');
    const inner = (await read(outer)).tasks[0].subWorkflowId;
    for (const ref of ['a_1', 'b_2']) await report(inner, ref);
    expect(await statusOf(outer)).toBe('COMPLETED');
    expect((await rerun(inner, {}, 'managesTwo')).status).toBe(200);
    expect([await statusOf(outer), await statusOf(inner)]).toEqual(['COMPLETED', 'RUNNING']);
  });
});

describe('skiptask', () => {
  const skip = (id: string, ref: string, body?: unknown, key?: string) =>
    conductor.call('PUT', `/api/workflow/${id}/skiptask/${ref}`, body, key);

  it('puts a SKIPPED task into the history, which the execution goes past', async () => {
    const id = await start('two');
    const body = { taskInput: { why: 'x' }, taskOutput: { by: 'nobody' } };
    expect(await skip(id, 'b_2', body)).toMatchObject({ status: 200, text: '' });
    expect((await read(id)).tasks[1]).toMatchObject({
      referenceTaskName: 'b_2',
      status: 'SKIPPED',
      inputData: { why: 'x' },
      outputData: { by: 'nobody' },
    });
    await report(id, 'a_1');
    expect(await read(id)).toMatchObject({ status: 'COMPLETED', output: { by: 'nobody' } });
  });

  it('is refused when it is too late, unknown, malformed or not allowed', async () => {
    const id = await start('two');
    expect((await skip(id, 'a_1')).json.message).toContain('it is too late to skip it');
    expect((await skip(id, 'nothing', {})).status).toBe(409);
    expect((await skip(id, 'b_2', { taskOutput: 'text' })).status).toBe(400);
    expect((await skip('unheard', 'b_2')).status).toBe(404);
    expect((await skip(id, 'b_2', {}, 'starts')).status).toBe(404);
    expect((await skip(id, 'b_2', {}, 'managesTwo')).status).toBe(200);
  });
});

describe('resetcallbacks', () => {
  it('hands out now what a worker asked to have back later', async () => {
    const id = await start('other');
    const [task] = (await read(id)).tasks;
    const poll = () => conductor.call('GET', '/api/tasks/poll/batch/a?count=100&timeout=0');
    const held = (tasks: { taskId: string }[]) => tasks.some(({ taskId }) => taskId === task.taskId);
    expect(held((await poll()).json)).toBe(true);
    const report = { taskId: task.taskId, workflowInstanceId: id, status: 'IN_PROGRESS', callbackAfterSeconds: 3600 };
    await conductor.call('POST', '/api/tasks', report);
    expect(held((await poll()).json)).toBe(false);
    const reset = (key?: string) => conductor.call('POST', `/api/workflow/${id}/resetcallbacks`, undefined, key);
    expect((await reset('managesTwo')).status).toBe(404);
    expect(await reset()).toMatchObject({ status: 204, type: null });
    expect((await read(id)).tasks).toMatchObject([{ status: 'SCHEDULED', callbackAfterSeconds: 0 }]);
    expect(held((await poll()).json)).toBe(true);
    await conductor.call('DELETE', `/api/workflow/${id}`);
    expect((await reset()).status).toBe(409);
  });
});

describe('variables and state', () => {
  const variables = (id: string, body: unknown, key?: string) =>
    conductor.call('POST', `/api/workflow/${id}/variables`, body, key);
  const state = (id: string, body: unknown, key?: string) =>
    conductor.call('POST', `/api/workflow/${id}/state?requestId=r&waitForSeconds=5`, body, key);

  it('are laid over those of the execution, and answered with it', async () => {
    const id = await start('varied');
    await variables(id, { v: 1, kept: true });
    expect((await variables(id, { v: 2 })).json).toMatchObject({ workflowId: id, variables: { v: 2, kept: true } });
    expect((await variables(id, [])).status).toBe(400);
    expect((await variables(id, { big: 'x'.repeat(300_000) })).status).toBe(413);
    expect((await variables('unheard', {})).status).toBe(404);
    expect((await variables(id, {}, 'managesTwo')).status).toBe(404);
    await conductor.call('DELETE', `/api/workflow/${id}`);
    expect((await variables(id, { v: 3 })).status).toBe(409);
    expect((await read(id)).variables).toEqual({ v: 2, kept: true });
  });

  it('go together with the result of a task, and the answer waits for what follows', async () => {
    const id = await start('varied');
    const first = await state(id, {
      variables: { v: 'new' },
      taskReferenceName: 'w',
      taskResult: { status: 'COMPLETED', outputData: { by: 'state' } },
    });
    expect(first.json).toMatchObject({ responseType: 'TARGET_WORKFLOW', requestId: 'r', status: 'RUNNING' });
    const gone = { variables: { v: 'lost' }, taskReferenceName: 'w', taskResult: { outputData: {} } };
    expect((await state(id, gone)).status).toBe(404);
    expect((await state(id, { taskResult: {} })).status).toBe(400);
    expect((await state(id, gone, 'managesTwo')).status).toBe(404);
    const last = await state(id, { taskReferenceName: 'v', taskResult: {} });
    expect(last.json).toMatchObject({ status: 'COMPLETED', output: { v: 'new', w: 'state' } });
  });
});

describe('executions of several workflows by correlation id', () => {
  it('are answered by id, for who may read all of them', async () => {
    const begin = (name: string, correlationId: string) =>
      conductor.call('POST', '/api/workflow', { name, correlationId }).then(({ text }) => text);
    const ids = [await begin('two', 'batch-1'), await begin('other', 'batch-1'), await begin('two', 'batch-2')];
    const ask = (workflowNames: string[], key?: string) =>
      conductor.call(
        'POST',
        '/api/workflow/correlated/batch?includeTasks=true',
        { workflowNames, correlationIds: ['batch-1', 'batch-2', 'batch-3'] },
        key,
      );
    const found = (await ask(['two', 'other'])).json;
    expect(found['batch-1'].map((run: { workflowId: string }) => run.workflowId).sort()).toEqual(
      ids.slice(0, 2).sort(),
    );
    expect(found).toMatchObject({ 'batch-2': [{ workflowId: ids[2], tasks: [{}] }], 'batch-3': [] });
    expect((await ask(['two'], 'managesTwo')).status).toBe(200);
    expect((await ask(['two', 'other'], 'managesTwo')).status).toBe(403);
    expect((await ask([])).status).toBe(400);
  });
});
