// A run and the tasks one decision touches, copied on write over a state that stays as it was. Counts open tasks as it
// goes. Most decisions touch one task, so what is not needed is not made. Must never walk all tasks unless asked to
// (`all`), and never change what it was given.
import type { Run, Task } from '../../model/run.ts';
import { isTerminal } from '../../model/task-status.ts';
import type { Decision, Effect, RunState } from './decision.ts';
import { isLaterOfStep, isSkippedAhead } from './skip-task.ts';

export class Draft {
  readonly #base: RunState;
  #inserted: Map<number, Task> | undefined;
  #changed: Map<number, Task> | undefined;
  /** Row ids, because the tasks themselves may change again before the decision is closed. */
  #latest: Map<string, number> | undefined;
  #latestOfStep: Map<string, number> | undefined;
  #run: Run;
  /** The run is this draft's own copy: nobody else has seen it, so it may change in place. */
  #ownsRun = false;
  readonly effects: Effect[] = [];
  ended = false;

  constructor(base: RunState) {
    this.#base = base;
    this.#run = base.run;
  }

  /** As it is now: a later patch may change the very object. */
  get run(): Run {
    return this.#run;
  }

  get insertedCount(): number {
    return this.#inserted?.size ?? 0;
  }

  task(rowId: number): Task | undefined {
    return this.#inserted?.get(rowId) ?? this.#changed?.get(rowId) ?? this.#base.tasks.get(rowId);
  }

  latest(ref: string): Task | undefined {
    return this.#at(this.#latest?.get(ref) ?? this.#base.latest.get(ref)?.rowId);
  }

  latestOfStep(step: string): Task | undefined {
    return this.#at(this.#latestOfStep?.get(step) ?? this.#base.latestOfStep.get(step)?.rowId);
  }

  /** Every attempt, in the order of insertion. Linear in the size of the run. */
  all(): readonly Task[] {
    const tasks: Task[] = [];
    for (const task of this.#base.tasks.values()) tasks.push(this.#changed?.get(task.rowId) ?? task);
    if (this.#inserted) for (const task of this.#inserted.values()) tasks.push(task);
    return tasks;
  }

  insert(task: Task): void {
    this.#inserted ??= new Map();
    this.#inserted.set(task.rowId, task);
    this.#latest ??= new Map();
    this.#latest.set(task.ref, task.rowId);
    this.#noteTurn(task);
    this.patchRun({ lastSeq: task.seq, openTasks: this.#run.openTasks + (isTerminal(task.status) ? 0 : 1) });
  }

  put(task: Task): void {
    const before = this.task(task.rowId);
    if (before === task) return;
    if (this.#inserted?.has(task.rowId)) this.#inserted.set(task.rowId, task);
    else {
      this.#changed ??= new Map();
      this.#changed.set(task.rowId, task);
    }
    if (before && isSkippedAhead(before)) this.#noteTurn(task);
    const wasOpen = before !== undefined && !isTerminal(before.status);
    const isOpen = !isTerminal(task.status);
    if (wasOpen !== isOpen) this.patchRun({ openTasks: this.#run.openTasks + (isOpen ? 1 : -1) });
  }

  patchRun(patch: Partial<Run>): void {
    if (!this.#ownsRun) this.#run = { ...this.#run };
    this.#ownsRun = true;
    Object.assign(this.#run, patch);
  }

  close(now: number): Decision {
    if (this.#ownsRun) this.patchRun({ updatedMs: now });
    return {
      run: this.#ownsRun ? this.#run : null,
      inserted: this.#inserted ? [...this.#inserted.values()] : [],
      updated: this.#changed ? [...this.#changed.values()] : [],
      effects: this.effects,
      logs: [],
      ended: this.ended,
    };
  }

  #noteTurn(task: Task): void {
    if (!isLaterOfStep(task, this.latestOfStep(task.step))) return;
    this.#latestOfStep ??= new Map();
    this.#latestOfStep.set(task.step, task.rowId);
  }

  #at(rowId: number | undefined): Task | undefined {
    return rowId === undefined ? undefined : this.task(rowId);
  }
}
