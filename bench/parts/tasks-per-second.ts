// (a) Tasks per second: forks of 100 workers' tasks, polled in batches, each updated by a request of its own that is
// answered after its commit.
import { Child, withChildren } from '../child.ts';
import { Driver, drain, spread } from '../driver.ts';
import { fanOut, itemsOf } from './fan-out.ts';

const BRANCHES = 100;
const AT_ONCE = 200;

export async function tasksPerSecond(quick: boolean): Promise<number> {
  const server = await Child.start('server');
  return withChildren([server], async () => {
    const driver = new Driver(server.url, server.key, AT_ONCE);
    await driver.define(fanOut('bench_fan', 'bench_leaf'));
    const measure = async (runs: number) => {
      const input = itemsOf(BRANCHES);
      await spread(runs, 32, () => driver.start('bench_fan', input));
      const startedAt = performance.now();
      await drain(driver, 'bench_leaf', runs * BRANCHES, AT_ONCE);
      return (runs * BRANCHES * 1000) / (performance.now() - startedAt);
    };
    await measure(quick ? 30 : 60);
    const rate = await measure(quick ? 150 : 500);
    await driver.close();
    return Math.round(rate);
  });
}
