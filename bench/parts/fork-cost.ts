// (c) Cost of a task by the width of its fork: the same number of tasks each time, in few wide or many narrow forks.
// Counts the server's own CPU time, so that a slow client cannot hide a slow server.
import { Child, withChildren } from '../child.ts';
import { Driver, drain, spread } from '../driver.ts';
import type { Results } from '../results.ts';
import { fanOut, itemsOf } from './fan-out.ts';

const WIDTHS = [10, 100, 1000, 10_000];

export async function forkCost(quick: boolean): Promise<NonNullable<Results['perTaskCost']>> {
  const server = await Child.start('server');
  return withChildren([server], async () => {
    const driver = new Driver(server.url, server.key, 200);
    await driver.define(fanOut('bench_fan', 'bench_leaf'));
    const total = quick ? 10_000 : 20_000;
    const costOf = async (branches: number) => {
      const runs = Math.max(1, total / branches);
      const input = itemsOf(branches);
      const before = await server.cpuMicros();
      await spread(runs, 16, () => driver.start('bench_fan', input));
      await drain(driver, 'bench_leaf', runs * branches, 200);
      return ((await server.cpuMicros()) - before) / (runs * branches);
    };
    // Until the server's code is compiled; the width does not matter for that.
    await costOf(100);
    if (!quick) await costOf(10_000);
    const costs = new Map<number, number>();
    for (const branches of WIDTHS) costs.set(branches, Math.round(await costOf(branches)));
    await driver.close();
    const cost = (branches: number) => costs.get(branches) ?? 0;
    return { '10': cost(10), '100': cost(100), '1000': cost(1000), '10000': cost(10_000) };
  });
}
