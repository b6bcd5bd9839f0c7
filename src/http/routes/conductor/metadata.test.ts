import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openConductor, sequence, type TestConductor } from './conductor.fixture.ts';

let conductor: TestConductor;

beforeAll(async () => {
  conductor = await openConductor({
    reader: ['metadata:*:read'],
    writer: ['metadata:*:write'],
    worker: ['task:*:*'],
  });
});
afterAll(() => conductor.stop());

const WORKFLOW = '/api/metadata/workflow';
const TASKS = '/api/metadata/taskdefs';

const VOID = { status: 200, type: null, length: '0', text: '' };

describe('workflow definitions', () => {
  it('are registered with an empty 200 and read back with their defaults', async () => {
    expect(await conductor.call('POST', WORKFLOW, sequence('first', 'a', 'b'))).toMatchObject(VOID);
    const read = await conductor.call('GET', `${WORKFLOW}/first`);
    expect(read).toMatchObject({ status: 200, type: 'application/json' });
    expect(read.json).toMatchObject({
      name: 'first',
      version: 1,
      schemaVersion: 2,
      restartable: true,
      timeoutPolicy: 'ALERT_ONLY',
      timeoutSeconds: 0,
      outputParameters: {},
      tasks: [
        { name: 'a', taskReferenceName: 'a_1', type: 'SIMPLE', optional: false, startDelay: 0 },
        { name: 'b', taskReferenceName: 'b_2' },
      ],
    });
    expect(read.json.createTime).toBeGreaterThan(0);
    expect(read.text).not.toContain('null');
  });

  it('exist once: the second POST is 409 unless it overwrites', async () => {
    await conductor.call('POST', WORKFLOW, sequence('once', 'a'));
    const again = await conductor.call('POST', WORKFLOW, sequence('once', 'changed'));
    expect(again.status).toBe(409);
    expect(again.json).toMatchObject({
      status: 409,
      retryable: false,
      message: expect.stringMatching(/already exists!$/),
    });
    expect((await conductor.call('GET', `${WORKFLOW}/once`)).json.tasks[0].name).toBe('a');
    expect(await conductor.call('POST', `${WORKFLOW}?overwrite=true`, sequence('once', 'changed'))).toMatchObject(VOID);
    expect((await conductor.call('GET', `${WORKFLOW}/once`)).json.tasks[0].name).toBe('changed');
  });

  it('are put as a list, with a bulk answer', async () => {
    const list = [sequence('bulk_a', 'a'), { ...sequence('bulk_a', 'a'), version: 2 }, sequence('bulk_b', 'a')];
    const put = await conductor.call('PUT', WORKFLOW, list);
    expect(put).toMatchObject({ status: 200, type: 'application/json' });
    expect(put.json).toEqual({
      bulkErrorResults: {},
      bulkSuccessfulResults: ['bulk_a', 'bulk_a', 'bulk_b'],
      message: 'Bulk Request has been processed.',
    });
    expect((await conductor.call('GET', `${WORKFLOW}/bulk_a`)).json.version).toBe(2);
    expect((await conductor.call('GET', `${WORKFLOW}/bulk_a?version=1`)).json.version).toBe(1);
    expect((await conductor.call('GET', `${WORKFLOW}/bulk_a?version=3`)).status).toBe(404);
  });

  it('of a list are put all or none', async () => {
    const twice = { ...sequence('half_b', 'a', 'a') };
    for (const task of twice.tasks) task.taskReferenceName = 'same';
    expect((await conductor.call('PUT', WORKFLOW, [sequence('half_a', 'a'), twice])).status).toBe(400);
    expect((await conductor.call('GET', `${WORKFLOW}/half_a`)).status).toBe(404);
    expect(await conductor.store.reads.definitions()).not.toContainEqual(expect.objectContaining({ name: 'half_a' }));
  });

  it('are listed: all versions, names, versions of a name, the latest', async () => {
    await conductor.call('PUT', WORKFLOW, [sequence('listed', 'a'), { ...sequence('listed', 'a'), version: 2 }]);
    const all = (await conductor.call('GET', WORKFLOW)).json;
    expect(all.filter(({ name }: { name: string }) => name === 'listed')).toHaveLength(2);
    expect((await conductor.call('GET', `${WORKFLOW}/names`)).json).toContain('listed');
    const grouped = (await conductor.call('GET', `${WORKFLOW}/names-and-versions`)).json;
    expect(grouped.listed).toMatchObject([
      { name: 'listed', version: 1 },
      { name: 'listed', version: 2 },
    ]);
    expect((await conductor.call('GET', `${WORKFLOW}/listed/versions`)).json).toMatchObject([
      { version: 1 },
      { version: 2 },
    ]);
    const latest = (await conductor.call('GET', `${WORKFLOW}/latest-versions`)).json;
    expect(latest.filter(({ name }: { name: string }) => name === 'listed')).toMatchObject([{ version: 2 }]);
  });

  it('are removed by name and version, once', async () => {
    await conductor.call('POST', WORKFLOW, sequence('gone', 'a'));
    expect(await conductor.call('DELETE', `${WORKFLOW}/gone/1`)).toMatchObject(VOID);
    expect((await conductor.call('DELETE', `${WORKFLOW}/gone/1`)).status).toBe(404);
    const read = await conductor.call('GET', `${WORKFLOW}/gone`);
    expect(read.status).toBe(404);
    expect(read.json.message).toMatch(/no such workflow/i);
    expect((await conductor.call('DELETE', `${WORKFLOW}/gone/one`)).json.validationErrors[0].path).toBe('version');
  });

  it('are checked without being written', async () => {
    expect(await conductor.call('POST', `${WORKFLOW}/validate`, sequence('checked', 'a'))).toMatchObject({
      status: 200,
    });
    expect((await conductor.call('POST', `${WORKFLOW}/validate`, { name: 'checked', tasks: [] })).status).toBe(400);
    const odd = { ...sequence('checked', 'a'), outputParameter: { a: 1 } };
    const { json } = await conductor.call('POST', `${WORKFLOW}/validate`, odd);
    expect(json.warnings).toEqual([expect.stringMatching(/outputParameter\b.*outputParameters/)]);
    expect((await conductor.call('GET', `${WORKFLOW}/checked`)).status).toBe(404);
  });

  it('have names that every store can hold', async () => {
    for (const [length, status] of [
      [255, 200],
      [256, 400],
    ] as const) {
      const name = '\ud800'.repeat(length);
      expect((await conductor.call('POST', WORKFLOW, sequence(name, 'a'))).status).toBe(status);
      expect((await conductor.call('POST', TASKS, [{ name }])).status).toBe(status);
    }
    const refused = await conductor.call('PUT', WORKFLOW, [sequence('n'.repeat(3000), 'a')]);
    expect(refused.json).toMatchObject({ message: 'name: must not be longer than 255 characters, not 3000' });
    expect(refused.json.validationErrors).toMatchObject([{ path: 'name' }]);
  });

  it('are refused with a 400 that names what is wrong, and nothing is written', async () => {
    const duplicate = sequence('bad', 'a', 'a');
    for (const task of duplicate.tasks) task.taskReferenceName = 'same';
    const twice = await conductor.call('POST', WORKFLOW, duplicate);
    expect(twice.status).toBe(400);
    expect(twice.json.message).toContain(
      'taskReferenceName: same should be unique across tasks for a given workflowDefinition: bad',
    );

    const wrong = { name: 'bad', version: 'one', tasks: [{ name: 'a', taskReferenceName: '', forkTasks: 3 }] };
    const fields = await conductor.call('POST', WORKFLOW, wrong);
    expect(fields.status).toBe(400);
    expect(fields.json.message).toBe('Validation failed, check below errors for detail.');
    const paths = fields.json.validationErrors.map(({ path }: { path: string }) => path);
    expect(paths).toEqual(expect.arrayContaining(['version', 'tasks[0].taskReferenceName', 'tasks[0].forkTasks']));

    const refused = [
      { ...sequence('bad', 'a'), name: '' },
      { ...sequence('bad', 'a'), name: 'b:ad' },
      { ...sequence('bad', 'a'), tasks: [] },
      { name: 'bad' },
      [sequence('bad', 'a')],
      'bad',
    ];
    for (const body of refused) expect((await conductor.call('POST', WORKFLOW, body)).status).toBe(400);
    expect((await conductor.send('POST', WORKFLOW, '{"name":"bad",')).json).toMatchObject({ code: 'malformed_json' });
    expect((await conductor.send('POST', WORKFLOW, '')).status).toBe(400);
    expect((await conductor.call('GET', `${WORKFLOW}/bad`)).status).toBe(404);
  });

  it('ignore properties that they do not know, and read null as absent', async () => {
    const body = { ...sequence('lenient', 'a'), maskedFields: ['x'], description: null, timeoutSeconds: null };
    expect((await conductor.call('POST', WORKFLOW, body)).status).toBe(200);
    expect((await conductor.call('GET', `${WORKFLOW}/lenient`)).json).toMatchObject({ timeoutSeconds: 0 });
  });

  it('nested without end are refused, and the server lives on', async () => {
    const depth = 100_000;
    const body = `{"name":"deep","tasks":[{"name":"a","taskReferenceName":"a","inputParameters":{"x":${'['.repeat(depth)}${']'.repeat(depth)}}}]}`;
    expect((await conductor.send('POST', WORKFLOW, body)).status).toBe(400);
    expect((await conductor.call('GET', '/health')).status).toBe(200);
  });

  it('need a permission to write and one to read', async () => {
    expect((await conductor.call('POST', WORKFLOW, sequence('denied', 'a'), 'reader')).status).toBe(403);
    expect((await conductor.call('GET', WORKFLOW, undefined, 'worker')).status).toBe(403);
    expect((await conductor.call('GET', WORKFLOW, undefined, 'reader')).status).toBe(200);
    expect((await conductor.call('GET', `${WORKFLOW}/denied`)).status).toBe(404);
  });

  it('with a budget need the permission to issue keys of its vendors', async () => {
    const spending = { ...sequence('denied', 'a'), budget: { stripe: { capUsd: 1, allowedEndpoints: ['*'] } } };
    for (const [method, body] of [
      ['POST', spending],
      ['PUT', [sequence('denied', 'a'), spending]],
    ] as const) {
      const denied = await conductor.call(method, WORKFLOW, body, 'writer');
      expect(denied.status).toBe(403);
      expect(denied.json.message).toBe('Missing required permission: vault:stripe:issue');
    }
    expect((await conductor.call('GET', `${WORKFLOW}/denied`)).status).toBe(404);
    expect((await conductor.call('POST', WORKFLOW, sequence('written', 'a'), 'writer')).status).toBe(200);
  });
});

