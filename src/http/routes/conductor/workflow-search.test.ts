import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openConductor, sequence, type TestConductor } from './conductor.fixture.ts';

const SOME = 'a key that may read billing and what begins with pay';
const NONE = 'a key that reads no workflow';
const BILLING = 'search-billing';

let conductor: TestConductor;
const ids: Record<string, string> = {};

beforeAll(async () => {
  conductor = await openConductor({
    [SOME]: [`workflow:${BILLING}:read`, 'workflow:pay*:read'],
    [NONE]: ['task:*:poll', `workflow:${BILLING}:execute`],
  });
  for (const name of [BILLING, 'payout', 'private']) {
    await conductor.call('POST', '/api/metadata/workflow', sequence(name, 'charge'));
    const start = { name, correlationId: `order of ${name}`, priority: 3, input: { card: 'secret' } };
    ids[name] = (await conductor.call('POST', '/api/workflow', start)).text;
  }
  await conductor.call('DELETE', `/api/workflow/${ids.payout}?reason=enough`);
});
afterAll(() => conductor.stop());

async function search(query: string, key?: string, path = 'search') {
  const { status, json } = await conductor.call('GET', `/api/workflow/${path}?${query}`, undefined, key);
  return {
    status,
    json,
    names: json.results?.map((run: Record<string, unknown>) => run.workflowType ?? run.workflowName),
  };
}

const asQuery = (query: string) => `query=${encodeURIComponent(query)}`;

describe('GET /api/workflow/search', () => {
  it('answers summaries with times as text, and no data', async () => {
    const { status, json } = await search(asQuery('workflowType = payout'));
    expect(status).toBe(200);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(json).toEqual({
      totalHits: 1,
      results: [
        {
          workflowId: ids.payout,
          workflowType: 'payout',
          version: 1,
          correlationId: 'order of payout',
          status: 'TERMINATED',
          startTime: time,
          updateTime: time,
          endTime: time,
          executionTime: expect.any(Number),
          reasonForIncompletion: 'enough',
          failedReferenceTaskNames: '',
          failedTaskNames: [],
          priority: 3,
        },
      ],
    });
  });

  it('pages and sorts, newest first unless told', async () => {
    expect((await search('')).names).toEqual(['private', 'payout', BILLING]);
    expect((await search('sort=startTime:ASC&start=1&size=1&freeText=*&skipCache=false')).names).toEqual(['payout']);
    expect((await search('size=0')).json).toEqual({ totalHits: 3, results: [] });
  });

  it('finds by free text: an id, a name or a correlation id', async () => {
    for (const text of [ids.private, 'private', 'order of private']) {
      expect((await search(`freeText=${encodeURIComponent(String(text))}`)).names).toEqual(['private']);
    }
    expect((await search('freeText=priv')).names).toEqual([]);
  });

  it('tells a caller of nothing but workflows that he may read', async () => {
    expect((await search('', SOME)).json.totalHits).toBe(2);
    expect((await search('size=1&start=1', SOME)).names).toEqual([BILLING]);
    expect((await search(asQuery('workflowType IN (payout, private)'), SOME)).names).toEqual(['payout']);
    expect((await search(asQuery(`workflowId = ${ids.private}`), SOME)).json).toEqual({ totalHits: 0, results: [] });
    expect((await search('freeText=private', SOME)).names).toEqual([]);
    expect((await search('', NONE)).json).toEqual({ totalHits: 0, results: [] });
  });

  it.each([
    [asQuery('state = FAILED'), 'position 1'],
    ['sort=endTime:DESC', 'must be startTime:ASC or startTime:DESC'],
    ['size=1001', 'must be at most 1000'],
    ['start=9950', 'start and size together must be at most 10000'],
    ['start=-1', 'must be at least 0'],
  ])('refuses %s', async (query, message) => {
    const { status, json } = await search(query);
    expect([status, json.validationErrors[0].message]).toEqual([400, expect.stringContaining(message)]);
  });
});

describe('GET /api/workflow/search-v2', () => {
  it('answers executions with their data, and notes who looked', async () => {
    const { json } = await search(asQuery('status = RUNNING'), SOME, 'search-v2');
    expect(json).toMatchObject({
      totalHits: 1,
      results: [{ workflowId: ids[BILLING], input: { card: 'secret' }, tasks: [] }],
    });
    const routes = async (name: string) =>
      (await conductor.store.reads.historyReads(String(ids[name]))).map(({ route }) => route);
    expect(await routes(BILLING)).toEqual(['GET /api/workflow/search-v2']);
    expect(await routes('private')).toEqual([]);
  });
});
