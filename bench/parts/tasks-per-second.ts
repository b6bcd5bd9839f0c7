// (a) Tasks per second: forks of 100 workers' tasks, polled in batches, each updated by a request of its own that is
// answered after its commit.
import { Child, withChildren } from '../child.ts';
import { Driver, drain, type Load, spread } from '../driver.ts';
import { fanOut, itemsOf } from './fan-out.ts';

const BRANCHES = 100;
const AT_ONCE = 200;

export async function tasksPerSecond(quick: boolean): Promise<number> {
  const server = await Child.start('server');
  return withChildren([server], async () => {
    const driver = new Driver(server.url, server.key, AT_ONCE);
    await defineFork(driver);
    await forkTaskRate(driver, quick ? 30 : 60);
    const rate = await forkTaskRate(driver, quick ? 150 : 500);
    await driver.close();
    return Math.round(rate);
  });
}

export async function defineFork(load: Load): Promise<void> {
  await load.define(fanOut('bench_fan', 'bench_leaf'));
}

/** Tasks polled and completed per second; their scheduling is not counted. */
export async function forkTaskRate(load: Load, runs: number): Promise<number> {
  const input = itemsOf(BRANCHES);
  await spread(runs, 32, () => load.start('bench_fan', input));
  const startedAt = performance.now();
  await drain(load, 'bench_leaf', runs * BRANCHES, AT_ONCE);
  return (runs * BRANCHES * 1000) / (performance.now() - startedAt);
}
