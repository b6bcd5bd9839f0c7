import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../app.ts';
import { openConductor, sequence, type TestConductor } from './conductor.fixture.ts';
import { conductorRoutes } from './conductor-routes.ts';

let conductor: TestConductor;
let workflows = 0;

beforeAll(async () => {
  conductor = await openConductor({
    worker: ['task:mine:poll', 'task:mine:update'],
    reader: ['workflow:*:read'],
    stranger: ['task:theirs:poll', 'task:theirs:update'],
  });
});
afterAll(() => conductor.stop());

const VOID = { status: 200, type: null, length: '0', text: '' };
const BARE_204 = { status: 204, type: null, length: null, text: '' };

/** A workflow of its own for every test, so that no test takes another's tasks. Answers the execution's id. */
async function start(taskNames: readonly string[], input: object = {}): Promise<string> {
  workflows += 1;
  const name = `w${workflows}`;
  await conductor.call('POST', '/api/metadata/workflow', sequence(name, ...taskNames));
  return (await conductor.call('POST', '/api/workflow', { name, input })).text;
}

async function take(type: string, count = 1) {
  return (await conductor.call('GET', `/api/tasks/poll/batch/${type}?count=${count}&workerid=w&timeout=0`)).json;
}

function result(task: { taskId: string; workflowInstanceId: string }, status = 'COMPLETED', rest: object = {}) {
  return { taskId: task.taskId, workflowInstanceId: task.workflowInstanceId, status, ...rest };
}

const read = async (id: string) => (await conductor.call('GET', `/api/workflow/${id}`)).json;

describe('polling', () => {
  it('finds nothing: a batch answers 200 [], a single poll a bare 204', async () => {
    const batch = await conductor.call('GET', '/api/tasks/poll/batch/nothing?count=5&timeout=1');
    expect(batch).toMatchObject({ status: 200, type: 'application/json', text: '[]' });
    expect(await conductor.call('GET', '/api/tasks/poll/nothing?timeout=1')).toMatchObject(BARE_204);
  });

  it('K1: hands out a task once, with everything that workers need', async () => {
    const id = await start(['full'], { amount: 5, note: null });
    const polled = await conductor.call('GET', '/api/tasks/poll/full?workerid=w-1');
    expect(polled).toMatchObject({ status: 200, type: 'application/json' });
    const task = polled.json;
    expect(task).toMatchObject({
      taskType: 'full',
      taskDefName: 'full',
      referenceTaskName: 'full_1',
      status: 'IN_PROGRESS',
      workflowInstanceId: id,
      workflowType: `w${workflows}`,
      inputData: { given: { amount: 5, note: null } },
      outputData: {},
      retryCount: 0,
      pollCount: 1,
      seq: 1,
      iteration: 0,
      callbackAfterSeconds: 0,
      responseTimeoutSeconds: 3600,
      workerId: 'w-1',
      workflowTask: { name: 'full', taskReferenceName: 'full_1', type: 'SIMPLE' },
    });
    expect(task.scheduledTime).toBeGreaterThan(0);
    expect(task.startTime).toBeGreaterThanOrEqual(task.scheduledTime);
    expect(await take('full')).toEqual([]);
  });

  it('is refused to who calls himself a process of the server, and a report keeps the name that the task has', async () => {
    await start(['owned']);
    const refused = await conductor.call('GET', '/api/tasks/poll/batch/owned?workerid=server:mine&timeout=0');
    expect(refused).toMatchObject({ status: 400, json: { validationErrors: [{ path: 'workerid' }] } });
    const [task] = await take('owned');
    const kept = result(task, 'IN_PROGRESS', { workerId: 'server:mine' });
    expect((await conductor.call('POST', '/api/tasks', kept)).status).toBe(200);
    expect((await conductor.call('GET', `/api/tasks/${task.taskId}`)).json.workerId).toBe('w');
    const byRef = `/api/tasks/${task.workflowInstanceId}/owned_1/IN_PROGRESS?workerid=server:mine`;
    expect((await conductor.call('POST', byRef, {})).status).toBe(400);
  });

  it('waits for a task and gets it when it is queued', async () => {
    const waiting = conductor.call('GET', '/api/tasks/poll/batch/late?count=2&timeout=5000');
    const id = await start(['late']);
    expect((await waiting).json).toMatchObject([{ workflowInstanceId: id, status: 'IN_PROGRESS' }]);
  });

  it('takes as many as asked for', async () => {
    for (const _ of [1, 2, 3]) await start(['many']);
    expect(await take('many', 2)).toHaveLength(2);
    expect(await take('many', 2)).toHaveLength(1);
  });

  it('refuses what it cannot mean', async () => {
    for (const query of ['timeout=5001', 'timeout=soon', 'timeout=-1', 'count=0', 'count=1.5']) {
      const refused = await conductor.call('GET', `/api/tasks/poll/batch/any?${query}`);
      expect(refused.status, query).toBe(400);
      expect(refused.json.validationErrors[0].path).toBe(query.split('=')[0]);
    }
  });

  it('needs the permission of the type', async () => {
    expect((await conductor.call('GET', '/api/tasks/poll/batch/mine?timeout=0', undefined, 'worker')).status).toBe(200);
    expect((await conductor.call('GET', '/api/tasks/poll/batch/mine?timeout=0', undefined, 'stranger')).status).toBe(
      403,
    );
    expect((await conductor.call('GET', '/api/tasks/poll/theirs', undefined, 'worker')).status).toBe(403);
  });
});

