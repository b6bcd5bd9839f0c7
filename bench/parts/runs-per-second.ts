// (a) Runs per second: three worker steps each, started, polled and updated to completion; every answer follows its
// commit. Workers report with update-v2, which brings them their next task.
import { Child, withChildren } from '../child.ts';
import { completed, Driver, type Load, type PolledTask, spread } from '../driver.ts';

export const STEPS = ['one', 'two', 'three'];
const STARTERS = 48;
const WORKERS = 150;
/** Nothing waits for a connection: the starters, the workers and a poller. */
export const RUN_CONNECTIONS = STARTERS + WORKERS + 1;

export async function runsPerSecond(quick: boolean): Promise<number> {
  const server = await Child.start('server');
  return withChildren([server], async () => {
    const driver = new Driver(server.url, server.key, RUN_CONNECTIONS);
    await defineThreeSteps(driver);
    await threeStepRuns(driver, 2000);
    const runs = quick ? 4000 : 15_000;
    const elapsedMs = await threeStepRuns(driver, runs);
    await driver.close();
    return Math.round((runs * 1000) / elapsedMs);
  });
}

export async function defineThreeSteps(load: Load): Promise<void> {
  const step = (ref: string) => ({ name: 'bench_step', taskReferenceName: ref, type: 'SIMPLE' });
  await load.define({ name: 'bench_three', version: 1, tasks: STEPS.map(step) });
}

/** Resolves with the milliseconds from the first start to the last update. */
export async function threeStepRuns(load: Load, runs: number): Promise<number> {
  const startedAt = performance.now();
  await Promise.all([spread(runs, STARTERS, () => load.start('bench_three')), work(load, runs * STEPS.length)]);
  const elapsedMs = performance.now() - startedAt;
  const open: string[] = JSON.parse(await load.send('GET', '/api/workflow/running/bench_three'));
  if (open.length > 0) throw new Error(`${open.length} runs did not complete`);
  return elapsedMs;
}

/** One poller feeds the idle workers; a worker goes on with the task that its own update brought back. */
async function work(load: Load, total: number): Promise<void> {
  const ready: PolledTask[] = [];
  const idle: ((task: PolledTask | null) => void)[] = [];
  let done = 0;
  const next = () => new Promise<PolledTask | null>((resolve) => idle.push(resolve));
  const lane = async () => {
    let task = ready.pop() ?? (await next());
    while (task) {
      const reply = await load.send('POST', '/api/tasks/update-v2', completed(task));
      done += 1;
      if (done === total) for (const wake of idle.splice(0)) wake(null);
      task = reply ? JSON.parse(reply) : done < total ? (ready.pop() ?? (await next())) : null;
    }
  };
  const poller = async () => {
    while (done < total) {
      const free = idle.length;
      const tasks = await load.poll('bench_step', Math.max(1, free), free > 0 ? 100 : 10);
      for (const task of tasks) {
        const wake = idle.pop();
        if (wake) wake(task);
        else ready.push(task);
      }
    }
  };
  await Promise.all([poller(), ...Array.from({ length: WORKERS }, lane)]);
}
