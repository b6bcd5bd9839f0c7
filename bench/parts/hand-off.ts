// (b) Hand-off: a poller waits, a run is started, and the clock runs until the poller holds the task. One at a time,
// so this is the latency of an unloaded server, its durable commit and both HTTP legs included.
import { Child, withChildren } from '../child.ts';
import { completed, Driver } from '../driver.ts';
import { type Percentiles, percentiles } from '../results.ts';

export async function handOff(quick: boolean): Promise<Percentiles> {
  const server = await Child.start('server');
  return withChildren([server], async () => {
    const worker = new Driver(server.url, server.key, 2);
    const starter = new Driver(server.url, server.key, 1);
    await starter.define({
      name: 'bench_one',
      version: 1,
      tasks: [{ name: 'bench_hand_off', taskReferenceName: 'only', type: 'SIMPLE' }],
    });
    const samplesMs: number[] = [];
    // A server that has just started still interprets its own code.
    const warmUp = 1000;
    const samples = quick ? 1000 : 3000;
    for (let n = 0; n < warmUp + samples; n += 1) {
      const elapsedMs = await once(worker, starter);
      if (n >= warmUp) samplesMs.push(elapsedMs);
    }
    await Promise.all([worker.close(), starter.close()]);
    return percentiles(samplesMs);
  });
}

async function once(worker: Driver, starter: Driver): Promise<number> {
  const polling = worker.poll('bench_hand_off', 1, 5000).then((tasks) => ({ tasks, at: performance.now() }));
  // The poll must be waiting in the server before the run starts: its request has left, and one round trip has passed.
  await starter.send('GET', '/api/version');
  const startedAt = performance.now();
  const starting = starter.start('bench_one');
  const { tasks, at } = await polling;
  await starting;
  const [task] = tasks;
  if (!task) throw new Error('the waiting poller got nothing');
  await worker.send('POST', '/api/tasks', completed(task));
  return at - startedAt;
}
