import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openConductor, sequence, type TestConductor } from './conductor.fixture.ts';

let conductor: TestConductor;

beforeAll(async () => {
  conductor = await openConductor({
    scheduler: ['metadata:*:write', 'workflow:mine:*'],
    reader: ['workflow:mine:read'],
    starter: ['workflow:*:*'],
    writer: ['metadata:*:write'],
  });
  await conductor.call('POST', '/api/metadata/workflow', sequence('mine', 'a'));
});
afterAll(() => conductor.stop());

const BASE = '/api/scheduler';
const PATH = `${BASE}/schedules`;
const VOID = { status: 200, type: null, length: '0', text: '' };
const NOON = '0 0 12 * * *';

const schedule = (name: string, over: object = {}) => ({
  name,
  cronExpression: NOON,
  startWorkflowRequest: { name: 'mine', input: { a: 1 } },
  ...over,
});
const call = (method: string, path: string, body?: unknown, key?: string) => conductor.call(method, path, body, key);
const save = (name: string, over: object = {}, key?: string) => call('POST', PATH, schedule(name, over), key);
const read = async (name: string) => (await call('GET', `${PATH}/${name}`)).json;
const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name);

describe('a schedule', () => {
  it('is saved, answered and read back with its next time and who wrote it', async () => {
    const saved = await save('first', { unknown: true, description: 'noon', createdBy: 'forged' });
    expect(saved).toMatchObject({ status: 200, type: 'application/json' });
    const found = await read('first');
    expect(found).toEqual(saved.json);
    expect(found).toMatchObject({
      name: 'first',
      description: 'noon',
      cronExpression: NOON,
      zoneId: 'UTC',
      paused: false,
      runCatchupScheduleInstances: false,
      startWorkflowRequest: { name: 'mine', input: { a: 1 } },
    });
    expect(found.createdBy).not.toBe('forged');
    expect(found.updatedBy).toBe(found.createdBy);
    expect(new Date(found.nextRunTime).toISOString()).toMatch(/T12:00:00.000Z$/);
    expect(found).not.toHaveProperty('unknown');
  });

  it('is replaced by one of its name, and keeps when and by whom it was made', async () => {
    const { createTime, createdBy } = (await save('twice')).json;
    const again = await save('twice', { zoneId: 'Europe/Berlin', paused: true, pausedReason: 'not yet' }, 'scheduler');
    expect(again.json).toMatchObject({ createTime, createdBy, zoneId: 'Europe/Berlin', pausedReason: 'not yet' });
    expect(again.json.updatedBy).not.toBe(createdBy);
    expect(again.json).not.toHaveProperty('nextRunTime');
  });

  it('is paused with a reason and resumed, by PUT as by GET', async () => {
    await save('still');
    for (const method of ['PUT', 'GET']) {
      expect(await call(method, `${PATH}/still/pause?reason=holidays`)).toMatchObject(VOID);
      expect(await read('still')).toMatchObject({ paused: true, pausedReason: 'holidays' });
      expect(await call(method, `${PATH}/still/resume`)).toMatchObject(VOID);
      const found = await read('still');
      expect(found).toMatchObject({ paused: false, nextRunTime: expect.any(Number) });
      expect(found).not.toHaveProperty('pausedReason');
    }
  });

  it('is removed, also when it is not there; unknown, it is 404 to all else', async () => {
    await save('gone');
    expect(await call('DELETE', `${PATH}/gone`)).toMatchObject(VOID);
    expect(await call('DELETE', `${PATH}/gone`)).toMatchObject(VOID);
    for (const [method, path] of [
      ['GET', ''],
      ['PUT', '/pause'],
      ['GET', '/resume'],
    ] as const) {
      const answer = await call(method, `${PATH}/gone${path}`);
      expect(answer).toMatchObject({ status: 404 });
      expect(answer.json.message).toBe('No such schedule found by name: gone');
    }
  });

  it.each([
    [{ cronExpression: '0 12 * * *' }, 'cronExpression', /has five fields: put the seconds first/],
    [{ cronExpression: '0 0 25 * * *' }, 'cronExpression', /field 3 \(hour\), "25"/],
    [{ cronExpression: null }, 'cronExpression', /must be there, or cronSchedules/],
    [{ zoneId: 'Nowhere' }, 'zoneId', /must be the name of a time zone/],
    [{ cronSchedules: [{ cronExpression: 'x' }] }, 'cronSchedules[0].cronExpression', /must have six fields/],
    [{ scheduleStartTime: 2, scheduleEndTime: 1 }, 'scheduleEndTime', /must not lie before/],
    [{ startWorkflowRequest: {} }, 'startWorkflowRequest.name', /./],
    [{ name: 'x'.repeat(256) }, 'name', /255/],
  ])('that is wrong is 400 and says where: %o', async (over, path, message) => {
    const answer = await save('wrong', over);
    expect(answer.status).toBe(400);
    expect(answer.json.validationErrors).toEqual([
      expect.objectContaining({ path, message: expect.stringMatching(message) }),
    ]);
  });

  it('with a definition of its own is refused when that does not compile', async () => {
    const workflowDef = { ...sequence('mine', 'a', 'a') };
    for (const task of workflowDef.tasks) task.taskReferenceName = 'same';
    const answer = await save('inline', { startWorkflowRequest: { name: 'mine', workflowDef } });
    expect(answer).toMatchObject({ status: 400 });
  });
});

