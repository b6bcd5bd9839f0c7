// Retry of an ended run, in one round with the runs that hang on it: ancestors that failed with it go on again, and,
// where asked, the children that failed are retried instead of started anew. What has a budget goes on with what is left
// of it, in the same transaction.
import { AppError } from '../model/error.ts';
import type { Run } from '../model/run.ts';
import { isRunTerminal } from '../model/run-status.ts';
import type { Core } from './core.ts';
import type { CachedRun } from './run-cache.ts';
import { type Part, type RunFamily, withFamily } from './run-family.ts';

/** Throws not_found and conflict. */
export function retryRun(core: Core, runId: string, resumeChildren: boolean): Promise<void> {
  return withFamily(core, runId, (family, batch) => {
    const parts = partsOf(family, runId, resumeChildren);
    if (family.missing.length > 0) return;
    for (const part of parts) family.goOn(part, batch);
  });
}

/** Ancestors first, because they must wait again before a child can end. */
function partsOf(family: RunFamily, runId: string, resumeChildren: boolean): Part[] {
  const target = family.member(runId);
  refuse(target.state.run, family.leftover(target).length);
  const below = resumeChildren ? descend(family, target) : [{ cached: target, resumed: [] }];
  return [...family.ascend(target), ...below];
}

/** This run, and its failed children that have something to be retried. */
function descend(family: RunFamily, cached: CachedRun): Part[] {
  const resumed: number[] = [];
  const below: Part[] = [];
  for (const task of family.leftover(cached)) {
    const child = task.type === 'SUB_WORKFLOW' && task.subRunId !== null ? family.run(task.subRunId) : null;
    if (!child || family.leftover(child).length === 0) continue;
    resumed.push(task.rowId);
    below.push(...descend(family, child));
  }
  return [{ cached, resumed }, ...below];
}

function refuse({ id, status }: Run, leftover: number): void {
  if (!isRunTerminal(status)) throw new AppError('conflict', `Workflow ${id} is still running: it is ${status}.`);
  if (leftover > 0) return;
  throw new AppError('conflict', `Workflow ${id} is ${status} and has no task to retry. Start it again instead.`);
}
