// A run and those that hang on it, seen together in one round: what a control operation on an ended run needs, because
// ancestors that ended with it go on with it. Owns which runs those are; must never change one.
import { retryable } from '../engine/decide/retry-run.ts';
import { AppError } from '../model/error.ts';
import type { Task } from '../model/run.ts';
import { isRunTerminal } from '../model/run-status.ts';
import { isTerminal } from '../model/task-status.ts';
import type { WriteBatch } from '../store/write-batch.ts';
import type { Core } from './core.ts';
import type { RunHooks } from './ports.ts';
import type { CachedRun } from './run-cache.ts';

/** What is read before the round may have changed by then: it is read again this often. */
const TRIES_MAX = 5;

/** A run that goes on where it ended: which of its tasks wait again for a child that goes on with it. */
export interface Part {
  readonly cached: CachedRun;
  readonly resumed: readonly number[];
}

type Reopen = Awaited<ReturnType<RunHooks['reopening']>>;
/** By public id; null where there is none. */
type Seen = ReadonlyMap<string, CachedRun | null>;

export class RunFamily {
  readonly #core: Core;
  readonly #seen: Seen;
  readonly #now: number;
  readonly #reopen: ReadonlyMap<string, Reopen>;
  /** Runs that a decision needs and that the round does not hold. */
  readonly missing: string[] = [];

  constructor(core: Core, seen: Seen, now: number, reopen: ReadonlyMap<string, Reopen>) {
    this.#core = core;
    this.#seen = seen;
    this.#now = now;
    this.#reopen = reopen;
  }

  /** Lets a run go on where it ended, and spend what is left to it. */
  goOn({ cached, resumed }: Part, batch: WriteBatch): void {
    const { run } = cached.state;
    this.#reopen.get(run.id)?.(run, batch, this.#now);
    this.#core.advance.event(cached, { kind: 'retry', resumed }, batch, this.#now);
  }

  /** Throws not_found. */
  member(id: string): CachedRun {
    const cached = this.#seen.get(id);
    if (!cached) throw new AppError('not_found', `No such workflow found by id: ${id}`);
    return cached;
  }

  run(id: string): CachedRun | null {
    const cached = this.#seen.get(id);
    if (cached === undefined) this.missing.push(id);
    return cached ?? null;
  }

  /** The runs that wait for this one, as far up as they ended because of it. Outermost first. */
  ascend({ state: { run } }: CachedRun): Part[] {
    const { parent } = run;
    if (!parent?.notify) return [];
    const cached = this.run(parent.runId);
    if (!cached) return [];
    if (!isRunTerminal(cached.state.run.status)) {
      const waiting = cached.state.tasks.get(parent.taskRowId);
      // It has ended and its parent has yet to hear of it: whether that goes on without it will be known then.
      if (waiting?.subRunId === run.id && !isTerminal(waiting.status)) this.missing.push(run.id);
      return [];
    }
    const waits = this.leftover(cached).some((task) => task.rowId === parent.taskRowId && task.subRunId === run.id);
    return waits ? [...this.ascend(cached), { cached, resumed: [parent.taskRowId] }] : [];
  }

  /** What a retry of the run would attempt again. */
  leftover({ plan, state }: CachedRun): readonly Task[] {
    return retryable(plan, state, { ...this.#core.advance.context, now: this.#now });
  }
}

/**
 * Has `act` decide on the run and its family in one round, and again with those it found missing; what it returns
 * counts only when nothing was, and it must change nothing before it knows.
 */
export async function withFamily(
  core: Core,
  runId: string,
  act: (family: RunFamily, batch: WriteBatch, now: number) => void,
): Promise<void> {
  let wanted: readonly string[] = [runId];
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const missing = await attempt(core, wanted, act);
    if (missing.length === 0) return;
    wanted = [...new Set([...wanted, ...missing])];
  }
  throw new AppError('conflict', `The workflows around ${runId} are changing. Try again.`);
}

async function attempt(
  core: Core,
  wanted: readonly string[],
  act: (family: RunFamily, batch: WriteBatch, now: number) => void,
): Promise<readonly string[]> {
  const known = await Promise.all(wanted.map(async (id) => [id, await core.reads.runRowId(id)] as const));
  const reopen = new Map(await Promise.all(wanted.map(async (id) => [id, await core.hooks.reopening(id)] as const)));
  const rowIds = known.flatMap(([, rowId]) => (rowId === null ? [] : [rowId]));
  return core.loop.submit({
    load: (round) => core.load(round, rowIds),
    decide(batch, now) {
      const seen = new Map<string, CachedRun | null>();
      for (const [id, rowId] of known) {
        const cached = rowId === null ? null : core.cache.get(rowId);
        // It has begun again since its row was looked up, or is gone: the next try knows.
        if (cached === undefined) return wanted;
        seen.set(id, cached);
      }
      const family = new RunFamily(core, seen, now, reopen);
      act(family, batch, now);
      for (const cached of seen.values()) if (cached) core.advance.lookedAt(cached.state.run);
      return family.missing;
    },
  });
}

/** What it has charged would have to be charged again, under the same cap, or not be done again at all. */
export function refuseBudget({ state: { run }, plan }: CachedRun): void {
  if (!plan.definition.budget) return;
  throw new AppError(
    'conflict',
    `Workflow ${run.id} has a budget: it can be retried, with what is left of it, but not begun again. Start another one.`,
  );
}
