import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openConductor, type TestConductor } from './conductor.fixture.ts';

let conductor: TestConductor;

beforeAll(async () => {
  conductor = await openConductor({
    reads: ['metadata:*:read'],
    writes: ['metadata:*:read', 'metadata:*:write'],
    startsTwo: ['metadata:*:write', 'workflow:two:execute'],
    updates: ['metadata:*:write', 'task:*:update'],
  });
});
afterAll(() => conductor.stop());

const starts = (name: string) => ({ action: 'start_workflow', start_workflow: { name, input: { id: '${id}' } } });
const handler = (name: string, more: object = {}) => ({
  name,
  event: 'conductor:orders:paid',
  actions: [starts('two')],
  active: true,
  ...more,
});
const post = (body: unknown, key?: string) => conductor.call('POST', '/api/event', body, key);
const names = (answer: { json: { name: string }[] }) => answer.json.map(({ name }) => name);

describe('event handlers', () => {
  it('are created once, read, replaced and removed', async () => {
    expect(await post(handler('one'))).toMatchObject({ status: 200, text: '' });
    expect(await post(handler('one'))).toMatchObject({
      status: 409,
      json: { message: 'EventHandler with name one already exists!' },
    });
    const changed = handler('one', { condition: '$.x', actions: [starts('two'), starts('three')] });
    expect((await conductor.call('PUT', '/api/event', changed)).status).toBe(200);
    const read = await conductor.call('GET', '/api/event/handler/one');
    expect(read.json).toMatchObject(changed);
    expect(read.json.createTime).toBeGreaterThan(0);
    expect(names(await conductor.call('GET', '/api/event'))).toEqual(['one']);
    expect((await conductor.call('DELETE', '/api/event/one')).status).toBe(200);
    for (const [method, path, body] of [
      ['GET', '/api/event/handler/one', undefined],
      ['DELETE', '/api/event/one', undefined],
      ['PUT', '/api/event', handler('one')],
    ] as const) {
      const gone = await conductor.call(method, path, body);
      expect([gone.status, gone.json.message]).toEqual([404, 'EventHandler with name one not found!']);
    }
  });

  it('of a list are created all or none', async () => {
    await post([handler('a'), handler('b')]);
    expect((await post([handler('c'), handler('a')])).status).toBe(409);
    expect(names(await conductor.call('GET', '/api/event'))).toEqual(['a', 'b']);
  });

  it('of an event are listed, active ones alone unless asked otherwise', async () => {
    await post([
      handler('asleep', { event: 'conductor:x:y', active: false }),
      handler('awake', { event: 'conductor:x:y' }),
    ]);
    const of = (query: string) => conductor.call('GET', `/api/event/conductor:x:y${query}`);
    expect(names(await of(''))).toEqual(['awake']);
    expect(names(await of('?activeOnly=false'))).toEqual(['asleep', 'awake']);
    expect(names(await conductor.call('GET', '/api/event/conductor:x:z'))).toEqual([]);
  });

  it.each<[what: string, wrong: object, path: string, message: RegExp]>([
    ['without a name', { name: '' }, '[0].name', /must not be empty/],
    ['of a queue nobody serves', { event: 'kafka:orders' }, '[0].event', /must be conductor:<workflow>/],
    ['without actions', { actions: [] }, '[0].actions', /at least one action/],
    ['of an unknown action', { actions: [{ action: 'start_agent' }] }, '[0].actions[0].action', /start_workflow/],
    ['without parameters', { actions: [{ action: 'fail_task' }] }, '[0].actions[0]', /needs its parameters/],
    [
      'that names no task',
      { actions: [{ action: 'fail_task', fail_task: { workflowId: 'x' } }] },
      '[0].actions[0].fail_task',
      /needs taskId, or workflowId and taskRefName/,
    ],
    [
      'that appends to lists',
      {
        actions: [
          { action: 'update_workflow_variables', update_workflow_variables: { workflowId: 'x', appendArray: true } },
        ],
      },
      '[0].actions[0].update_workflow_variables.appendArray',
      /not supported/,
    ],
  ])('%s are refused, and nothing is kept', async (_what, wrong, path, message) => {
    const refused = await post(handler('wrong', wrong));
    expect(refused).toMatchObject({ status: 400, json: { validationErrors: [{ path }] } });
    expect(refused.json.validationErrors[0].message).toMatch(message);
    expect((await conductor.call('GET', '/api/event/handler/wrong')).status).toBe(404);
  });

  it('take the right to do what they will do', async () => {
    const statusOf = async (key: string, ...actions: object[]) =>
      (await post(handler(`by ${key} ${actions.length} ${Math.random()}`, { actions }), key)).status;
    const completes = { action: 'complete_task', complete_task: { taskId: '${id}' } };
    const terminates = { action: 'terminate_workflow', terminate_workflow: { workflowId: '${id}' } };
    expect(await statusOf('reads', starts('two'))).toBe(403);
    expect(await statusOf('writes', starts('two'))).toBe(403);
    expect(await statusOf('startsTwo', starts('two'))).toBe(200);
    expect(await statusOf('startsTwo', starts('two'), starts('three'))).toBe(403);
    expect(await statusOf('startsTwo', starts('${name}'))).toBe(403);
    expect(await statusOf('startsTwo', completes)).toBe(403);
    expect(await statusOf('updates', completes)).toBe(200);
    expect(await statusOf('updates', terminates)).toBe(403);
    expect((await conductor.call('GET', '/api/event', undefined, 'reads')).status).toBe(200);
    expect((await conductor.call('GET', '/api/event', undefined, 'startsTwo')).status).toBe(403);
  });
});