describe('task definitions', () => {
  it('are posted as a list, again and again', async () => {
    expect(await conductor.call('POST', TASKS, [{ name: 'charge', retryCount: 5 }])).toMatchObject(VOID);
    expect(await conductor.call('POST', TASKS, [{ name: 'charge', retryCount: 6 }])).toMatchObject(VOID);
    expect((await conductor.call('GET', `${TASKS}/charge`)).json).toMatchObject({
      name: 'charge',
      retryCount: 6,
      retryLogic: 'FIXED',
      retryDelaySeconds: 60,
      responseTimeoutSeconds: 3600,
      timeoutPolicy: 'TIME_OUT_WF',
      rateLimitFrequencyInSeconds: 1,
    });
    const listed = (await conductor.call('GET', `${TASKS}?access=READ`)).json;
    expect(listed).toContainEqual(expect.objectContaining({ name: 'charge' }));
  });

  it('are put one at a time, when they exist', async () => {
    const missing = await conductor.call('PUT', TASKS, { name: 'unheard' });
    expect(missing.status).toBe(404);
    expect(missing.json.message).toBe('No such taskType found by name: unheard');
    await conductor.call('POST', TASKS, [{ name: 'heard' }]);
    expect(await conductor.call('PUT', TASKS, { name: 'heard', retryCount: 0 })).toMatchObject(VOID);
    expect((await conductor.call('GET', `${TASKS}/heard`)).json.retryCount).toBe(0);
  });

  it('are removed once', async () => {
    await conductor.call('POST', TASKS, [{ name: 'brief' }]);
    expect(await conductor.call('DELETE', `${TASKS}/brief`)).toMatchObject(VOID);
    expect((await conductor.call('DELETE', `${TASKS}/brief`)).status).toBe(404);
    expect((await conductor.call('GET', `${TASKS}/brief`)).json.message).toMatch(/no such tasktype found/i);
  });

  it('are refused when a value is wrong, and then none of the list is written', async () => {
    const wrong = [
      { name: 'bad', retryCount: -1 },
      { name: 'bad', retryLogic: 'SOMETIMES' },
      { name: 'bad', responseTimeoutSeconds: 0 },
      { name: 'bad', responseTimeoutSeconds: 60, timeoutSeconds: 30 },
      { retryCount: 1 },
    ];
    for (const definition of wrong) {
      const refused = await conductor.call('POST', TASKS, [{ name: 'good' }, definition]);
      expect(refused.status).toBe(400);
      expect(refused.json.validationErrors).not.toHaveLength(0);
    }
    expect((await conductor.call('GET', `${TASKS}/bad`)).status).toBe(404);
    expect((await conductor.call('GET', `${TASKS}/good`)).status).toBe(404);
  });
});
