// (e) A two-step ensemble behind a public trigger against a bare Hono route, in the same run. Each request is a whole
// execution: parsed, run step by step, written to the history durably, and answered after that.
import { Child, newFolder, removeFolder, withChildren } from '../child.ts';
import { Driver, inTurns, spread } from '../driver.ts';
import { writeProject } from '../project-files.ts';
import { type EnsembleResults, percentiles, round } from '../results.ts';

const AT_ONCE = 64;
const BODY = JSON.stringify({ name: 'Ada' });

export async function ensembles(quick: boolean): Promise<EnsembleResults> {
  const folder = newFolder();
  writeProject(folder);
  const bareServer = await Child.start('bare');
  const server = await Child.start('server', '', { project: folder });
  return withChildren([server, bareServer], async () => {
    const ours = new Driver(server.url, server.key, AT_ONCE);
    const bare = new Driver(bareServer.url, 'none', AT_ONCE);
    const timesMs: number[] = [];
    const loads = [(calls: number) => load(bare, calls), (calls: number) => load(ours, calls, timesMs)];
    for (const warmUp of loads) await warmUp(4000);
    timesMs.length = 0;
    const [barePerSecond = 0, perSecond = 0] = await inTurns(loads, quick ? 9000 : 45_000);
    await Promise.all([ours.close(), bare.close()]);
    return {
      perSecond: Math.round(perSecond),
      barePerSecond: Math.round(barePerSecond),
      p99Ms: round(percentiles(timesMs).p99),
    };
  }).finally(() => removeFolder(folder));
}

/** `AT_ONCE` calls under way; how long each took goes into `timesMs`. */
function load(driver: Driver, calls: number, timesMs: number[] = []): Promise<void> {
  return spread(calls, AT_ONCE, async () => {
    const sentAt = performance.now();
    await driver.send('POST', '/hello', BODY);
    timesMs.push(performance.now() - sentAt);
  });
}
