// When memory and store come apart: the repair scan finds it, and a commit that failed leaves nothing behind.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startRequestSchema } from '../model/start-request.ts';
import { workflowDefinitionSchema } from '../model/workflow-definition.ts';
import type { Store } from '../store/port.ts';
import { createSqliteStore } from '../store/sqlite/store.ts';
import { Core } from './core.ts';
import { Loop } from './loop.ts';
import { startRun } from './start-run.ts';
import { brittle } from './testing/brittle-store.ts';
import { NO_HOOKS } from './testing/fixture.ts';

let folder: string;
let store: Store;
let core: Core;
let defects: string[];
let isBroken: boolean;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conductor-repair-'));
  store = await createSqliteStore({ path: join(folder, 'test.db') });
  const clock = { now: () => Date.now() };
  defects = [];
  isBroken = false;
  const breaking = brittle(store);
  breaking.failing = () => (isBroken ? 'before writing' : null);
  core = new Core(
    {
      loop: new Loop(breaking, clock),
      store: breaking,
      clock,
      hooks: NO_HOOKS,
      workers: [],
      newId: uuidv7,
      random: Math.random,
      script: () => ({ ok: false, error: 'no scripts here' }),
      onDefect: (what) => defects.push(what),
    },
    async () => undefined,
  );
  await core.open();
});

afterEach(async () => {
  await core.stop();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const definition = workflowDefinitionSchema.parse({
  name: 'one',
  timeoutSeconds: 600,
  timeoutPolicy: 'TIME_OUT_WF',
  tasks: [
    { name: 'a', taskReferenceName: 'a' },
    { name: 'w', taskReferenceName: 'w', type: 'WAIT', inputParameters: { duration: '1h' } },
  ],
});
const start = () => startRun(core, startRequestSchema.parse({ name: 'one', workflowDef: definition }));

test('finds nothing while memory and store agree', async () => {
  for (let n = 0; n < 5; n += 1) await start();
  expect(await core.repair()).toBeNull();
  expect(defects).toEqual([]);
});

test('reports what memory has lost, and puts it back into its queue', async () => {
  await start();
  core.schedule.clear();
  expect(core.schedule.readyCount()).toBe(0);
  expect(await core.repair()).toMatch(/is not known to be open/);
  expect(defects).toHaveLength(1);
  expect(core.schedule.readyCount()).toBe(1);
  expect(core.schedule.timers).toBeGreaterThan(0);
  expect(await core.repair()).toBeNull();
});

test('reports a task that is in no queue', async () => {
  await start();
  core.schedule.ready('a')?.take();
  const [task] = (await store.reads.openRuns(0, 10))[0]?.tasks ?? [];
  const entry = core.schedule.taskByRow(task?.rowId ?? 0);
  if (entry) core.schedule.taken(entry);
  expect(await core.repair()).toMatch(/is in no queue/);
  expect(core.schedule.ready('a')?.size).toBe(1);
});

test('a commit that fails answers its callers with 503, leaves nothing behind, and work goes on when the store is back', async () => {
  await start();
  const poll = () =>
    core.pollers.wait({ taskType: 'a', workerId: 'w', domain: null, count: 9, timeoutMs: 20_000 }, 'a');
  isBroken = true;
  const refused = { code: 'store_unavailable', retryable: true };
  await expect(start()).rejects.toMatchObject(refused);
  const losing = poll();
  core.serving.touch('a');
  await expect(losing).rejects.toMatchObject(refused);
  isBroken = false;
  const second = await start();
  const taken: string[] = [];
  while (taken.length < 2) {
    const waiting = poll();
    core.serving.touch('a');
    taken.push(...(await waiting).map(({ run }) => run.id));
  }
  expect(new Set(taken).size).toBe(2);
  expect(taken).toContain(second);
  const open = await store.reads.openRuns(0, 10);
  expect(open.map((run) => run.tasks.map((task) => task.status))).toEqual([['IN_PROGRESS'], ['IN_PROGRESS']]);
  expect(await core.repair()).toBeNull();
});
