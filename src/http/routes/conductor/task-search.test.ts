import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openConductor, sequence, type TestConductor } from './conductor.fixture.ts';

const SOME = 'a key that may read billing and what begins with pay';
const NONE = 'a key that reads no workflow';
const BILLING = 'search-billing';
const NAMES = [BILLING, 'payout', 'private'];

let conductor: TestConductor;
const ids: Record<string, string> = {};

beforeAll(async () => {
  conductor = await openConductor({
    [SOME]: [`workflow:${BILLING}:read`, 'workflow:pay*:read'],
    [NONE]: ['task:*:poll', `workflow:${BILLING}:execute`],
  });
  for (const name of NAMES) {
    await conductor.call('POST', '/api/metadata/workflow', sequence(name, `charge-${name}`, 'mail'));
    const start = { name, correlationId: `order of ${name}`, priority: 3, input: { card: 'secret' } };
    ids[name] = (await conductor.call('POST', '/api/workflow', start)).text;
  }
  // Of each execution the first task ends: well, badly, not at all.
  const end = async (name: string, status: string) => {
    const { json: polled } = await conductor.call('GET', `/api/tasks/poll/charge-${name}?workerid=w1`);
    const result = { workflowInstanceId: ids[name], taskId: polled.taskId, status, outputData: { paid: 'much' } };
    await conductor.call('POST', '/api/tasks', { ...result, reasonForIncompletion: 'no card' });
  };
  await end(BILLING, 'COMPLETED');
  await end('payout', 'FAILED_WITH_TERMINAL_ERROR');
});
afterAll(() => conductor.stop());

async function search(query: string, key?: string, path = '/api/tasks/search') {
  const { status, json } = await conductor.call('GET', `${path}?${query}`, undefined, key);
  const results: Record<string, unknown>[] = json.results ?? [];
  return { status, json, refs: results.map((task) => task.taskReferenceName ?? task.referenceTaskName), results };
}

const asQuery = (query: string) => `query=${encodeURIComponent(query)}`;
const NOTHING = { totalHits: 0, results: [] };

describe('GET /api/tasks/search', () => {
  it('answers summaries with times as text, and no data', async () => {
    const { status, json } = await search(asQuery('status = FAILED_WITH_TERMINAL_ERROR'));
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const number = expect.any(Number);
    expect([status, json]).toEqual([
      200,
      {
        totalHits: 1,
        results: [
          {
            workflowId: ids.payout,
            workflowType: 'payout',
            correlationId: 'order of payout',
            workflowPriority: 3,
            taskId: expect.any(String),
            taskType: 'charge-payout',
            taskDefName: 'charge-payout',
            taskReferenceName: 'charge-payout_1',
            status: 'FAILED_WITH_TERMINAL_ERROR',
            ...{ scheduledTime: time, startTime: time, updateTime: time, endTime: time },
            ...{ executionTime: number, queueWaitTime: number },
            reasonForIncompletion: 'no card',
          },
        ],
      },
    ]);
    const [waiting] = (await search(asQuery('taskType = charge-private'))).results;
    expect(waiting).toMatchObject({ status: 'SCHEDULED', executionTime: 0, queueWaitTime: 0 });
    expect(waiting).not.toHaveProperty('startTime');
    expect(waiting).not.toHaveProperty('endTime');
  });

  it('pages and sorts, newest first unless told', async () => {
    const { refs, json } = await search('');
    expect(json.totalHits).toBe(4);
    expect((await search('sort=startTime:ASC')).refs).toEqual([...refs].reverse());
    expect((await search('sort=startTime:ASC&start=1&size=2&freeText=*')).refs).toEqual([refs[2], refs[1]]);
    expect((await search('size=0')).json).toEqual({ totalHits: 4, results: [] });
  });

  it('finds by its fields, and by free text', async () => {
    const [, , first] = (await search('sort=startTime:ASC')).results;
    for (const query of [
      `workflowType = ${BILLING} AND status = COMPLETED`,
      `workflowId = ${ids[BILLING]} AND taskType = charge-${BILLING}`,
      `correlationId = "order of ${BILLING}" AND endTime > 0`,
      `taskDefName IN (charge-${BILLING}, other)`,
      `referenceTaskName = charge-${BILLING}_1`,
      `taskReferenceName = charge-${BILLING}_1 AND startTime > 0 AND scheduledTime > 0 AND updateTime > 0`,
    ]) {
      expect((await search(asQuery(query))).refs).toEqual([`charge-${BILLING}_1`]);
    }
    expect((await search(asQuery(`taskId = ${first?.taskId}`))).results).toEqual([first]);
    expect((await search(`freeText=${first?.taskId}`)).results).toEqual([first]);
    expect((await search(`freeText=${ids[BILLING]}`)).refs.sort()).toEqual([`charge-${BILLING}_1`, 'mail_2']);
    expect((await search(asQuery('status IN (SCHEDULED, IN_PROGRESS)'))).refs.sort()).toEqual([
      'charge-private_1',
      'mail_2',
    ]);
    expect((await search('freeText=priv')).json).toEqual(NOTHING);
  });

  it('tells a caller of no task of a workflow that he may not read, and counts none', async () => {
    const [hidden] = (await search(asQuery('workflowType = private'))).results;
    expect((await search('', SOME)).json.totalHits).toBe(3);
    expect((await search('size=1&start=2', SOME)).refs).toHaveLength(1);
    expect((await search(asQuery('workflowType IN (payout, private)'), SOME)).refs).toEqual(['charge-payout_1']);
    expect((await search(asQuery('status IN (SCHEDULED)'), SOME)).refs).toEqual(['mail_2']);
    for (const query of [
      asQuery(`taskId = ${hidden?.taskId}`),
      asQuery(`workflowId = ${ids.private}`),
      asQuery('correlationId = "order of private"'),
      asQuery('taskType = charge-private'),
      asQuery('workflowType = private AND status = SCHEDULED'),
      ...[hidden?.taskId, ids.private, 'private'].map((text) => `freeText=${text}`),
    ]) {
      expect((await search(query)).json.totalHits).toBe(1);
      for (const path of ['/api/tasks/search', '/api/tasks/search-v2', '/api/workflow/search-by-tasks']) {
        expect((await search(query, SOME, path)).json).toEqual(NOTHING);
      }
    }
    expect((await search('', NONE)).json).toEqual(NOTHING);
    expect((await search(asQuery('status = FAILED_WITH_TERMINAL_ERROR'), NONE)).json).toEqual(NOTHING);
  });

  it.each([
    [asQuery('taskTyp = HTTP'), 'position 1: nothing is known of a field "taskTyp": did you mean "taskType"?'],
    [asQuery('status = RUNNING'), 'position 10: status must be one of SCHEDULED'],
    ['sort=endTime:DESC', 'must be startTime:ASC or startTime:DESC'],
    ['size=1001', 'must be at most 1000'],
    ['start=9950', 'start and size together must be at most 10000'],
  ])('refuses %s', async (query, message) => {
    const { status, json } = await search(query);
    expect([status, json.validationErrors[0].message]).toEqual([400, expect.stringContaining(message)]);
  });
});

