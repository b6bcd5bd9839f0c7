import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../../model/error.ts';
import { ROOT } from '../../access.fixture.ts';
import { createApp } from '../../app.ts';
import { openConductor, sequence, type TestConductor } from './conductor.fixture.ts';
import { conductorRoutes } from './conductor-routes.ts';

let conductor: TestConductor;

beforeAll(async () => {
  conductor = await openConductor({
    seesPlain: ['workflow:plain:read'],
    startsPlain: ['workflow:plain:execute'],
    issuesPlain: ['workflow:plain:execute', 'vault:stripe:issue'],
    managesPlain: ['workflow:plain:read', 'workflow:plain:manage'],
    worker: ['task:*:poll', 'task:*:update'],
  });
  await conductor.call('PUT', '/api/metadata/workflow', [
    sequence('plain', 'step'),
    sequence('other', 'step_of_other'),
    sequence('counted', 'step_of_counted'),
    { ...sequence('versions', 'step_of_versions'), version: 2 },
  ]);
});
afterAll(() => conductor.stop());

const VOID = { status: 200, type: null, length: '0', text: '' };

async function start(name = 'plain', rest: object = {}): Promise<string> {
  const started = await conductor.call('POST', '/api/workflow', { name, input: { n: 1 }, ...rest });
  expect(started).toMatchObject({ status: 200, type: 'text/plain' });
  return started.text;
}

const read = async (id: string) => (await conductor.call('GET', `/api/workflow/${id}`)).json;

/** Takes the open task of an execution by its reference and completes it. */
const finish = (id: string, ref = 'step_1') => conductor.call('POST', `/api/tasks/${id}/${ref}/COMPLETED`, {});

