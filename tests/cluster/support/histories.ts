// The histories of started runs and of the sub-workflows below them, read over the API at every replica in turn.
import type { Cluster } from './cluster.ts';
import type { StoredRun } from './wire.ts';

const AT_ONCE = 8;

export async function readHistories(
  cluster: Cluster,
  started: readonly { readonly id: string }[],
): Promise<ReadonlyMap<string, StoredRun>> {
  const runs = new Map<string, StoredRun>();
  const waiting = started.map(({ id }) => id);
  const lane = async (_: unknown, number: number) => {
    for (let id = waiting.pop(); id; id = waiting.pop()) {
      const run: StoredRun = JSON.parse(await cluster.ask(number, 'GET', `/api/workflow/${id}`));
      runs.set(id, run);
      for (const { subWorkflowId } of run.tasks) if (subWorkflowId) waiting.push(subWorkflowId);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return runs;
}
