// (f) One, two and four server processes on one Postgres, the same load spread over them request by request: a run's
// start, its polls and its updates each reach another server. Must never say anything of an embedded store.
import { Child, withChildren } from '../child.ts';
import { newDatabase } from '../databases.ts';
import { Driver, RoundRobin } from '../driver.ts';
import type { ReplicaRates, Results } from '../results.ts';
import { defineThreeSteps, RUN_CONNECTIONS, threeStepRuns } from './runs-per-second.ts';
import { defineFork, forkRates } from './tasks-per-second.ts';

/** Null on the embedded store, which has one server process by its nature. */
export async function replicaRates(quick: boolean): Promise<Results['replicas']> {
  if ((await newDatabase()) === undefined) {
    console.log('replicas: skipped, because one process owns an embedded database; give --store postgres');
    return null;
  }
  return { '1': await ratesOf(1, quick), '2': await ratesOf(2, quick), '4': await ratesOf(4, quick) };
}

async function ratesOf(count: number, quick: boolean): Promise<ReplicaRates> {
  const database = await newDatabase();
  const servers = await Promise.all(Array.from({ length: count }, () => Child.start('server', '', { database })));
  return withChildren(servers, async () => {
    const load = new RoundRobin(servers.map(({ url, key }) => new Driver(url, key, RUN_CONNECTIONS)));
    await Promise.all([defineThreeSteps(load), defineFork(load)]);
    // Each server compiles the code for itself.
    await threeStepRuns(load, (quick ? 300 : 1000) * count);
    const runs = quick ? 2000 : 10_000;
    const elapsedMs = await threeStepRuns(load, runs);
    await forkRates(load, (quick ? 15 : 60) * count);
    const { tasksPerSecond } = await forkRates(load, quick ? 100 : 400);
    await load.close();
    return { runsPerSecond: Math.round((runs * 1000) / elapsedMs), tasksPerSecond: Math.round(tasksPerSecond) };
  });
}