describe('starting', () => {
  it('answers a bare id; the first task is queued by then', async () => {
    const id = await start('plain', { correlationId: 'c-1', priority: 5, createdBy: 'me', version: 1 });
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    const run = await read(id);
    expect(run).toMatchObject({
      workflowId: id,
      workflowName: 'plain',
      workflowVersion: 1,
      status: 'RUNNING',
      input: { n: 1 },
      output: {},
      correlationId: 'c-1',
      priority: 5,
      createdBy: 'me',
      endTime: 0,
      workflowDefinition: { name: 'plain', tasks: [{ taskReferenceName: 'step_1' }] },
      tasks: [{ taskType: 'step', referenceTaskName: 'step_1', status: 'SCHEDULED', inputData: { given: { n: 1 } } }],
    });
    expect(run.tasks[0].workflowTask).toMatchObject({ name: 'step', taskReferenceName: 'step_1' });
    expect(run).not.toHaveProperty('reasonForIncompletion');
  });

  it('by name takes the body as input and the rest from the query', async () => {
    const path = '/api/workflow/plain?version=1&correlationId=c%202&priority=9';
    const started = await conductor.call('POST', path, { a: null, b: [1] });
    expect(started).toMatchObject({ status: 200, type: 'text/plain' });
    expect(await read(started.text)).toMatchObject({ correlationId: 'c 2', priority: 9, input: { a: null, b: [1] } });
    expect((await conductor.call('POST', '/api/workflow/plain')).status).toBe(200);
  });

  it('of an unknown workflow is 404 in the words that clients look for', async () => {
    const whole = await conductor.call('POST', '/api/workflow', { name: 'unheard', version: 3, input: {} });
    expect(whole.status).toBe(404);
    expect(whole.json.message).toBe('No such workflow defined. name=unheard, version=3');
    const byName = await conductor.call('POST', '/api/workflow/unheard?version=3', {});
    expect(byName.status).toBe(404);
    expect(byName.json.message).toBe('No such workflow found by name: unheard, version: 3');
  });

  it('with a wrong body is 400, and nothing is started', async () => {
    const wrong = [
      {},
      [],
      'counted',
      { name: 'counted', version: 'one' },
      { name: 'counted', priority: 100 },
      { name: 'counted', input: [1] },
      { name: 'counted', taskToDomain: { a: 1 } },
      { name: 'counted', workflowDef: { name: 'counted', tasks: [] } },
    ];
    for (const body of wrong) expect((await conductor.call('POST', '/api/workflow', body)).status).toBe(400);
    expect((await conductor.send('POST', '/api/workflow', 'name=counted')).json).toMatchObject({
      code: 'malformed_json',
    });
    expect((await conductor.call('POST', '/api/workflow/counted', [1])).status).toBe(400);
    expect((await conductor.call('POST', '/api/workflow/counted?priority=100', {})).status).toBe(400);
    expect((await conductor.call('POST', '/api/workflow/counted?version=latest', {})).status).toBe(400);
    const large = `{"name":"counted","input":{"x":"${'x'.repeat(10 * 1024 * 1024)}"}}`;
    expect((await conductor.send('POST', '/api/workflow', large)).status).toBe(413);
    expect((await conductor.call('GET', '/api/workflow/running/counted')).json).toEqual([]);
  });

  it('with an idempotency key answers the first execution, also by name', async () => {
    const again = { idempotencyKey: 'k-1', idempotencyStrategy: 'RETURN_EXISTING' };
    const first = await start('plain', again);
    expect(await start('plain', again)).toBe(first);
    const failing = { name: 'plain', input: {}, idempotencyKey: 'k-1', idempotencyStrategy: 'FAIL' };
    expect((await conductor.call('POST', '/api/workflow', failing)).status).toBe(409);
  });

  it('with a definition of its own that has a budget takes the permission to issue keys', async () => {
    const bring = async (definition: object, key: string) => {
      const workflowDef = { ...sequence('plain', 'brought'), ...definition };
      const answer = await conductor.call('POST', '/api/workflow', { name: 'plain', workflowDef }, key);
      return answer.status === 200 ? 200 : answer.json.message;
    };
    const budget = { stripe: { capUsd: 1, allowedEndpoints: ['*'] } };
    const workflowDefinition = { ...sequence('inner', 'brought'), budget };
    const sub = {
      ...{ name: 'sub', taskReferenceName: 'sub', type: 'SUB_WORKFLOW' },
      subWorkflowParam: { workflowDefinition },
    };
    const way = {
      name: 'way',
      taskReferenceName: 'way',
      type: 'SWITCH',
      evaluatorType: 'value-param',
      expression: 'x',
    };
    expect(await bring({}, 'startsPlain')).toBe(200);
    for (const definition of [{ budget }, { tasks: [{ ...way, decisionCases: { a: [sub] } }] }]) {
      expect(await bring(definition, 'startsPlain')).toBe('Missing required permission: vault:stripe:issue');
      expect(await bring(definition, 'issuesPlain')).toBe(200);
    }
  });

  it('with a definition of its own goes by the name of that, whatever the start is called', async () => {
    const start = { name: 'plain', workflowDef: sequence('other', 'brought') };
    for (const path of ['/api/workflow', '/api/workflow/execute/plain/1?waitForSeconds=1']) {
      const answer = await conductor.call('POST', path, start, 'startsPlain');
      expect(answer).toMatchObject({
        status: 403,
        json: { message: 'Missing required permission: workflow:other:execute' },
      });
    }
  });

  it('needs the permission of that workflow', async () => {
    const body = { name: 'plain', input: {} };
    expect((await conductor.call('POST', '/api/workflow', body, 'startsPlain')).status).toBe(200);
    expect((await conductor.call('POST', '/api/workflow/plain', {}, 'startsPlain')).status).toBe(200);
    expect((await conductor.call('POST', '/api/workflow', { name: 'other', input: {} }, 'startsPlain')).status).toBe(
      403,
    );
    expect((await conductor.call('POST', '/api/workflow/other', {}, 'startsPlain')).status).toBe(403);
    expect((await conductor.call('POST', '/api/workflow', body, 'seesPlain')).status).toBe(403);
  });
});

