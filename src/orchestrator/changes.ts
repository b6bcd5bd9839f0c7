// The rows a round changed, each once, in their last state. Turns them into the batch's lists before the commit.
import type { Run, Task } from '../model/run.ts';
import type { WriteBatch } from '../store/write-batch.ts';

export class Changes {
  readonly #newRuns = new Map<number, Run>();
  readonly #runs = new Map<number, Run>();
  readonly #newTasks = new Map<number, Task>();
  readonly #tasks = new Map<number, Task>();

  addRun(run: Run): void {
    this.#newRuns.set(run.rowId, run);
  }

  addTask(task: Task): void {
    this.#newTasks.set(task.rowId, task);
  }

  run(run: Run): void {
    (this.#newRuns.has(run.rowId) ? this.#newRuns : this.#runs).set(run.rowId, run);
  }

  task(task: Task): void {
    (this.#newTasks.has(task.rowId) ? this.#newTasks : this.#tasks).set(task.rowId, task);
  }

  /** The run is to go: nothing of it is written. */
  forget(runRowId: number, taskRowIds: Iterable<number>): void {
    this.#newRuns.delete(runRowId);
    this.#runs.delete(runRowId);
    for (const rowId of taskRowIds) {
      this.#newTasks.delete(rowId);
      this.#tasks.delete(rowId);
    }
  }

  newRuns(): Run[] {
    return [...this.#newRuns.values()];
  }

  drain(batch: WriteBatch): void {
    for (const run of this.#newRuns.values()) batch.newRuns.push(run);
    for (const run of this.#runs.values()) batch.changedRuns.push(run);
    for (const task of this.#newTasks.values()) batch.newTasks.push(task);
    for (const task of this.#tasks.values()) batch.changedTasks.push(task);
    this.clear();
  }

  clear(): void {
    this.#newRuns.clear();
    this.#runs.clear();
    this.#newTasks.clear();
    this.#tasks.clear();
  }
}
