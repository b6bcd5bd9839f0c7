// graphile-worker, as a reference for what a job queue on the same Postgres does: three jobs, each adding the next. It
// keeps no history and passes no data on, so it does less than the others.
import { z } from 'zod';
import type { Contender, Site } from './contender.ts';
import { Post } from './post.ts';
import { answers, freePort, install, Kept } from './processes.ts';

/** 0.18 wants Node 22. */
const PACKAGES = { 'graphile-worker': '0.17.3' };
export const GRAPHILE_VERSION = PACKAGES['graphile-worker'];
const countsSchema = z.object({ completed: z.number(), failed: z.literal(0) });

/** Adding and completing a job are transactions of their own, durable by the server's synchronous_commit. */
export async function openGraphile({ folder, keep, database }: Site): Promise<Contender> {
  await install(folder, PACKAGES, ['graphile.mjs', 'front.mjs']);
  const jobs = await database('graphile_bench');
  const port = await freePort();
  const env = { BENCH_PORT: `${port}`, BENCH_DATABASE: jobs.url, NO_LOG_SUCCESS: '1' };
  const worker = keep(Kept.start('graphile-worker', ['node', 'graphile.mjs'], { cwd: folder, env }));
  const origin = `http://127.0.0.1:${port}`;
  await worker.until(() => answers(origin));
  const post = new Post(origin);
  return {
    once: () => post.three('/'),
    completed: async () => {
      const left = await jobs.count('select count(*) from graphile_worker.jobs');
      if (left > 0) throw new Error(`${left} jobs were left`);
      return countsSchema.parse(await (await fetch(origin)).json()).completed;
    },
    durability: () => jobs.durability(),
    close: () => post.close(),
  };
}