describe('reporting', () => {
  it('answers the bare id, and the workflow goes on', async () => {
    const id = await start(['first', 'second']);
    const [task] = await take('first');
    const updated = await conductor.call('POST', '/api/tasks', result(task, 'COMPLETED', { outputData: { ok: null } }));
    expect(updated).toMatchObject({ status: 200, type: 'text/plain', text: task.taskId });
    expect((await read(id)).tasks).toMatchObject([
      { status: 'COMPLETED', outputData: { ok: null }, executed: true },
      { status: 'SCHEDULED', referenceTaskName: 'second_2' },
    ]);
  });

  it('update-v2 answers the next task of the type, or a bare 204', async () => {
    const [first, second] = [await start(['chain']), await start(['chain'])];
    const [task] = await take('chain');
    const next = await conductor.call('POST', '/api/tasks/update-v2', result(task));
    expect(next).toMatchObject({ status: 200, type: 'application/json' });
    expect(new Set([task.workflowInstanceId, next.json.workflowInstanceId])).toEqual(new Set([first, second]));
    expect(next.json).toMatchObject({ status: 'IN_PROGRESS', taskType: 'chain' });
    expect(await conductor.call('POST', '/api/tasks/update-v2', result(next.json))).toMatchObject(BARE_204);
    expect((await read(first)).status).toBe('COMPLETED');
    expect((await read(second)).status).toBe('COMPLETED');
  });

  it('extends a lease without changing anything else', async () => {
    const id = await start(['leased']);
    const [task] = await take('leased');
    const body = result(task, 'IN_PROGRESS', { extendLease: true, workerId: 'w' });
    expect((await conductor.call('POST', '/api/tasks', body)).status).toBe(200);
    expect((await read(id)).tasks).toMatchObject([{ status: 'IN_PROGRESS', taskId: task.taskId, pollCount: 1 }]);
  });

  it('of a task that is done is ignored with 200', async () => {
    const id = await start(['done']);
    const [task] = await take('done');
    await conductor.call('POST', '/api/tasks', result(task, 'COMPLETED', { outputData: { n: 1 } }));
    const late = await conductor.call('POST', '/api/tasks', result(task, 'FAILED', { outputData: { n: 2 } }));
    expect(late).toMatchObject({ status: 200, type: 'text/plain', text: task.taskId });
    expect(await conductor.call('POST', '/api/tasks/update-v2', result(task, 'FAILED'))).toMatchObject(BARE_204);
    expect(await read(id)).toMatchObject({ status: 'COMPLETED', tasks: [{ outputData: { n: 1 } }] });
  });

  it('of an unknown task is 404', async () => {
    const body = { taskId: 'unheard', workflowInstanceId: 'unheard', status: 'COMPLETED' };
    for (const path of ['/api/tasks', '/api/tasks/update-v2']) {
      const answer = await conductor.call('POST', path, body);
      expect(answer.status).toBe(404);
      expect(answer.json.message).toBe('Task not found for taskId: unheard');
    }
  });

  it('K12: FAILED_WITH_TERMINAL_ERROR ends retries at once and its reason is shown', async () => {
    const id = await start(['fatal']);
    const [task] = await take('fatal');
    const body = result(task, 'FAILED_WITH_TERMINAL_ERROR', { reasonForIncompletion: 'cap_exhausted: no money' });
    await conductor.call('POST', '/api/tasks', body);
    const run = await read(id);
    expect(run).toMatchObject({ status: 'FAILED', failedReferenceTaskNames: ['fatal_1'], failedTaskNames: ['fatal'] });
    expect(run.reasonForIncompletion).toContain('cap_exhausted: no money');
    expect(run.tasks).toMatchObject([
      { status: 'FAILED_WITH_TERMINAL_ERROR', reasonForIncompletion: 'cap_exhausted: no money' },
    ]);
  });

  it('K11: every attempt stays in the history with its input, output, times and reason', async () => {
    await conductor.call('POST', '/api/metadata/taskdefs', [{ name: 'flaky', retryCount: 1, retryDelaySeconds: 0 }]);
    const id = await start(['flaky'], { n: 7 });
    const [first] = await take('flaky');
    const failure = { reasonForIncompletion: 'try again', outputData: { tried: 1 } };
    await conductor.call('POST', '/api/tasks', result(first, 'FAILED', failure));
    const waited = '/api/tasks/poll/batch/flaky?count=1&timeout=5000';
    const [second] = (await conductor.call('GET', waited)).json;
    await conductor.call('POST', '/api/tasks', result(second, 'COMPLETED', { outputData: { tried: 2 } }));
    const { tasks, status } = await read(id);
    expect(status).toBe('COMPLETED');
    expect(tasks).toMatchObject([
      {
        taskId: first.taskId,
        status: 'FAILED',
        retryCount: 0,
        retried: true,
        reasonForIncompletion: 'try again',
        inputData: { given: { n: 7 } },
        outputData: { tried: 1 },
      },
      {
        taskId: second.taskId,
        status: 'COMPLETED',
        retryCount: 1,
        retriedTaskId: first.taskId,
        outputData: { tried: 2 },
      },
    ]);
    for (const task of tasks) expect(task.endTime).toBeGreaterThanOrEqual(task.startTime);
    expect(tasks[0].startTime).toBeGreaterThan(0);
  });

  it('with a wrong body is 400, too large 413, and the task is untouched', async () => {
    const id = await start(['strict']);
    const [task] = await take('strict');
    const wrong = [
      {},
      [],
      { ...result(task), taskId: '' },
      result(task, 'DONE'),
      result(task, 'COMPLETED', { outputData: [] }),
      result(task, 'COMPLETED', { callbackAfterSeconds: -1 }),
      result(task, 'COMPLETED', { logs: 'x' }),
    ];
    for (const path of ['/api/tasks', '/api/tasks/update-v2']) {
      for (const body of wrong) expect((await conductor.call('POST', path, body)).status).toBe(400);
      expect((await conductor.send('POST', path, '{"taskId"')).json.code).toBe('malformed_json');
      const deep = `${JSON.stringify(result(task)).slice(0, -1)},"outputData":{"x":${'['.repeat(5000)}${']'.repeat(5000)}}}`;
      expect((await conductor.send('POST', path, deep)).status).toBe(400);
      const large = JSON.stringify(result(task, 'COMPLETED', { outputData: { x: 'x'.repeat(10 * 1024 * 1024) } }));
      expect((await conductor.send('POST', path, large)).status).toBe(413);
    }
    expect((await read(id)).tasks).toMatchObject([{ status: 'IN_PROGRESS', outputData: {} }]);
  });

  it('needs the permission of the type; a stranger is told that there is no such task', async () => {
    const id = await start(['mine']);
    const [task] = await take('mine');
    for (const path of ['/api/tasks', '/api/tasks/update-v2']) {
      const hidden = await conductor.call('POST', path, result(task), 'stranger');
      expect(hidden.status).toBe(404);
      expect(hidden.json.message).toBe(`Task not found for taskId: ${task.taskId}`);
    }
    expect((await conductor.call('POST', '/api/tasks', result(task), 'reader')).status).toBe(403);
    expect((await conductor.call('POST', '/api/tasks', result(task), 'worker')).status).toBe(200);
    // Closed by now: its type is read from the store.
    expect((await conductor.call('POST', '/api/tasks', result(task), 'worker')).status).toBe(200);
    expect((await conductor.call('POST', '/api/tasks', result(task), 'stranger')).status).toBe(404);
    expect((await read(id)).status).toBe('COMPLETED');
  });
});