describe('reading', () => {
  it('leaves the tasks out when asked', async () => {
    const id = await start();
    const bare = await conductor.call('GET', `/api/workflow/${id}?includeTasks=false`);
    expect(bare).toMatchObject({ status: 200, type: 'application/json' });
    expect(bare.json).toMatchObject({ workflowId: id, tasks: [] });
    expect((await conductor.call('GET', `/api/workflow/${id}?includeTasks=maybe`)).status).toBe(400);
  });

  it('of a status shows data only when asked', async () => {
    const id = await start('plain', { correlationId: 'c-3' });
    const bare = (await conductor.call('GET', `/api/workflow/${id}/status`)).json;
    expect(bare).toEqual({ workflowId: id, correlationId: 'c-3', status: 'RUNNING' });
    const path = `/api/workflow/${id}/status?includeOutput=true&includeVariables=true`;
    expect((await conductor.call('GET', path)).json).toEqual({ ...bare, output: {}, variables: {} });
  });

  it('of tasks comes in pages', async () => {
    await conductor.call('PUT', '/api/metadata/workflow', [sequence('long', 'p', 'p', 'p')]);
    const id = await start('long');
    for (const ref of ['p_1', 'p_2']) await finish(id, ref);
    const page = (await conductor.call('GET', `/api/workflow/${id}/tasks?start=1&count=1`)).json;
    expect(page).toMatchObject({ totalHits: 3, results: [{ referenceTaskName: 'p_2', status: 'COMPLETED', seq: 2 }] });
    const open = (await conductor.call('GET', `/api/workflow/${id}/tasks?status=SCHEDULED&status=FAILED`)).json;
    expect(open).toMatchObject({ totalHits: 1, results: [{ referenceTaskName: 'p_3' }] });
    expect((await conductor.call('GET', `/api/workflow/${id}/tasks?status=DONE`)).status).toBe(400);
    expect((await conductor.call('GET', `/api/workflow/${id}/tasks?count=many`)).status).toBe(400);
  });

  it('by correlation id shows open executions, closed ones when asked', async () => {
    const [open, closed] = [await start('other', { correlationId: 'k' }), await start('other', { correlationId: 'k' })];
    await finish(closed, 'step_of_other_1');
    const ids = (runs: { workflowId: string }[]) => runs.map(({ workflowId }) => workflowId).sort();
    const path = '/api/workflow/other/correlated';
    expect(ids((await conductor.call('GET', `${path}/k`)).json)).toEqual([open]);
    const all = (await conductor.call('GET', `${path}/k?includeClosed=true&includeTasks=true`)).json;
    expect(ids(all)).toEqual([open, closed].sort());
    expect(all[0].tasks).toHaveLength(1);
    const several = (await conductor.call('POST', path, ['k', 'nothing'])).json;
    expect(Object.keys(several)).toEqual(['k', 'nothing']);
    expect(ids(several.k)).toEqual([open]);
    expect(several.nothing).toEqual([]);
    expect((await conductor.call('POST', path, { k: 1 })).status).toBe(400);
  });

  it('of running executions lists ids of a version, the first unless told', async () => {
    const id = await start('versions');
    expect((await conductor.call('GET', '/api/workflow/running/versions')).json).toEqual([]);
    expect((await conductor.call('GET', '/api/workflow/running/versions?version=2')).json).toEqual([id]);
    const later = '/api/workflow/running/versions?version=2&startTime=99999999999999';
    expect((await conductor.call('GET', later)).json).toEqual([]);
  });

  it('K27: is allowed by workflow name, and what may not be known is the same 404 as what is not there', async () => {
    const [plain, other] = [await start('plain'), await start('other')];
    expect((await conductor.call('GET', `/api/workflow/${plain}`, undefined, 'seesPlain')).status).toBe(200);
    for (const path of ['', '/status', '/tasks']) {
      const hidden = await conductor.call('GET', `/api/workflow/${other}${path}`, undefined, 'seesPlain');
      const missing = await conductor.call('GET', `/api/workflow/unheard${path}`, undefined, 'seesPlain');
      expect(hidden.status).toBe(404);
      expect(hidden.text.replaceAll(other, 'unheard')).toBe(missing.text);
    }
    expect((await conductor.call('GET', '/api/workflow/other/correlated/k', undefined, 'seesPlain')).status).toBe(403);
    expect((await conductor.call('GET', `/api/workflow/${plain}`, undefined, 'worker')).status).toBe(404);
  });

  it('K27: is itself recorded, with who and how, before it is answered', async () => {
    const id = await start();
    const [task] = (await conductor.call('GET', `/api/workflow/${id}`, undefined, 'seesPlain')).json.tasks;
    await conductor.call('GET', `/api/workflow/${id}/tasks`);
    await conductor.call('GET', `/api/tasks/${task.taskId}`, undefined, 'seesPlain');
    await conductor.call('GET', `/api/workflow/${id}/status`);
    const reads = await conductor.store.reads.historyReads(id);
    const shown = reads.map(({ principal, route }) => `${principal} ${route}`).sort();
    expect(shown).toEqual([
      'key_seesPlain GET /api/tasks/:id',
      'key_seesPlain GET /api/workflow/:id',
      'local GET /api/workflow/:id/tasks',
    ]);
    expect(reads.every(({ atMs }) => atMs > 0)).toBe(true);
  });
});

