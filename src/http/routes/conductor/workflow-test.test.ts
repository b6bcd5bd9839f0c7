import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openConductor, sequence, type TestConductor } from './conductor.fixture.ts';

let conductor: TestConductor;

const typed = (type: string, ref: string, more: object = {}) => ({ name: ref, taskReferenceName: ref, type, ...more });
const child = (ref: string, name: string) => typed('SUB_WORKFLOW', ref, { subWorkflowParam: { name } });

beforeAll(async () => {
  conductor = await openConductor({ starts: ['workflow:two:execute'] });
  await conductor.call('PUT', '/api/metadata/workflow', [
    sequence('two', 'a', 'b'),
    { name: 'outer', tasks: [child('o', 'two'), typed('WAIT', 'w', { inputParameters: { duration: '2 days' } })] },
    {
      name: 'loops',
      tasks: [typed('DO_WHILE', 'l', { items: '${workflow.input.items}', loopOver: [typed('NOOP', 'n')] })],
    },
    { name: 'self', tasks: [child('s', 'self')] },
  ]);
});
afterAll(() => conductor.stop());

const trial = (body: object, key?: string) => conductor.call('POST', '/api/workflow/test', body, key);
const tasksOf = (run: { tasks: Record<string, unknown>[] }) =>
  run.tasks.map(({ referenceTaskName, status, retryCount }) => [referenceTaskName, status, retryCount]);

describe('a workflow that is tried out', () => {
  it('answers the execution that would come of what its tasks answer, retries included, and keeps nothing of it', async () => {
    const answer = await trial({
      name: 'two',
      version: 1,
      input: { x: 1 },
      correlationId: 'c',
      taskRefToMockOutput: {
        a_1: [
          { status: 'FAILED', output: {} },
          { status: 'COMPLETED', output: { y: 2 }, executionTime: 5 },
        ],
        b_2: [{ output: { z: 3 } }],
      },
    });
    expect(answer).toMatchObject({ status: 200, type: 'application/json' });
    const run = answer.json;
    expect(run).toMatchObject({ status: 'COMPLETED', workflowName: 'two', correlationId: 'c', output: { z: 3 } });
    expect(run.workflowDefinition).toMatchObject({ name: 'two' });
    expect(tasksOf(run)).toEqual([
      ['a_1', 'FAILED', 0],
      ['a_1', 'COMPLETED', 1],
      ['b_2', 'COMPLETED', 0],
    ]);
    expect((await conductor.call('GET', `/api/workflow/${run.workflowId}`)).status).toBe(404);
    expect((await conductor.call('GET', '/api/tasks/queue/all')).json).not.toMatchObject({ a: expect.any(Number) });
  });

  it('stands where nothing more is told', async () => {
    const run = (await trial({ name: 'two', taskRefToMockOutput: { a_1: [{ output: {} }] } })).json;
    expect(run.status).toBe('RUNNING');
    expect(tasksOf(run)).toEqual([
      ['a_1', 'COMPLETED', 0],
      ['b_2', 'SCHEDULED', 0],
    ]);
  });

  it('tries children with what is told of them, and lets time pass', async () => {
    const two = { name: 'two', taskRefToMockOutput: { a_1: [{ output: {} }], b_2: [{ output: { deep: true } }] } };
    const run = (await trial({ name: 'outer', subWorkflowTestRequest: { o: two } })).json;
    expect(run.status).toBe('COMPLETED');
    expect(run.tasks[0]).toMatchObject({ status: 'COMPLETED', outputData: { deep: true } });
    expect(run.endTime - run.createTime).toBe(2 * 86_400_000);
    const mocked = (await trial({ name: 'outer', taskRefToMockOutput: { o: [{ output: { told: 1 } }] } })).json;
    expect(mocked.tasks[0]).toMatchObject({ status: 'COMPLETED', outputData: { told: 1 } });
  });

  it('takes a definition along, for itself and for a child', async () => {
    const run = (
      await trial({
        name: 'mine',
        workflowDef: { name: 'mine', tasks: [child('c', 'nowhere')] },
        subWorkflowTestRequest: { c: { name: 'any', workflowDef: { name: 'any', tasks: [typed('NOOP', 'n')] } } },
      })
    ).json;
    expect(run.status).toBe('COMPLETED');
    const refused = (await trial({ name: 'x', workflowDef: { name: 'x', tasks: [child('c', 'nowhere')] } })).json;
    expect(refused).toMatchObject({ status: 'FAILED' });
    expect(refused.reasonForIncompletion).toContain('No such workflow defined. name=nowhere');
  });

  it('ends where it would never end, and where workflows nest without end', async () => {
    expect(await trial({ name: 'loops', input: { items: [1, 2] } })).toMatchObject({ status: 200 });
    const endless = await trial({ name: 'loops', input: { items: Array(20_000).fill(1) } });
    expect(endless.json).toMatchObject({ status: 400, message: 'The workflow did not end within 10000 steps.' });
    expect((await trial({ name: 'self' })).json).toMatchObject({ status: 'FAILED' });
  });

  it('says what is wrong, and needs to be allowed to start it and what it brings', async () => {
    expect((await trial({})).status).toBe(400);
    expect((await trial({ name: 'unheard' })).status).toBe(404);
    expect((await trial({ name: 'two', taskRefToMockOutput: { a_1: [{ status: 'DONE' }] } })).json).toMatchObject({
      validationErrors: [{ path: 'taskRefToMockOutput.a_1[0].status' }],
    });
    expect((await trial({ name: 'outer' }, 'starts')).status).toBe(403);
    expect((await trial({ name: 'two' }, 'starts')).status).toBe(200);
    const brought = { o: { name: 'two', workflowDef: { name: 'other', tasks: [typed('NOOP', 'n')] } } };
    expect((await trial({ name: 'two', subWorkflowTestRequest: brought }, 'starts')).status).toBe(403);
  });
});
