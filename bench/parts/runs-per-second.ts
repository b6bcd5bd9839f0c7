// (a) Runs per second: three worker steps each, started, polled and updated to completion; every answer follows its
// commit. Workers report with update-v2, which brings them their next task.
import { Child, withChildren } from '../child.ts';
import { completed, Driver, type PolledTask, spread } from '../driver.ts';

const STEPS = ['one', 'two', 'three'];
const STARTERS = 48;
const WORKERS = 150;

export async function runsPerSecond(quick: boolean): Promise<number> {
  const server = await Child.start('server');
  return withChildren([server], async () => {
    const driver = new Driver(server.url, server.key, STARTERS + WORKERS + 1);
    const step = (ref: string) => ({ name: 'bench_step', taskReferenceName: ref, type: 'SIMPLE' });
    await driver.define({ name: 'bench_three', version: 1, tasks: STEPS.map(step) });
    await measure(driver, quick ? 500 : 1000);
    const rate = await measure(driver, quick ? 4000 : 15_000);
    await driver.close();
    return Math.round(rate);
  });
}

async function measure(driver: Driver, runs: number): Promise<number> {
  const startedAt = performance.now();
  await Promise.all([spread(runs, STARTERS, () => driver.start('bench_three')), work(driver, runs * STEPS.length)]);
  const elapsedMs = performance.now() - startedAt;
  const open: string[] = JSON.parse(await driver.send('GET', '/api/workflow/running/bench_three'));
  if (open.length > 0) throw new Error(`${open.length} runs did not complete`);
  return (runs * 1000) / elapsedMs;
}

/** One poller feeds the idle workers; a worker goes on with the task that its own update brought back. */
async function work(driver: Driver, total: number): Promise<void> {
  const ready: PolledTask[] = [];
  const idle: ((task: PolledTask | null) => void)[] = [];
  let done = 0;
  const next = () => new Promise<PolledTask | null>((resolve) => idle.push(resolve));
  const lane = async () => {
    let task = ready.pop() ?? (await next());
    while (task) {
      const reply = await driver.send('POST', '/api/tasks/update-v2', completed(task));
      done += 1;
      if (done === total) for (const wake of idle.splice(0)) wake(null);
      task = reply ? JSON.parse(reply) : done < total ? (ready.pop() ?? (await next())) : null;
    }
  };
  const poller = async () => {
    while (done < total) {
      const free = idle.length;
      const tasks = await driver.poll('bench_step', Math.max(1, free), free > 0 ? 100 : 10);
      for (const task of tasks) {
        const wake = idle.pop();
        if (wake) wake(task);
        else ready.push(task);
      }
    }
  };
  await Promise.all([poller(), ...Array.from({ length: WORKERS }, lane)]);
}
