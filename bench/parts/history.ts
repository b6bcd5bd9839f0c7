// (g) What a task costs by how many ended ones lie in the database: three servers, each on a past of its own, measured
// in turn so that a slow minute of the machine hits all alike. The best of the turns counts.
import { z } from 'zod';
import { Child, newFolder, type Place, removeFolder, withChildren } from '../child.ts';
import { newDatabase } from '../databases.ts';
import { Driver } from '../driver.ts';
import { type LongHistory, multiplyHistory } from '../multiply-history.ts';
import type { Results, TaskCost } from '../results.ts';
import { defineThreeSteps, RUN_CONNECTIONS, STEPS, threeStepRuns } from './runs-per-second.ts';

/** 1,002 tasks. */
const REAL_RUNS = 334;
/** How many times over, for about as many task rows. */
const PASTS = { '1000': 1, '100000': 100, '1000000': 1000 } as const;
const runSchema = z.object({
  workflowId: z.string(),
  status: z.literal('COMPLETED'),
  tasks: z.array(z.object({ status: z.literal('COMPLETED') })).length(STEPS.length),
});

interface Subject {
  readonly server: Child;
  readonly driver: Driver;
  readonly costs: TaskCost[];
}

export async function historyCost(quick: boolean): Promise<NonNullable<Results['perTaskCostByHistory']>> {
  const folders: string[] = [];
  const servers: Child[] = [];
  const open = async (times: number): Promise<Subject> => {
    const place = { folder: newFolder(), database: await newDatabase() };
    folders.push(place.folder);
    const past = await fill(place, times);
    const server = await Child.start('server', '', place);
    servers.push(server);
    const driver = new Driver(server.url, server.key, RUN_CONNECTIONS);
    await readBack(driver, past);
    return { server, driver, costs: [] };
  };
  try {
    const few = await open(PASTS['1000']);
    const more = await open(PASTS['100000']);
    const many = await open(PASTS['1000000']);
    await takeTurns([few, more, many], quick);
    return { '1000': best(few), '100000': best(more), '1000000': best(many) };
  } finally {
    await withChildren(servers, async () => undefined);
    for (const folder of folders) removeFolder(folder);
  }
}

/** Real runs to their real end; then, with the server gone, their rows many times over. */
async function fill(place: Place, times: number): Promise<LongHistory> {
  const server = await Child.start('server', '', place);
  await withChildren([server], async () => {
    const driver = new Driver(server.url, server.key, RUN_CONNECTIONS);
    await defineThreeSteps(driver);
    await threeStepRuns(driver, REAL_RUNS);
    await driver.close();
  });
  const startedAt = performance.now();
  const past = await multiplyHistory(place, times);
  const seconds = (performance.now() - startedAt) / 1000;
  console.error(`history: ${past.tasks.toLocaleString('en')} task rows, made in ${seconds.toFixed(1)} s`);
  return past;
}

/** The server must take a copy for a run that it has run. */
async function readBack(driver: Driver, { sampleRun }: LongHistory): Promise<void> {
  const run = runSchema.parse(JSON.parse(await driver.send('GET', `/api/workflow/${sampleRun}`)));
  if (run.workflowId !== sampleRun) throw new Error(`run ${sampleRun} was read as ${run.workflowId}`);
}

/** Many short turns, back and forth. What is measured becomes past as well, so the least past grows past its name. */
async function takeTurns(subjects: readonly Subject[], quick: boolean): Promise<void> {
  const runs = quick ? 250 : 500;
  const turns = quick ? 6 : 12;
  for (const { driver } of subjects) await threeStepRuns(driver, quick ? 600 : 1000);
  for (let turn = 0; turn < turns; turn += 1) {
    const order = turn % 2 === 0 ? subjects : subjects.toReversed();
    for (const subject of order) subject.costs.push(await costOf(subject, runs));
  }
  for (const { driver } of subjects) await driver.close();
}

async function costOf({ server, driver }: Subject, runs: number): Promise<TaskCost> {
  const tasks = runs * STEPS.length;
  const before = await server.cpuMicros();
  const elapsedMs = await threeStepRuns(driver, runs);
  const cpuMicros = (await server.cpuMicros()) - before;
  return { wallMicros: Math.round((elapsedMs * 1000) / tasks), cpuMicros: Math.round(cpuMicros / tasks) };
}

function best({ costs }: Subject): TaskCost {
  const least = (key: keyof TaskCost) => Math.min(...costs.map((cost) => cost[key]));
  return { wallMicros: least('wallMicros'), cpuMicros: least('cpuMicros') };
}
