// `kill -9` while schedules fire, again and again: with catch-up every instant has its one run, without it none has two.
import { expect, test } from 'vitest';
import { z } from 'zod';
import { ServerProcess } from '../support/server-process.ts';

const KILLS = 5;

const firing = z.object({ scheduledTime: z.int(), workflowId: z.string(), state: z.string() });
const foundSchema = z.object({ totalHits: z.int(), results: z.array(firing) });
const idsSchema = z.array(z.string());

const schedule = (name: string, runCatchupScheduleInstances: boolean) => ({
  name,
  cronExpression: '* * * * * *',
  runCatchupScheduleInstances,
  startWorkflowRequest: { name: 'ticked' },
});

test('kill -9 while schedules fire: nothing is fired twice, and what is to be caught up with is not lost', async () => {
  const server = await ServerProcess.create();
  await server.start();
  const json = async (path: string) => (await server.call('GET', path)).json();
  const page = '/api/scheduler/search/executions?size=1000&sort=executionTime:ASC';
  const found = async (name: string) => foundSchema.parse(await json(`${page}&query=scheduleName%3D${name}`));
  const firedMore = async (than: number) =>
    expect.poll(async () => (await found('all')).totalHits, { timeout: 30_000 }).toBeGreaterThan(than);
  try {
    const task = { name: 'a', taskReferenceName: 'a', type: 'SIMPLE' };
    await server.call('POST', '/api/metadata/workflow', { name: 'ticked', tasks: [task] });
    for (const one of [schedule('all', true), schedule('some', false)]) {
      await server.call('POST', '/api/scheduler/schedules', one);
    }
    for (let kill = 0; kill < KILLS; kill += 1) {
      await firedMore((await found('all')).totalHits + 1);
      await server.kill();
      await server.start();
    }
    await firedMore((await found('all')).totalHits + 1);
    await server.call('GET', '/api/scheduler/admin/pause');

    const [all, some] = await Promise.all([found('all'), found('some')]);
    const times = all.results.map(({ scheduledTime }) => scheduledTime);
    expect(times).toEqual(times.map((_, index) => (times[0] ?? 0) + index * 1000));
    expect(new Set(some.results.map(({ scheduledTime }) => scheduledTime)).size).toBe(some.totalHits);
    const firings = [...all.results, ...some.results];
    expect(firings.every(({ state }) => state === 'EXECUTED')).toBe(true);
    const running = idsSchema.parse(await json('/api/workflow/running/ticked'));
    expect(running.sort()).toEqual(firings.map(({ workflowId }) => workflowId).sort());
  } finally {
    await server.dispose();
  }
}, 120_000);
