// What replicas logged that is neither information nor the loss of their database.
import type { Cluster } from './cluster.ts';

const LOST_DATABASE = [
  /"message":"(a round was lost|request failed)".*"name":"AppError","message":"The (database did|hand-off could) not/,
  /"message":"vault: a settlement was not recorded yet: The database did not/,
];

/** `cutOff`: replicas whose connections ended under them; they may say so. */
export function defectsOf(cluster: Cluster, cutOff: ReadonlySet<number> = new Set()): string[] {
  return cluster.replicas.flatMap(({ complaints }, number) =>
    complaints.filter((line) => !cutOff.has(number) || !LOST_DATABASE.some((known) => known.test(line))),
  );
}
