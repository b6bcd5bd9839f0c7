// DBOS: an application process with the library in it, its system tables on the Postgres of this bench. Each run is one
// POST at the application, which calls the workflow and answers when it has ended.
import type { Contender, Site } from './contender.ts';
import { Post } from './post.ts';
import { answers, freePort, install, Kept } from './processes.ts';

const PACKAGES = { '@dbos-inc/dbos-sdk': '5.3.0' };
export const DBOS_VERSION = PACKAGES['@dbos-inc/dbos-sdk'];

/** DBOS sets nothing on its sessions, so that the server's synchronous_commit holds for each step that it records. */
export async function openDbos({ folder, keep, database }: Site): Promise<Contender> {
  await install(folder, PACKAGES, ['dbos.mjs', 'front.mjs']);
  const system = await database('dbos_bench');
  const port = await freePort();
  const env = { BENCH_PORT: `${port}`, BENCH_DATABASE: system.url };
  const application = keep(Kept.start('the DBOS application', ['node', 'dbos.mjs'], { cwd: folder, env }));
  const origin = `http://127.0.0.1:${port}`;
  await application.until(() => answers(origin));
  const post = new Post(origin);
  return {
    once: () => post.three('/'),
    completed: async () => {
      const steps = await system.count('select count(*) from dbos.operation_outputs');
      const runs = await system.count(`select count(*) from dbos.workflow_status where status = 'SUCCESS'`);
      if (steps !== runs * 3) throw new Error(`DBOS recorded ${steps} steps of ${runs} runs`);
      return runs;
    },
    durability: () => system.durability(),
    close: () => post.close(),
  };
}