describe('reporting by reference', () => {
  it('answers the id of the task, and nothing when none is open', async () => {
    const id = await start(['byref']);
    const [task] = await take('byref');
    const done = await conductor.call('POST', `/api/tasks/${id}/byref_1/COMPLETED?workerid=w`, { out: 1 });
    expect(done).toMatchObject({ status: 200, type: 'text/plain', text: task.taskId });
    const none = await conductor.call('POST', `/api/tasks/${id}/byref_1/COMPLETED`, {});
    expect(none).toMatchObject({ status: 200, type: 'text/plain', length: '0', text: '' });
    expect(await read(id)).toMatchObject({ status: 'COMPLETED', tasks: [{ outputData: { out: 1 } }] });
  });

  it('sync answers the execution, or 404 when none is open', async () => {
    const id = await start(['sync']);
    const done = await conductor.call('POST', `/api/tasks/${id}/sync_1/COMPLETED/sync`, { out: 2 });
    expect(done).toMatchObject({ status: 200, type: 'application/json' });
    expect(done.json).toMatchObject({ workflowId: id, status: 'COMPLETED', tasks: [{ outputData: { out: 2 } }] });
    const none = await conductor.call('POST', `/api/tasks/${id}/sync_1/COMPLETED/sync`, {});
    expect(none.status).toBe(404);
    expect(none.json.message).toMatch(/^Found no running task/);
  });

  it('knows its statuses, its body and its permissions', async () => {
    const id = await start(['mine']);
    expect((await conductor.call('POST', `/api/tasks/${id}/mine_1/DONE`, {})).status).toBe(400);
    expect((await conductor.call('POST', `/api/tasks/${id}/mine_1/COMPLETED`, [1])).status).toBe(400);
    expect((await conductor.call('POST', '/api/tasks/unheard/mine_1/COMPLETED', {})).status).toBe(404);
    expect((await conductor.call('POST', `/api/tasks/${id}/mine_1/COMPLETED`, {}, 'stranger')).status).toBe(404);
    // Who may report may not thereby read the history.
    expect((await conductor.call('POST', `/api/tasks/${id}/mine_1/COMPLETED/sync`, {}, 'worker')).status).toBe(404);
    expect((await read(id)).status).toBe('RUNNING');
    expect((await conductor.call('POST', `/api/tasks/${id}/mine_1/COMPLETED`, {}, 'worker')).status).toBe(200);
    expect((await read(id)).status).toBe('COMPLETED');
  });
});

