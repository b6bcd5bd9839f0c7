// Runs in memory. With a single writer: its copy of what it wrote, always right. In a shared store: right as of a
// revision, so a round first holds a run (locked, and brought up to date) and only then sees it. Loads what is missing
// in one read per round and forgets what was used longest ago. Must hold no run that the round under way has changed
// and then lose it.
import type { RunState } from '../engine/decide/decision.ts';
import { indexRun, mergeTasks } from '../engine/decide/run-state.ts';
import type { Plan } from '../engine/plan/plan.ts';
import type { Task } from '../model/run.ts';
import type { LoadedRun, LoadedRuns, Round } from '../store/port.ts';
import type { Reads } from '../store/reads.ts';
import type { Definitions } from './definitions.ts';

export interface CachedRun {
  state: RunState;
  readonly plan: Plan;
  /** As `LoadedRun.revision`, of the last commit. */
  revision: number;
}

/** Told, in a shared store, what a round found out about runs: the schedule follows it. */
export interface RunCacheListener {
  /** `before`: each task as memory had it, undefined for those it did not know. */
  loaded(cached: CachedRun, tasks: readonly Task[], before: readonly (Task | undefined)[]): void;
  dropped(cached: CachedRun): void;
}

export class RunCache {
  readonly #definitions: Definitions;
  readonly #reads: Reads;
  readonly #tasksMax: number;
  /** Null with a single writer. */
  readonly #listener: RunCacheListener | null;
  /** Least recently used first. */
  readonly #runs = new Map<number, CachedRun>();
  #tasks = 0;
  #wanted = new Set<number>();
  #loading: Promise<void> | null = null;
  /** Of the round under way, in a shared store. */
  readonly #held = new Set<number>();
  readonly #busy = new Set<number>();
  readonly #written = new Set<CachedRun>();

  constructor(definitions: Definitions, reads: Reads, tasksMax: number, listener: RunCacheListener | null) {
    this.#definitions = definitions;
    this.#reads = reads;
    this.#tasksMax = tasksMax;
    this.#listener = listener;
  }

  get size(): number {
    return this.#runs.size;
  }

  /** Undefined for a run that is not in memory, or that the round under way does not hold. */
  get(rowId: number): CachedRun | undefined {
    return this.#listener && !this.#held.has(rowId) ? undefined : this.#runs.get(rowId);
  }

  /** Another process holds it: nothing can be said of it in this round. */
  isBusy(rowId: number): boolean {
    return this.#busy.has(rowId);
  }

  /** A run that was made in this round, or has just been loaded. */
  add(cached: CachedRun): void {
    const { rowId } = cached.state.run;
    this.#runs.set(rowId, cached);
    this.#tasks += cached.state.tasks.size;
    if (this.#listener) this.#held.add(rowId);
  }

  /** Notes that a decision changed a run, by how many tasks it grew. */
  touched(rowId: number, cached: CachedRun, grownBy: number): void {
    this.#tasks += grownBy;
    this.#runs.delete(rowId);
    this.#runs.set(rowId, cached);
  }

  /** Notes that the round's batch holds rows of a run. */
  written(cached: CachedRun): void {
    if (this.#listener) this.#written.add(cached);
  }

  drop(rowId: number): void {
    const cached = this.#runs.get(rowId);
    if (!cached) return;
    this.#runs.delete(rowId);
    this.#tasks -= cached.state.tasks.size;
    this.#listener?.dropped(cached);
  }

  clear(): void {
    this.#runs.clear();
    this.#tasks = 0;
    this.#wanted = new Set();
    this.#loading = null;
    this.#release();
  }

  /** The round is committed: nothing is held any more, and what it wrote is the next revision. */
  committed(): void {
    for (const cached of this.#written) cached.revision += 1;
    this.#release();
  }

  /** Between rounds: forgets the runs idle longest while there are too many tasks in memory. */
  trim(): void {
    while (this.#tasks > this.#tasksMax && this.#runs.size > 1) {
      const oldest = this.#runs.keys().next().value;
      if (oldest === undefined) return;
      this.drop(oldest);
    }
  }

  /** Undefined when it is there already; else resolves when it is there, is busy, or there is no such run. */
  ensure(rowId: number, round: Round): Promise<void> | undefined {
    if (this.#listener ? this.#held.has(rowId) || this.#busy.has(rowId) : this.#runs.has(rowId)) return undefined;
    this.#wanted.add(rowId);
    this.#loading ??= Promise.resolve().then(() => this.#load(round));
    return this.#loading;
  }

  #release(): void {
    this.#held.clear();
    this.#busy.clear();
    this.#written.clear();
  }

  async #load(round: Round): Promise<void> {
    const wanted = [...this.#wanted].map((rowId) => ({ rowId, revision: this.#runs.get(rowId)?.revision ?? 0 }));
    this.#wanted = new Set();
    this.#loading = null;
    const loaded = await round.loadRuns(wanted);
    if (this.#listener) this.#hold(wanted, loaded);
    for (const one of loaded.changed) await this.#take(one);
  }

  #hold(wanted: readonly { readonly rowId: number }[], { busy, gone }: LoadedRuns): void {
    for (const { rowId } of wanted) this.#held.add(rowId);
    for (const rowId of [...busy, ...gone]) this.#held.delete(rowId);
    for (const rowId of busy) this.#busy.add(rowId);
    for (const rowId of gone) this.drop(rowId);
  }

  async #take({ run, tasks, revision, since }: LoadedRun): Promise<void> {
    const known = since > 0 ? this.#runs.get(run.rowId) : undefined;
    const before = tasks.map((task) => known?.state.tasks.get(task.rowId));
    if (known) {
      const size = known.state.tasks.size;
      known.state = { ...mergeTasks(known.state, tasks), run };
      known.revision = revision;
      this.touched(run.rowId, known, known.state.tasks.size - size);
      this.#listener?.loaded(known, tasks, before);
      return;
    }
    const plan = await this.#definitions.plan(run.snapshotId, this.#reads);
    this.drop(run.rowId);
    const cached = { state: indexRun(run, tasks), plan, revision };
    this.add(cached);
    this.#listener?.loaded(cached, tasks, before);
  }
}
