// Hands ready tasks to those who wait: pollers over the wire and workers inside the process. Assigns within a round,
// delivers after its commit. Must never deliver what is not committed.
import { outputsOf } from '../engine/decide/run-state.ts';
import { stepOf } from '../engine/plan/fragments.ts';
import { AppError } from '../model/error.ts';
import type { Run } from '../model/run.ts';
import type { WriteBatch } from '../store/write-batch.ts';
import type { Advance } from './advance.ts';
import { literalsOf, spellingOf } from './literals.ts';
import type { HandedTask } from './orchestrator-api.ts';
import type { Pollers, Waiter } from './pollers.ts';
import type { RunHooks } from './ports.ts';
import type { ReadyEntry } from './ready-queue.ts';
import type { RunCache } from './run-cache.ts';
import type { Schedule } from './schedule.ts';
import type { TaskLimits } from './task-limits.ts';

/** Somebody who takes tasks from one queue. */
export type Taker = Pick<Waiter, 'key' | 'workerId' | 'count' | 'assigned' | 'deliver' | 'refuse' | 'gone'>;

export interface HandOffOptions {
  readonly cache: RunCache;
  readonly schedule: Schedule;
  readonly limits: TaskLimits;
  readonly pollers: Pollers;
  readonly advance: Advance;
  readonly hooks: RunHooks;
  /** In-process worker of a queue: a taker with as many free places as it has now. */
  readonly inProcess: (key: string) => Taker | undefined;
  /** Ready tasks, in their order, of runs that are not in memory (or not this round's): serve the queue again with them. */
  readonly absent: (entries: readonly ReadyEntry[], key: string) => void;
  /** Serve the queue again at this instant (rate limits). */
  readonly wakeAt: (key: string, atMs: number) => void;
  /** The taker went away before it could be given its tasks: put them back. */
  readonly release: (tasks: readonly HandedTask[]) => void;
  /** Nobody has them, and whether the round that claimed them was committed is not known. */
  readonly doubt: (tasks: readonly HandedTask[]) => void;
}

export class HandOff {
  readonly #options: HandOffOptions;
  /** Takers of update-v2: served first, for this round only. */
  #chained: Taker[] = [];
  #assigned = new Set<Taker>();

  constructor(options: HandOffOptions) {
    this.#options = options;
  }

  chain(taker: Taker): void {
    this.#chained.push(taker);
  }

  /** Serves every queue that something became ready at. Runs at the end of a round's decisions. */
  serveTouched(batch: WriteBatch, now: number): void {
    for (const taker of this.#chained) {
      this.#serveOne(taker, batch, now);
      this.#assigned.add(taker);
    }
    this.#chained = [];
    const { touched } = this.#options.schedule;
    // Claiming can end or wake things at other queues: loop until quiet.
    for (const key of touched) {
      touched.delete(key);
      this.serve(key, batch, now);
    }
  }

  serve(key: string, batch: WriteBatch, now: number): void {
    const { schedule, inProcess, pollers } = this.#options;
    const inside = inProcess(key);
    if (inside) this.#serveOne(inside, batch, now);
    for (const waiter of pollers.at(key) ?? []) {
      if ((schedule.ready(key)?.size ?? 0) === 0) return;
      if (!this.#serveOne(waiter, batch, now)) return;
    }
  }

  /** After the commit: everybody gets what was assigned. */
  deliver(): void {
    const takers = this.#assigned;
    if (takers.size === 0) return;
    this.#assigned = new Set();
    for (const taker of takers) {
      const tasks = taker.assigned.splice(0);
      if (tasks.length > 0 && taker.gone()) {
        taker.deliver([]);
        this.#options.release(tasks);
      } else taker.deliver(tasks);
    }
  }

  /** `again`: the round is tried anew; a poll in it gets nothing this time, and polls again. */
  lost(again: boolean): void {
    const takers = [...this.#assigned, ...this.#chained];
    this.#assigned = new Set();
    this.#chained = [];
    for (const taker of takers) {
      const tasks = taker.assigned.splice(0);
      if (again) {
        taker.deliver([]);
        continue;
      }
      this.#options.doubt(tasks);
      taker.refuse(new AppError('store_unavailable', 'The hand-off could not be written; poll again.'));
    }
  }

  /** Returns false when the queue gives nothing more for now. */
  #serveOne(taker: Taker, batch: WriteBatch, now: number): boolean {
    const { schedule, limits } = this.#options;
    const queue = schedule.ready(taker.key);
    if (!queue || taker.gone()) return true;
    const missing: ReadyEntry[] = [];
    let more = true;
    while (taker.assigned.length < taker.count) {
      const ready = queue.take();
      const entry = ready && schedule.taskByRow(ready.taskRowId);
      if (!ready || !entry) {
        more = false;
        break;
      }
      const admission = limits.admit(entry.defName, now);
      if (!admission.ok) {
        queue.putBack(ready);
        if (admission.retryAtMs > 0) this.#options.wakeAt(taker.key, admission.retryAtMs);
        more = false;
        break;
      }
      const handed = this.#claim(ready, taker, batch, now);
      if (handed === 'refused') continue;
      if (handed !== 'absent') taker.assigned.push(handed);
      else missing.push(ready);
      if (missing.length >= taker.count) break;
    }
    if (missing.length > 0) this.#options.absent(missing, taker.key);
    if (taker.assigned.length > 0) this.#assigned.add(taker);
    return more;
  }

  /** `absent`: the run is not in memory. `refused`: the engine would not give the task. */
  #claim(ready: ReadyEntry, taker: Taker, batch: WriteBatch, now: number): HandedTask | 'absent' | 'refused' {
    const { cache, schedule, limits, advance, hooks } = this.#options;
    const cached = cache.get(ready.runRowId);
    const entry = schedule.taskByRow(ready.taskRowId);
    if (!cached || !entry) return 'absent';
    const waiting = cached.state.tasks.get(ready.taskRowId);
    const step = waiting && stepOf(cached.plan, waiting);
    const spelling = step && literalsOf(step).size > 0 ? spellingOf(step) : null;
    if (spelling && this.#mustPrepare(cached.state.run)) return 'absent';
    schedule.taken(entry);
    const { workerId } = taker;
    advance.event(cached, { kind: 'claim', taskRowId: ready.taskRowId, workerId }, batch, now);
    limits.handedOut(entry.defName, now);
    const run = cached.state.run;
    const task = cached.state.tasks.get(ready.taskRowId);
    if (!task || !step || task.status !== 'IN_PROGRESS') return 'refused';
    const outputs = () => outputsOf(cached.state);
    return { task, run, step, input: hooks.fill(task.input, run, task, spelling), outputs };
  }

  /** What filling its input takes is not known here yet: it is being read, and the task waits for a later round. */
  #mustPrepare(run: Run): boolean {
    const reading = this.#options.hooks.prepare([run]);
    reading?.catch(() => undefined);
    return reading !== undefined;
  }
}