describe('K10: the ack of old clients', () => {
  it.each(['POST', 'PUT'])('%s answers true and changes nothing', async (method) => {
    const id = await start([`acked_${method}`]);
    const [task] = await take(`acked_${method}`);
    const before = await read(id);
    const ack = await conductor.call(method, `/api/tasks/${task.taskId}/ack?workerid=w`, {});
    expect(ack).toMatchObject({ status: 200, type: 'application/json', text: 'true' });
    expect(await read(id)).toEqual(before);
  });
});

describe('logs', () => {
  it('take raw text under any label, and are read back in order', async () => {
    await start(['logged']);
    const [task] = await take('logged');
    const path = `/api/tasks/${task.taskId}/log`;
    expect(await conductor.call('GET', path)).toMatchObject(BARE_204);
    expect(await conductor.send('POST', path, 'plain {not json')).toMatchObject(VOID);
    expect(await conductor.send('POST', path, '"a JSON \\"string\\""')).toMatchObject(VOID);
    expect(await conductor.send('POST', path, '"only begun')).toMatchObject(VOID);
    const logs = await conductor.call('GET', path);
    expect(logs).toMatchObject({ status: 200, type: 'application/json' });
    expect(logs.json).toMatchObject([
      { log: 'plain {not json', taskId: task.taskId },
      { log: 'a JSON "string"', taskId: task.taskId },
      { log: '"only begun', taskId: task.taskId },
    ]);
    expect(logs.json[0].createdTime).toBeGreaterThan(0);
  });

  it('belong to tasks that exist', async () => {
    expect((await conductor.send('POST', '/api/tasks/unheard/log', 'x')).status).toBe(404);
    expect((await conductor.call('GET', '/api/tasks/unheard/log')).status).toBe(404);
  });

  it('are written with the permission of the type and read with that of the workflow', async () => {
    await start(['mine']);
    const [task] = await take('mine');
    const path = `/api/tasks/${task.taskId}/log`;
    expect((await conductor.send('POST', path, 'x', 'worker')).status).toBe(200);
    expect((await conductor.send('POST', path, 'x', 'stranger')).status).toBe(404);
    expect((await conductor.call('GET', path, undefined, 'worker')).status).toBe(404);
    expect((await conductor.call('GET', path, undefined, 'reader')).json).toHaveLength(1);
  });
});

