// Runs in memory: the single writer's copy of what it wrote. Loads what is missing in one read per round and forgets
// what was used longest ago. Must hold no run that the round under way has changed and then lose it.

import type { RunState } from '../engine/decide/decision.ts';
import { indexRun } from '../engine/decide/run-state.ts';
import type { Plan } from '../engine/plan/plan.ts';
import type { Reads, Round } from '../store/port.ts';
import type { Definitions } from './definitions.ts';

export interface CachedRun {
  state: RunState;
  readonly plan: Plan;
}

export class RunCache {
  readonly #definitions: Definitions;
  readonly #reads: Reads;
  readonly #tasksMax: number;
  /** Least recently used first. */
  readonly #runs = new Map<number, CachedRun>();
  #tasks = 0;
  #wanted = new Set<number>();
  #loading: Promise<void> | null = null;

  constructor(definitions: Definitions, reads: Reads, tasksMax: number) {
    this.#definitions = definitions;
    this.#reads = reads;
    this.#tasksMax = tasksMax;
  }

  get size(): number {
    return this.#runs.size;
  }

  get(rowId: number): CachedRun | undefined {
    return this.#runs.get(rowId);
  }

  add(cached: CachedRun): void {
    this.#runs.set(cached.state.run.rowId, cached);
    this.#tasks += cached.state.tasks.size;
  }

  /** Notes that a decision changed a run, by how many tasks it grew. */
  touched(rowId: number, cached: CachedRun, grownBy: number): void {
    this.#tasks += grownBy;
    this.#runs.delete(rowId);
    this.#runs.set(rowId, cached);
  }

  drop(rowId: number): void {
    const cached = this.#runs.get(rowId);
    if (!cached) return;
    this.#runs.delete(rowId);
    this.#tasks -= cached.state.tasks.size;
  }

  clear(): void {
    this.#runs.clear();
    this.#tasks = 0;
    this.#wanted = new Set();
    this.#loading = null;
  }

  /** Between rounds: forgets the runs idle longest while there are too many tasks in memory. */
  trim(): void {
    while (this.#tasks > this.#tasksMax && this.#runs.size > 1) {
      const oldest = this.#runs.keys().next().value;
      if (oldest === undefined) return;
      this.drop(oldest);
    }
  }

  /** Undefined when it is there already; else resolves when it is (or when there is no such run). */
  ensure(rowId: number, round: Round): Promise<void> | undefined {
    if (this.#runs.has(rowId)) return undefined;
    this.#wanted.add(rowId);
    this.#loading ??= Promise.resolve().then(() => this.#load(round));
    return this.#loading;
  }

  async #load(round: Round): Promise<void> {
    const rowIds = [...this.#wanted];
    this.#wanted = new Set();
    this.#loading = null;
    for (const { run, tasks } of await round.loadRuns(rowIds)) {
      const plan = await this.#definitions.plan(run.snapshotId, this.#reads);
      this.add({ state: indexRun(run, tasks), plan });
    }
  }
}
