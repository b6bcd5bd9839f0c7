// Callers that wait for a run of theirs: told when it ends, when it waits for a person, or when their patience does. Must
// never hold a run in memory, nor a process open.
import type { RunState } from '../engine/decide/decision.ts';
import type { Run, Task } from '../model/run.ts';
import { isRunTerminal } from '../model/run-status.ts';
import { isTerminal } from '../model/task-status.ts';
import type { Reads } from '../store/reads.ts';

export interface WatchedRun {
  readonly run: Run;
  /** The task that waits for a person, when nothing else of the run goes on. */
  readonly suspendedBy: Task | null;
  /** The last task that failed for good. */
  readonly failedTask: Task | null;
}

/** What a waiter makes of a run; null: it waits on. */
export type RunView<T> = (run: Run, tasks: Iterable<Task>) => T | null;

/** Types that only somebody outside completes, in their own time. */
const PERSONAL = new Set(['HUMAN', 'APPROVAL']);
/** How often the store is asked, where another process may have ended the run. */
const ASK_EVERY_MS = 250;

export class RunWatch {
  readonly #reads: Reads;
  readonly #shared: boolean;
  readonly #watching: Map<string, number>;
  readonly #waiters = new Map<string, Set<(run: Run, tasks: Iterable<Task>) => void>>();

  /** `watching`: run ids that `seen` wants to be told of, each with how many wait. */
  constructor(reads: Reads, shared: boolean, watching: Map<string, number>) {
    this.#reads = reads;
    this.#shared = shared;
    this.#watching = watching;
  }

  /** Of a committed run. */
  seen(state: RunState): void {
    for (const look of this.#waiters.get(state.run.id) ?? []) look(state.run, state.tasks.values());
  }

  /**
   * Resolves when the run has ended or is suspended; null after `waitMs` (0: never). Call it before the run can be
   * committed, or it may be missed.
   */
  until(runId: string, waitMs: number): Promise<WatchedRun | null> {
    return this.when(runId, waitMs, settledView);
  }

  /** The same for whatever `view` waits for; null at once when `signal` is aborted. */
  async when<T>(runId: string, waitMs: number, view: RunView<T>, signal?: AbortSignal): Promise<T | null> {
    let stop = (): void => undefined;
    const seen = new Promise<T | null>((resolve) => {
      const look = (run: Run, tasks: Iterable<Task>) => {
        const found = view(run, tasks);
        if (found !== null) resolve(found);
      };
      const leave = () => resolve(null);
      const waiters = this.#waiters.get(runId) ?? new Set();
      this.#waiters.set(runId, waiters.add(look));
      signal?.addEventListener('abort', leave);
      this.#watching.set(runId, waiters.size);
      const patience = waitMs > 0 ? setTimeout(() => resolve(null), waitMs) : undefined;
      const asking = this.#shared ? setInterval(() => void this.#ask(runId), ASK_EVERY_MS) : undefined;
      asking?.unref();
      stop = () => {
        clearTimeout(patience);
        clearInterval(asking);
        signal?.removeEventListener('abort', leave);
        waiters.delete(look);
        this.#watching.set(runId, waiters.size);
        if (waiters.size > 0) return;
        this.#waiters.delete(runId);
        this.#watching.delete(runId);
      };
    });
    return seen.finally(() => stop());
  }

  async #ask(runId: string): Promise<void> {
    const loaded = await this.#reads.run(runId, true).catch(() => null);
    if (loaded) for (const look of this.#waiters.get(runId) ?? []) look(loaded.run, loaded.tasks);
  }
}

/** Null while it goes on. */
export function settledView(run: Run, tasks: Iterable<Task>): WatchedRun | null {
  let suspendedBy: Task | null = null;
  let failedTask: Task | null = null;
  const ended = isRunTerminal(run.status);
  for (const task of tasks) {
    if (isTerminal(task.status)) {
      if (ended && run.failedRefs.includes(task.ref) && !task.retried) failedTask = task;
    } else if (!PERSONAL.has(task.type)) return null;
    else suspendedBy ??= task;
  }
  return ended || suspendedBy ? { run, suspendedBy: ended ? null : suspendedBy, failedTask } : null;
}
