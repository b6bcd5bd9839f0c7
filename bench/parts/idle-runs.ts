// (e) Memory of a run that only waits: started, its task queued, no worker anywhere.
import { Child, withChildren } from '../child.ts';
import { Driver, spread } from '../driver.ts';

export async function idleRunBytes(quick: boolean): Promise<number> {
  const server = await Child.start('server');
  return withChildren([server], async () => {
    const driver = new Driver(server.url, server.key, 64);
    await driver.define({
      name: 'bench_idle',
      version: 1,
      tasks: [{ name: 'nobody_polls', taskReferenceName: 'only', type: 'SIMPLE' }],
    });
    await spread(2000, 64, () => driver.start('bench_idle', '{"customer":"cus_1"}'));
    const before = await server.settledBytes();
    const runs = quick ? 10_000 : 50_000;
    await spread(runs, 64, () => driver.start('bench_idle', '{"customer":"cus_1"}'));
    const after = await server.settledBytes();
    await driver.close();
    return Math.round((after - before) / runs);
  });
}