describe('reading when the note cannot be written', () => {
  it('K27: shows nothing', async () => {
    const id = await start('plain', { input: { hidden: 'word' } });
    const { orchestrator, store, access } = conductor;
    const recordRead = () => Promise.reject(new AppError('store_unavailable', 'disk full'));
    const routes = conductorRoutes({ orchestrator, reads: store.reads, access, recordRead, version: '1' });
    const app = createApp({ routes, access });
    const [task] = (await read(id)).tasks;
    const paths = [
      `/api/workflow/${id}`,
      `/api/workflow/${id}/tasks`,
      `/api/workflow/${id}/status?includeOutput=true`,
      `/api/tasks/${task.taskId}`,
      `/api/tasks/${task.taskId}/log`,
    ];
    for (const path of paths) {
      const response = await app.request(path, { headers: { 'x-api-key': ROOT } });
      expect(response.status, path).toBe(503);
      expect(await response.text()).not.toMatch(/word|disk full/);
    }
  });
});

describe('control', () => {
  it('pauses and resumes', async () => {
    const id = await start();
    expect(await conductor.call('PUT', `/api/workflow/${id}/pause`)).toMatchObject(VOID);
    expect((await read(id)).status).toBe('PAUSED');
    expect((await conductor.call('PUT', `/api/workflow/${id}/pause`)).status).toBe(200);
    expect(await conductor.call('PUT', `/api/workflow/${id}/resume`)).toMatchObject(VOID);
    expect((await read(id)).status).toBe('RUNNING');
    expect((await conductor.call('PUT', `/api/workflow/${id}/resume`)).status).toBe(409);
    expect(await conductor.call('PUT', `/api/workflow/decide/${id}`)).toMatchObject(VOID);
  });

  it('takes the {} that some clients send with everything', async () => {
    const id = await start();
    expect((await conductor.call('PUT', `/api/workflow/${id}/pause`, {})).status).toBe(200);
    expect((await conductor.call('DELETE', `/api/workflow/${id}`, {})).status).toBe(200);
  });

  it('K9: terminates with a reason, cancels what waits, and again without effect', async () => {
    const id = await start();
    expect(await conductor.call('DELETE', `/api/workflow/${id}?reason=no%20longer`)).toMatchObject(VOID);
    expect(await read(id)).toMatchObject({
      status: 'TERMINATED',
      reasonForIncompletion: 'no longer',
      tasks: [{ status: 'CANCELED' }],
    });
    expect((await conductor.call('DELETE', `/api/workflow/${id}?reason=again`)).status).toBe(200);
    expect((await read(id)).reasonForIncompletion).toBe('no longer');
    expect((await conductor.call('PUT', `/api/workflow/${id}/pause`)).status).toBe(409);
  });

  it('terminates with the failure workflow of the definition, where it is asked to', async () => {
    await conductor.call('PUT', '/api/metadata/workflow', [
      sequence('undoing', 'step_of_undoing'),
      { ...sequence('undone', 'step_of_undone'), failureWorkflow: 'undoing' },
    ]);
    const ids = await Promise.all(['', '&triggerFailureWorkflow=false', '&triggerFailureWorkflow=True'].map(ended));
    const started = await Promise.all(ids.map(async (id) => (await read(id)).output['conductor.failure_workflow']));
    expect(started).toEqual([undefined, undefined, expect.any(String)]);
    expect(await read(started[2])).toMatchObject({
      workflowName: 'undoing',
      status: 'RUNNING',
      parentWorkflowId: ids[2],
    });

    async function ended(query: string): Promise<string> {
      const id = await start('undone');
      expect(await conductor.call('DELETE', `/api/workflow/${id}?reason=stop${query}`)).toMatchObject(VOID);
      return id;
    }
  });

  it('does not terminate what is complete', async () => {
    const id = await start();
    await finish(id);
    expect((await read(id)).status).toBe('COMPLETED');
    expect((await conductor.call('DELETE', `/api/workflow/${id}`)).status).toBe(409);
    expect((await read(id)).status).toBe('COMPLETED');
  });

  it('removes what has ended, and only that', async () => {
    const id = await start();
    expect((await conductor.call('DELETE', `/api/workflow/${id}/remove`)).status).toBe(400);
    expect((await read(id)).status).toBe('RUNNING');
    await conductor.call('DELETE', `/api/workflow/${id}`);
    expect(await conductor.call('DELETE', `/api/workflow/${id}/remove`)).toMatchObject(VOID);
    expect((await conductor.call('GET', `/api/workflow/${id}`)).status).toBe(404);
  });

  it('terminates and removes at once, ended or not', async () => {
    const [open, done] = [await start(), await start()];
    await finish(done);
    for (const id of [open, done]) {
      expect(await conductor.call('DELETE', `/api/workflow/${id}/terminate-remove?reason=x`)).toMatchObject(VOID);
      expect((await conductor.call('GET', `/api/workflow/${id}`)).status).toBe(404);
    }
  });

  it('of an unknown execution is 404, always in the same words', async () => {
    const calls = [
      ['GET', '/api/workflow/unheard'],
      ['GET', '/api/workflow/unheard/status'],
      ['GET', '/api/workflow/unheard/tasks'],
      ['PUT', '/api/workflow/unheard/pause'],
      ['PUT', '/api/workflow/unheard/resume'],
      ['PUT', '/api/workflow/decide/unheard'],
      ['DELETE', '/api/workflow/unheard'],
      ['DELETE', '/api/workflow/unheard/remove'],
      ['DELETE', '/api/workflow/unheard/terminate-remove'],
    ] as const;
    for (const [method, path] of calls) {
      for (const key of [undefined, 'managesPlain']) {
        const answer = await conductor.call(method, path, undefined, key);
        expect(answer.status, `${method} ${path}`).toBe(404);
        expect(answer.json.message).toBe('No such workflow found by id: unheard');
      }
    }
  });

  it('needs its own permission: a reader gets 403, a stranger 404', async () => {
    const [plain, other] = [await start('plain'), await start('other')];
    expect((await conductor.call('PUT', `/api/workflow/${plain}/pause`, undefined, 'seesPlain')).status).toBe(403);
    expect((await conductor.call('DELETE', `/api/workflow/${other}`, undefined, 'managesPlain')).status).toBe(404);
    expect((await read(other)).status).toBe('RUNNING');
    expect((await conductor.call('DELETE', `/api/workflow/${plain}`, undefined, 'managesPlain')).status).toBe(200);
  });
});
