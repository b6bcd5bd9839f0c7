// Retry of an ended run, in one round with the runs that hang on it: ancestors that failed with it go on again, and,
// where asked, the children that failed are retried instead of started anew. Must never bring a run back to life whose
// budget ended with it: a revoked run key stays revoked.
import { retryable } from '../engine/decide/retry-run.ts';
import { AppError } from '../model/error.ts';
import type { Run, Task } from '../model/run.ts';
import { isRunTerminal } from '../model/run-status.ts';
import type { WriteBatch } from '../store/port.ts';
import type { Core } from './core.ts';
import type { CachedRun } from './run-cache.ts';

/** What is read before the round may have changed by then: it is read again this often. */
const TRIES_MAX = 5;

/** One run of a retry: which of its tasks wait again for a child that is retried with it. */
interface Part {
  readonly cached: CachedRun;
  readonly resumed: readonly number[];
}

export async function retryRun(core: Core, runId: string, resumeChildren: boolean): Promise<void> {
  let wanted: readonly string[] = [runId];
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const missing = await attempt(core, runId, wanted, resumeChildren);
    if (missing.length === 0) return;
    wanted = [...new Set([...wanted, ...missing])];
  }
  throw new AppError('conflict', `The workflows around ${runId} are changing. Try again.`);
}

/** Retries in a round that holds the wanted runs; resolves with those it needs beside them, nothing done then. */
async function attempt(
  core: Core,
  runId: string,
  wanted: readonly string[],
  resumeChildren: boolean,
): Promise<readonly string[]> {
  const known = await Promise.all(wanted.map(async (id) => [id, await core.reads.runRowId(id)] as const));
  const rowIds = known.flatMap(([, rowId]) => (rowId === null ? [] : [rowId]));
  return core.loop.submit({
    load: (round) => core.load(round, rowIds),
    decide(batch, now) {
      const seen = new Map<string, CachedRun | null>();
      for (const [id, rowId] of known) seen.set(id, rowId === null ? null : (core.cache.get(rowId) ?? null));
      const plan = new RetryPlan(core, seen, now);
      const parts = plan.partsOf(runId, resumeChildren);
      if (plan.missing.length === 0) apply(core, parts, batch, now);
      for (const cached of seen.values()) if (cached) core.advance.lookedAt(cached.state.run);
      return plan.missing;
    },
  });
}

function apply(core: Core, parts: readonly Part[], batch: WriteBatch, now: number): void {
  for (const { cached } of parts) refuseBudget(cached);
  for (const { cached, resumed } of parts) core.advance.event(cached, { kind: 'retry', resumed }, batch, now);
}

function refuseBudget({ state: { run }, plan }: CachedRun): void {
  if (!plan.definition.budget) return;
  throw new AppError(
    'conflict',
    `Workflow ${run.id} has a budget, which ended with it: nothing may be spent in its name any more. Start it again.`,
  );
}

class RetryPlan {
  readonly #core: Core;
  readonly #seen: ReadonlyMap<string, CachedRun | null>;
  readonly #now: number;
  /** Runs that a decision needs and that the round does not hold. */
  readonly missing: string[] = [];

  constructor(core: Core, seen: ReadonlyMap<string, CachedRun | null>, now: number) {
    this.#core = core;
    this.#seen = seen;
    this.#now = now;
  }

  /** Ancestors first, because they must wait again before a child can end. Throws not_found and conflict. */
  partsOf(runId: string, resumeChildren: boolean): Part[] {
    const target = this.#seen.get(runId);
    if (!target) throw new AppError('not_found', `No such workflow found by id: ${runId}`);
    refuse(target.state.run, this.#leftover(target).length);
    const below = resumeChildren ? this.#descend(target) : [{ cached: target, resumed: [] }];
    return [...this.#ascend(target), ...below];
  }

  /** The runs that wait for this one, as far up as they ended because of it. Outermost first. */
  #ascend({ state: { run } }: CachedRun): Part[] {
    const { parent } = run;
    if (!parent?.notify) return [];
    const cached = this.#run(parent.runId);
    if (!cached || !isRunTerminal(cached.state.run.status)) return [];
    const waits = this.#leftover(cached).some((task) => task.rowId === parent.taskRowId && task.subRunId === run.id);
    return waits ? [...this.#ascend(cached), { cached, resumed: [parent.taskRowId] }] : [];
  }

  /** This run, and its failed children that have something to be retried. */
  #descend(cached: CachedRun): Part[] {
    const resumed: number[] = [];
    const below: Part[] = [];
    for (const task of this.#leftover(cached)) {
      const child = task.type === 'SUB_WORKFLOW' && task.subRunId !== null ? this.#run(task.subRunId) : null;
      if (!child || this.#leftover(child).length === 0) continue;
      resumed.push(task.rowId);
      below.push(...this.#descend(child));
    }
    return [{ cached, resumed }, ...below];
  }

  #run(id: string): CachedRun | null {
    const cached = this.#seen.get(id);
    if (cached === undefined) this.missing.push(id);
    return cached ?? null;
  }

  #leftover({ plan, state }: CachedRun): readonly Task[] {
    return retryable(plan, state, { ...this.#core.advance.context, now: this.#now });
  }
}

function refuse({ id, status }: Run, leftover: number): void {
  if (!isRunTerminal(status)) throw new AppError('conflict', `Workflow ${id} is still running: it is ${status}.`);
  if (leftover > 0) return;
  throw new AppError('conflict', `Workflow ${id} is ${status} and has no task to retry. Start it again instead.`);
}
