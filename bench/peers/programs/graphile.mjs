// graphile-worker as a job queue: three jobs that do nothing, each adding the next. A run is over when its last job is
// committed as complete. Batching and the local queue are on, as its guide on performance advises.
import { run } from 'graphile-worker';
import { serve } from './front.mjs';

const waiting = new Map();
let started = 0;
let completed = 0;
let failed = 0;

const runner = await run({
  noHandleSignals: true,
  preset: {
    worker: {
      connectionString: process.env.BENCH_DATABASE,
      concurrentJobs: 64,
      maxPoolSize: 32,
      pollInterval: 500,
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
      localQueue: { size: 128 },
    },
  },
  taskList: {
    one: (payload, helpers) => helpers.addJob('two', payload),
    two: (payload, helpers) => helpers.addJob('three', payload),
    three: () => undefined,
  },
});
runner.events.on('job:error', () => {
  failed += 1;
});
runner.events.on('job:complete', ({ job, error }) => {
  if (error || job.task_identifier !== 'three') return;
  completed += 1;
  waiting.get(job.payload.run)?.(3);
  waiting.delete(job.payload.run);
});

async function three() {
  started += 1;
  const id = started;
  const over = new Promise((resolve) => waiting.set(id, resolve));
  await runner.addJob('one', { run: id });
  return over;
}
serve(three, () => ({ completed, failed }));