describe('GET /api/tasks/search-v2', () => {
  it('answers tasks with their data, and notes once who looked at each execution', async () => {
    const path = '/api/tasks/search-v2';
    const { json } = await search(`${asQuery(`workflowType = ${BILLING}`)}&sort=startTime:ASC`, SOME, path);
    expect(json).toMatchObject({
      totalHits: 2,
      results: [
        { workflowInstanceId: ids[BILLING], outputData: { paid: 'much' }, workflowTask: { name: `charge-${BILLING}` } },
        { referenceTaskName: 'mail_2', inputData: { given: { card: 'secret' } } },
      ],
    });
    expect(await readsOf(BILLING)).toEqual([`GET ${path}`]);
    expect(await readsOf('private')).toEqual([]);
    expect((await search('size=101', SOME, path)).status).toBe(400);
  });
});

describe('GET /api/workflow/search-by-tasks', () => {
  const path = '/api/workflow/search-by-tasks';

  it('answers summaries of the executions that have a task which fits, each once, newest first', async () => {
    const found = async (query: string, key?: string) => {
      const { json, results } = await search(query, key, path);
      return [json.totalHits, ...results.map((run) => run.workflowType)];
    };
    expect(await found('')).toEqual([3, 'private', 'payout', BILLING]);
    expect(await found('sort=startTime:ASC&size=2')).toEqual([3, BILLING, 'payout']);
    expect(await found('', SOME)).toEqual([2, 'payout', BILLING]);
    expect(await found(asQuery('taskDefName = mail'))).toEqual([1, BILLING]);
    expect(await found(asQuery('status IN (COMPLETED, FAILED_WITH_TERMINAL_ERROR)'))).toEqual([2, 'payout', BILLING]);
    const [payout] = (await search(asQuery('workflowType = payout'), SOME, path)).results;
    expect(payout).toMatchObject({ workflowId: ids.payout, status: 'FAILED' });
    expect(payout).not.toHaveProperty('input');
  });

  it('answers them whole but for their tasks as v2, and notes who looked', async () => {
    const { json } = await search(asQuery('taskType = charge-payout'), SOME, `${path}-v2`);
    expect(json).toMatchObject({
      totalHits: 1,
      results: [{ workflowId: ids.payout, input: { card: 'secret' }, tasks: [] }],
    });
    expect(await readsOf('payout')).toEqual([`GET ${path}-v2`]);
  });
});

async function readsOf(name: string): Promise<string[]> {
  return (await conductor.store.reads.historyReads(String(ids[name]))).map(({ route }) => route);
}