describe('schedules', () => {
  beforeAll(async () => {
    await save('list_b', { startWorkflowRequest: { name: 'listed' } });
    await save('list_a', { startWorkflowRequest: { name: 'listed' }, paused: true });
  });

  it('are listed by name, all or of one workflow', async () => {
    const all = names((await call('GET', PATH)).json);
    expect(all).toEqual([...all].sort());
    expect(names((await call('GET', `${PATH}?workflowName=listed`)).json)).toEqual(['list_a', 'list_b']);
    expect((await call('GET', `${PATH}?workflowName=none`)).json).toEqual([]);
  });

  it('are searched by workflow, name, text and whether they are paused, a page at a time', async () => {
    const search = async (query: string) => {
      const { totalHits, results } = (await call('GET', `${PATH}/search?${query}`)).json;
      return [totalHits, names(results)];
    };
    expect(await search('workflowName=listed&sort=name:DESC')).toEqual([2, ['list_b', 'list_a']]);
    expect(await search('workflowName=listed&start=1&size=1')).toEqual([2, ['list_b']]);
    expect(await search('freeText=ist_&paused=true')).toEqual([1, ['list_a']]);
    expect(await search('name=list_b&freeText=*')).toEqual([1, ['list_b']]);
    expect((await call('GET', `${PATH}/search?sort=age`)).status).toBe(400);
    expect((await call('GET', `${PATH}/search?size=9999`)).status).toBe(400);
  });

  it('are paused and resumed in bulk, each for itself', async () => {
    const body = ['list_b', 'nobody', 'list_b'];
    const paused = await call('PUT', `${BASE}/bulk/pause`, body);
    expect(paused.json).toEqual({
      bulkErrorResults: { nobody: 'No such schedule found by name: nobody' },
      bulkSuccessfulResults: ['list_b'],
      message: 'Bulk Request has been processed.',
    });
    expect(await read('list_b')).toMatchObject({ paused: true });
    await call('PUT', `${BASE}/bulk/resume`, body);
    expect(await read('list_b')).toMatchObject({ paused: false });
    expect((await call('PUT', `${BASE}/bulk/resume`, {})).status).toBe(400);
  });

  it('are paused, resumed and queued anew all together', async () => {
    const done = { status: 200, json: { status: 'done' } };
    expect(await call('GET', `${BASE}/admin/pause`)).toMatchObject(done);
    const all = (await call('GET', PATH)).json;
    expect(all.every(({ paused }: { paused: boolean }) => paused)).toBe(true);
    expect(await call('GET', `${BASE}/admin/resume`)).toMatchObject(done);
    expect(await read('list_a')).toMatchObject({ paused: false });
    expect(await call('GET', `${BASE}/admin/requeue`)).toMatchObject(done);
  });
});

describe('the next instants of a cron', () => {
  const next = (query: Record<string, string>) =>
    call('GET', `${BASE}/nextFewSchedules?${new URLSearchParams(query).toString()}`);

  it('are told in epoch milliseconds, five unless asked for another number', async () => {
    const from = Date.parse('2100-01-01T00:00:00Z');
    const day = 86_400_000;
    const noon = from + day / 2;
    const bounds = { cronExpression: NOON, scheduleStartTime: String(from) };
    expect((await next(bounds)).json).toEqual([0, 1, 2, 3, 4].map((days) => noon + days * day));
    expect((await next({ ...bounds, limit: '1', zoneId: 'Asia/Tokyo' })).json).toEqual([noon - 9 * 3_600_000]);
    expect((await next({ ...bounds, scheduleEndTime: String(noon) })).json).toEqual([noon]);
  });

  it('are refused with what is wrong', async () => {
    expect((await next({})).status).toBe(400);
    expect((await next({ cronExpression: '* * * * *' })).json.message).toMatch(/cron.*five fields/i);
    expect((await next({ cronExpression: NOON, limit: '0' })).status).toBe(400);
    expect((await next({ cronExpression: NOON, zoneId: 'x' })).status).toBe(400);
  });
});