describe('single tasks and queues', () => {
  it('a task is read by id', async () => {
    const id = await start(['single'], { a: null });
    const [task] = await take('single');
    const found = await conductor.call('GET', `/api/tasks/${task.taskId}`);
    expect(found).toMatchObject({ status: 200, type: 'application/json' });
    expect(found.json).toMatchObject({
      taskId: task.taskId,
      workflowInstanceId: id,
      inputData: { given: { a: null } },
    });
    const missing = await conductor.call('GET', '/api/tasks/unheard');
    expect(missing.status).toBe(404);
    expect(missing.json.message).toBe('Task not found for taskId: unheard');
    expect((await conductor.call('GET', `/api/tasks/${task.taskId}`, undefined, 'worker')).status).toBe(404);
  });

  it('queues have sizes', async () => {
    for (const _ of [1, 2]) await start(['sized']);
    const sizes = await conductor.call('GET', '/api/tasks/queue/sizes?taskType=sized&taskType=absent');
    expect(sizes.json).toEqual({ sized: 2, absent: 0 });
    expect((await conductor.call('GET', '/api/tasks/queue/size?taskType=sized')).text).toBe('2');
    expect((await conductor.call('GET', '/api/tasks/queue/all')).json).toMatchObject({ sized: 2 });
    const verbose = (await conductor.call('GET', '/api/tasks/queue/all/verbose')).json;
    expect(Object.values(verbose.sized)).toEqual([{ size: 2, uacked: 0 }]);
    expect((await conductor.call('GET', '/api/tasks/queue/all', undefined, 'worker')).status).toBe(403);
  });

  it('polls leave data', async () => {
    await conductor.call('GET', '/api/tasks/poll/batch/watched?workerid=w-9&domain=eu&timeout=0');
    const data = (await conductor.call('GET', '/api/tasks/queue/polldata?taskType=watched')).json;
    expect(data).toMatchObject([{ queueName: 'watched', domain: 'eu', workerId: 'w-9' }]);
    expect(data[0].lastPollTime).toBeGreaterThan(0);
    const all = (await conductor.call('GET', '/api/tasks/queue/polldata/all')).json;
    expect(all).toContainEqual(expect.objectContaining({ queueName: 'watched' }));
  });

  it('routes of older servers answer and do no harm', async () => {
    expect(await conductor.call('POST', '/api/tasks/queue/requeue/sized')).toMatchObject({
      type: 'text/plain',
      text: '0',
    });
    expect((await conductor.call('GET', '/api/tasks/in_progress/sized')).json).toEqual([]);
    expect(await conductor.call('GET', '/api/tasks/in_progress/a/b')).toMatchObject(BARE_204);
    expect(await conductor.call('DELETE', '/api/tasks/queue/sized/x')).toMatchObject(VOID);
    expect((await conductor.call('GET', '/api/tasks/queue/size?taskType=sized')).text).toBe('2');
  });
});

