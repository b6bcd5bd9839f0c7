// The official JavaScript SDK's SchedulerClient against a real server, unchanged: every call that it has for schedules.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConductorClient, MetadataClient, SchedulerClient } from '@io-orkes/conductor-javascript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../../src/runtime/node/start-server.ts';

const NOON = '0 0 12 * * *';

let server: RunningServer;
let dataDir: string;
let scheduler: SchedulerClient;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'conductor-sdk-'));
  server = await startServer({ dataDir, port: 0, production: false });
  const { record, key } = await server.access.generateKey({ name: 'sdk', permissions: ['*'], expiresMs: 0 });
  const access = { serverUrl: `${server.url}/api`, keyId: record.id, keySecret: key };
  const client = await createConductorClient(access, fetch);
  scheduler = new SchedulerClient(client);
  const task = { name: 'a', taskReferenceName: 'a', type: 'SIMPLE' as const, inputParameters: {} };
  await new MetadataClient(client).registerWorkflowDef({ name: 'agent', timeoutSeconds: 0, tasks: [task] }, true);
});

afterAll(async () => {
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

test('schedules are saved, read, listed, paused, resumed and deleted', async () => {
  const startWorkflowRequest = { name: 'agent', input: { a: 1 } };
  await scheduler.saveSchedule({ name: 'nightly', cronExpression: NOON, startWorkflowRequest });
  expect(await scheduler.getSchedule('nightly')).toMatchObject({ cronExpression: NOON, startWorkflowRequest });
  expect(await scheduler.getAllSchedules('agent')).toHaveLength(1);
  expect(await scheduler.getAllSchedules('other')).toEqual([]);
  await scheduler.pauseSchedule('nightly', 'holidays');
  expect(await scheduler.getSchedule('nightly')).toMatchObject({ paused: true, pausedReason: 'holidays' });
  await scheduler.resumeSchedule('nightly');
  await scheduler.pauseAllSchedules();
  expect((await scheduler.getSchedule('nightly')).paused).toBe(true);
  await scheduler.resumeAllSchedules();
  await scheduler.requeueAllExecutionRecords();
  expect((await scheduler.getSchedule('nightly')).paused).toBe(false);
  await scheduler.deleteSchedule('nightly');
  await expect(scheduler.getSchedule('nightly')).rejects.toThrow(/No such schedule/);
});

test('the next times are told, and what is wrong with an expression', async () => {
  const [first = 0, second = 0, ...more] = await scheduler.getNextFewSchedules(NOON);
  expect([second - first, more.length]).toEqual([86_400_000, 1]);
  expect(await scheduler.previewNext(NOON, { n: 2 })).toHaveLength(2);
  await expect(scheduler.previewNext('* * * * *')).rejects.toMatchObject({ name: 'InvalidCronExpression' });
});

test('what a schedule has started is found', async () => {
  const startWorkflowRequest = { name: 'agent', correlationId: 'ticking' };
  await scheduler.saveSchedule({ name: 'ticking', cronExpression: '* * * * * *', startWorkflowRequest });
  const find = () => scheduler.search(0, 10, '', '*', 'scheduleName = ticking');
  await expect.poll(find, { timeout: 20_000 }).toMatchObject({
    results: expect.arrayContaining([expect.objectContaining({ state: 'EXECUTED', workflowName: 'agent' })]),
  });
  await scheduler.deleteSchedule('ticking');
});

test('schedules of an agent are kept as they are declared', async () => {
  const daily = { name: 'daily', cron: NOON, timezone: 'Europe/Berlin', input: { b: 2 }, catchup: true, paused: false };
  const hourly = { name: 'hourly', cron: '0 0 * * * *', timezone: 'UTC', input: {}, catchup: false, paused: true };
  await scheduler.reconcile('agent', [daily, hourly]);
  expect((await scheduler.listForAgent('agent')).map(({ shortName }) => shortName)).toEqual(['daily', 'hourly']);
  expect(await scheduler.get('agent-daily', 'agent')).toMatchObject({
    ...daily,
    name: 'agent-daily',
    agent: 'agent',
    nextRun: expect.any(Number),
    createTime: expect.any(Number),
    updateTime: expect.any(Number),
  });
  await scheduler.resume('agent-hourly');
  await scheduler.pause('agent-hourly', 'enough');
  expect(await scheduler.get('agent-hourly', 'agent')).toMatchObject({ paused: true, pausedReason: 'enough' });
  expect(await scheduler.runNow(await scheduler.get('agent-daily', 'agent'))).toMatch(/./);
  await scheduler.reconcile('agent', [daily]);
  await expect(scheduler.get('agent-hourly')).rejects.toMatchObject({ name: 'ScheduleNotFound' });
  await scheduler.reconcile('agent', []);
  expect(await scheduler.getAllSchedules()).toEqual([]);
});
