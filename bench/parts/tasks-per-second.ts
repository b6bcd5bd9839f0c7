// (a) Tasks per second: forks of 100 workers' tasks, polled in batches, each updated by a request of its own that is
// answered after its commit.
import { Child, withChildren } from '../child.ts';
import { Driver, drain, type Load, spread } from '../driver.ts';
import { fanOut, itemsOf } from './fan-out.ts';

const BRANCHES = 100;
const AT_ONCE = 200;

/** Of a task here: it is scheduled, handed out, and completed. */
const TRANSITIONS = 3;

export interface ForkRates {
  /** Polled and completed, each with an update of its own; their scheduling is not counted. */
  readonly tasksPerSecond: number;
  /** Of tasks from one status to the next, from the first start to the last update. */
  readonly transitionsPerSecond: number;
}

export async function forkTasks(quick: boolean): Promise<ForkRates> {
  const server = await Child.start('server');
  return withChildren([server], async () => {
    const driver = new Driver(server.url, server.key, AT_ONCE);
    await defineFork(driver);
    await forkRates(driver, quick ? 60 : 100);
    const { tasksPerSecond, transitionsPerSecond } = await forkRates(driver, quick ? 150 : 500);
    await driver.close();
    return {
      tasksPerSecond: Math.round(tasksPerSecond),
      transitionsPerSecond: Math.round(transitionsPerSecond),
    };
  });
}

export async function defineFork(load: Load): Promise<void> {
  await load.define(fanOut('bench_fan', 'bench_leaf'));
}

export async function forkRates(load: Load, runs: number): Promise<ForkRates> {
  const input = itemsOf(BRANCHES);
  const tasks = runs * BRANCHES;
  const startedAt = performance.now();
  await spread(runs, 32, () => load.start('bench_fan', input));
  const scheduledAt = performance.now();
  await drain(load, 'bench_leaf', tasks, AT_ONCE);
  const endedAt = performance.now();
  return {
    tasksPerSecond: (tasks * 1000) / (endedAt - scheduledAt),
    transitionsPerSecond: (tasks * TRANSITIONS * 1000) / (endedAt - startedAt),
  };
}