describe('what schedules have started', () => {
  const search = async (query: string, key?: string) =>
    (await call('GET', `${BASE}/search/executions?${query}`, undefined, key)).json;

  it('is found by the schedule, its state and its times', async () => {
    await save('ticking', { cronExpression: '* * * * * *' });
    await save('failing', { cronExpression: '* * * * * *', startWorkflowRequest: { name: 'unknown' } });
    const query = encodeURIComponent("scheduleName='ticking' AND state = EXECUTED");
    await expect
      .poll(() => search(`query=${query}&size=1&sort=`), { timeout: 20_000 })
      .toMatchObject({
        results: [{ scheduleName: 'ticking', workflowName: 'mine', state: 'EXECUTED', zoneId: 'UTC' }],
      });
    const { results } = await search(`query=${query}&sort=startTime:DESC&freeText=*&start=0&size=100`);
    const [{ executionId, workflowId, executionTime }] = results;
    expect((await call('GET', `/api/workflow/${workflowId}`)).json.input).toMatchObject({
      _startedByScheduler: 'ticking',
      _executionId: executionId,
      _schedulerCron: '* * * * * * UTC',
    });
    const at = encodeURIComponent(
      `scheduleName IN (ticking) AND executionTime = ${executionTime} AND scheduledTime > 0`,
    );
    expect((await search(`query=${at}`)).results).toContainEqual(results[0]);
    const failed = encodeURIComponent('state IN (FAILED) AND workflowType = unknown');
    await expect
      .poll(() => search(`query=${failed}&sort=executionTime:ASC`), { timeout: 20_000 })
      .toMatchObject({
        results: expect.arrayContaining([
          expect.objectContaining({ state: 'FAILED', reason: 'No such workflow defined. name=unknown' }),
        ]),
      });
    for (const name of ['ticking', 'failing']) await call('DELETE', `${PATH}/${name}`);
    const seen = await search('', 'reader');
    expect(seen.totalHits).toBeGreaterThan(0);
    expect(new Set(seen.results.map((one: { workflowName: string }) => one.workflowName))).toEqual(new Set(['mine']));
    expect(await search('', 'writer')).toEqual({ totalHits: 0, results: [] });
  });

  it('is refused where the question is wrong', async () => {
    for (const query of ['query=stat%3DFAILED', 'query=state%3DPOLLED', 'sort=name:ASC', 'start=x']) {
      expect((await call('GET', `${BASE}/search/executions?${query}`)).status).toBe(400);
    }
  });
});

describe('permissions', () => {
  const status = async (method: string, path: string, key: string, body?: unknown) =>
    (await call(method, path, body, key)).status;

  it('to write one takes metadata:*:write, and to start its workflow: the new one, and the one it had', async () => {
    expect((await save('shared', {}, 'scheduler')).status).toBe(200);
    expect((await save('shared', {}, 'starter')).status).toBe(403);
    expect((await save('shared', {}, 'writer')).status).toBe(403);
    const other = { startWorkflowRequest: { name: 'other' } };
    expect((await save('shared', other, 'scheduler')).status).toBe(403);
    expect((await save('foreign', other)).status).toBe(200);
    expect((await save('foreign', {}, 'scheduler')).status).toBe(403);
    for (const [method, path] of [
      ['DELETE', ''],
      ['PUT', '/pause'],
      ['GET', '/resume'],
    ] as const) {
      expect(await status(method, `${PATH}/foreign${path}`, 'scheduler')).toBe(403);
      expect(await status(method, `${PATH}/shared${path}`, 'starter')).toBe(403);
    }
    const inline = { name: 'mine', workflowDef: sequence('other', 'a') };
    expect((await save('inline', { startWorkflowRequest: inline }, 'scheduler')).status).toBe(403);
    const budget = { stripe: { capUsd: 1, allowedEndpoints: ['*'] } };
    const spending = { name: 'mine', workflowDef: { ...sequence('mine', 'a'), budget } };
    const refused = await save('inline', { startWorkflowRequest: spending }, 'scheduler');
    expect([refused.status, refused.json.message]).toEqual([403, expect.stringContaining('vault:stripe:issue')]);
  });

  it('to read one takes the right to read its workflow; to others it is not there', async () => {
    expect(await status('GET', `${PATH}/shared`, 'reader')).toBe(200);
    expect(await status('GET', `${PATH}/foreign`, 'reader')).toBe(404);
    for (const path of [PATH, `${PATH}/search`]) {
      const { json } = await call('GET', path, undefined, 'reader');
      const seen = names(json.results ?? json);
      expect(seen).toContain('shared');
      expect(seen).not.toContain('foreign');
    }
  });

  it('all of them are paused, resumed and queued anew by who may start every workflow', async () => {
    for (const action of ['pause', 'resume', 'requeue']) {
      expect(await status('GET', `${BASE}/admin/${action}`, 'scheduler')).toBe(403);
      expect(await status('GET', `${BASE}/admin/${action}`, 'starter')).toBe(403);
    }
    const bulk = await call('PUT', `${BASE}/bulk/pause`, ['shared', 'foreign'], 'scheduler');
    expect(bulk.json).toMatchObject({
      bulkSuccessfulResults: ['shared'],
      bulkErrorResults: { foreign: expect.stringContaining('workflow:other:execute') },
    });
  });
});