describe('the server itself', () => {
  it('says that it is well, to anybody', async () => {
    for (const path of ['/health', '/api/health']) {
      const health = await conductor.call('GET', path, undefined, '');
      expect(health.status).toBe(200);
      expect(health.json).toMatchObject({ healthy: true, healthResults: [{ healthy: true }] });
    }
    expect((await conductor.call('GET', '/actuator/health', undefined, '')).json).toEqual({ status: 'UP' });
  });

  it('says with a 503 which part is down when its database has gone, or hangs', async () => {
    const broken = await openConductor();
    await broken.stop();
    const hung = { ...conductor.store.reads, ping: () => new Promise<void>(() => undefined) };
    const { access, orchestrator } = conductor;
    const routes = conductorRoutes({ access, orchestrator, reads: hung, recordRead: async () => {}, version: '1' });
    const app = createApp({ routes, access });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      for (const path of ['/health', '/api/health', '/actuator/health']) {
        const asked = app.request(path);
        await vi.runAllTimersAsync();
        const late = await asked;
        const gone = await broken.call('GET', path, undefined, '');
        expect([late.status, gone.status], path).toEqual([503, 503]);
        expect(late.headers.get('retry-after')).toBe('1');
        expect(await late.json()).toEqual(gone.json);
        expect(gone.text).toContain('store');
      }
    } finally {
      vi.useRealTimers();
    }
  });

  it('says its version and who is asking', async () => {
    expect(await conductor.call('GET', '/api/version')).toMatchObject({ type: 'text/plain', text: '9.9.9' });
    expect((await conductor.call('GET', '/api/version', undefined, '')).status).toBe(401);
    expect((await conductor.call('GET', '/api/token/userInfo', undefined, 'worker')).json).toMatchObject({
      id: 'key_worker',
      name: 'worker',
    });
  });

  it('exchanges a key for a token', async () => {
    const signIn = (keyId: string, keySecret: string) => conductor.call('POST', '/api/token', { keyId, keySecret }, '');
    const signed = await signIn('key_worker', 'worker');
    expect(signed).toMatchObject({ status: 200, type: 'application/json' });
    const asked = await conductor.call('GET', '/api/token/userInfo', undefined, signed.json.token);
    expect(asked.json).toMatchObject({ id: 'key_worker' });
    const wrong = await signIn('key_worker', 'wrong');
    expect(wrong.status).toBe(401);
    // With `error: INVALID_TOKEN` SDKs would fetch a new token to fetch one.
    expect(wrong.json).toMatchObject({ code: 'sign_in_refused', message: expect.stringContaining('no such API key') });
    expect(wrong.json).not.toHaveProperty('error');
    const unsigned = await conductor.call('GET', '/api/token/userInfo', undefined, 'wrong');
    expect(unsigned.json).toMatchObject({ code: 'invalid_credential', error: 'INVALID_TOKEN' });
    expect((await conductor.call('POST', '/api/token', { keyId: 1 }, '')).status).toBe(400);
  });
});
