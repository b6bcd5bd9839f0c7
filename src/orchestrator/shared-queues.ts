// Queues that processes share: what is ready is asked of the store, in the round that hands it out, and only for queues
// where somebody waits here. Memory's own queues hold what this round can give. Must never hand out by itself.
import { stepOf } from '../engine/plan/fragments.ts';
import type { Run } from '../model/run.ts';
import type { Round } from '../store/port.ts';
import type { SharedRound, SharedStore } from '../store/shared-port.ts';
import type { Taker } from './hand-off.ts';
import { literalsOf } from './literals.ts';
import type { Pollers } from './pollers.ts';
import type { Clock, RunHooks } from './ports.ts';
import type { CachedRun, RunCache } from './run-cache.ts';
import type { Schedule } from './schedule.ts';
import type { TaskLimits } from './task-limits.ts';

/** Claims of one queue in one round: enough for a batch poll, small enough to leave something to the others. */
const CLAIMS_MAX = 100;
/** About the length of another process's round. */
const RETRY_BUSY_MS = 3;

export interface SharedQueuesOptions {
  readonly cache: RunCache;
  readonly schedule: Schedule;
  readonly limits: TaskLimits;
  readonly pollers: Pollers;
  readonly clock: Clock;
  readonly inProcess: (key: string) => Taker | undefined;
  readonly wakeAt: (key: string, atMs: number) => void;
  readonly prepare: RunHooks['prepare'];
}

export class SharedQueues {
  readonly #options: SharedQueuesOptions;
  /** Queues to ask the store about in the next round, with how many tasks are wanted beside what pollers want. */
  #asked = new Map<string, number>();

  constructor(options: SharedQueuesOptions) {
    this.#options = options;
  }

  ask(key: string, more = 0): void {
    this.#asked.set(key, (this.#asked.get(key) ?? 0) + more);
  }

  isAsked(key: string): boolean {
    return this.#asked.has(key);
  }

  get keys(): string[] {
    return [...this.#asked.keys()];
  }

  /**
   * Brings what is ready for those who wait into memory, with its runs held and its limits locked. It is asked for at
   * once; `loaded`, what the round's operations load, comes into memory first.
   */
  async collect(round: Round, shared: SharedRound, loaded: Promise<unknown> | undefined): Promise<void> {
    const { schedule } = this.#options;
    const early = this.#wanted();
    if (early.length > 0) await this.#bring(early, round, shared, loaded);
    else await loaded;
    // Who came to wait meanwhile is not left to the next round.
    const late = this.#wanted();
    if (late.length > 0) await this.#bring(late, round, shared, undefined);
    for (const { key } of [...early, ...late]) schedule.touched.add(key);
    // What loading made known is no news to other processes.
    schedule.forgetNews();
  }

  /** After a commit: other processes hear of what was made ready and is still there. */
  announce(store: SharedStore): void {
    const { schedule } = this.#options;
    const keys = new Set(schedule.freed);
    for (const key of schedule.stirred) if ((schedule.ready(key)?.size ?? 0) > 0) keys.add(key);
    schedule.forgetNews();
    if (keys.size > 0) store.announce([...keys]);
  }

  #wanted(): { key: string; count: number }[] {
    const { pollers, inProcess } = this.#options;
    const wanted: { key: string; count: number }[] = [];
    for (const [key, more] of this.#asked) {
      let count = more + (inProcess(key)?.count ?? 0);
      for (const waiter of pollers.at(key) ?? []) count += waiter.count - waiter.assigned.length;
      if (count > 0) wanted.push({ key, count: Math.min(count, CLAIMS_MAX) });
    }
    this.#asked = new Map();
    return wanted;
  }

  async #bring(
    wanted: readonly { key: string; count: number }[],
    round: Round,
    shared: SharedRound,
    loaded: Promise<unknown> | undefined,
  ): Promise<void> {
    const { cache, schedule, limits, clock, wakeAt } = this.#options;
    const now = clock.now();
    const [ready] = await Promise.all([shared.readyTasks(wanted, now), loaded]);
    await Promise.all(ready.map(({ runRowId }) => cache.ensure(runRowId, round)));
    const toPrepare = new Set<Run>();
    for (const { key, runRowId, taskRowId } of ready) {
      const cached = cache.get(runRowId);
      if (cached) {
        schedule.offer(taskRowId);
        if (spellsLiterals(cached, taskRowId)) toPrepare.add(cached.state.run);
      } else if (cache.isBusy(runRowId)) wakeAt(key, now + RETRY_BUSY_MS);
    }
    if (toPrepare.size > 0) await this.#options.prepare([...toPrepare]);
    const limited = new Set(ready.map(({ defName }) => defName).filter((name) => limits.isLimited(name)));
    if (limited.size === 0) return;
    for (const limit of await shared.lockLimits([...limited])) limits.locked(limit);
  }
}

function spellsLiterals({ state, plan }: CachedRun, taskRowId: number): boolean {
  const task = state.tasks.get(taskRowId);
  const step = task && stepOf(plan, task);
  return step !== undefined && literalsOf(step).size > 0;
}
