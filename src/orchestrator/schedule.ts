// What is open, what is ready and what is due: the in-memory schedule. Derived from rows and rebuilt from them at
// start; follows every task change through `track`. Must never change a task itself.
import type { Run, Task } from '../model/run.ts';
import { isRunTerminal } from '../model/run-status.ts';
import { isTerminal, type TaskStatus } from '../model/task-status.ts';
import type { OpenRun, OpenTask } from '../store/reads.ts';
import { DueHeap } from './due-heap.ts';
import { queueKey, type ReadyEntry, ReadyQueue } from './ready-queue.ts';
import type { TaskLimits } from './task-limits.ts';

/** A task that is not terminal, as little of it as finding and queueing takes. */
export interface OpenEntry {
  readonly rowId: number;
  readonly id: string;
  readonly run: OpenRunEntry;
  readonly queue: string | null;
  readonly key: string;
  readonly type: string;
  readonly defName: string;
  status: TaskStatus;
  ready: ReadyEntry | null;
}

export interface OpenRunEntry {
  readonly rowId: number;
  readonly id: string;
  readonly name: string;
  readonly priority: number;
}

/** Heap keys: a task's due time, a task's visibility, a run's due time. */
const KINDS = 3;
const TASK_DUE = 0;
const TASK_VISIBLE = 1;
const RUN_DUE = 2;

export interface DueTimers {
  /** Tasks whose engine timer is due, with their runs. */
  readonly tasks: readonly OpenEntry[];
  readonly runs: readonly number[];
}

export class Schedule {
  readonly #limits: TaskLimits;
  readonly #byId = new Map<string, OpenEntry>();
  readonly #byRow = new Map<number, OpenEntry>();
  readonly #runs = new Map<number, OpenRunEntry>();
  readonly #runRowIds = new Map<string, number>();
  readonly #ready = new Map<string, ReadyQueue>();
  readonly #heap = new DueHeap();
  /** Queues where a task became ready or a slot was freed since they were last served. */
  readonly touched = new Set<string>();
  /** Queues where the decisions of the round under way made a task ready, served or not. */
  readonly stirred = new Set<string>();
  /** Queues of a limited type where they freed a slot. */
  readonly freed = new Set<string>();

  constructor(limits: TaskLimits) {
    this.#limits = limits;
  }

  get timers(): number {
    return this.#heap.size;
  }

  get nextDueMs(): number | undefined {
    return this.#heap.next;
  }

  task(id: string): OpenEntry | undefined {
    return this.#byId.get(id);
  }

  taskByRow(rowId: number): OpenEntry | undefined {
    return this.#byRow.get(rowId);
  }

  runRowId(id: string): number | undefined {
    return this.#runRowIds.get(id);
  }

  ready(key: string): ReadyQueue | undefined {
    return this.#ready.get(key);
  }

  sizes(): Record<string, number> {
    return Object.fromEntries([...this.#ready].map(([key, queue]) => [key, queue.size]));
  }

  readyCount(): number {
    let count = 0;
    for (const queue of this.#ready.values()) count += queue.size;
    return count;
  }

  clear(): void {
    this.#byId.clear();
    this.#byRow.clear();
    this.#runs.clear();
    this.#runRowIds.clear();
    this.#ready.clear();
    this.#heap.clear();
    this.touched.clear();
    this.forgetNews();
  }

  /** What the round's decisions made ready or freed is told, or is no news to anybody. */
  forgetNews(): void {
    this.stirred.clear();
    this.freed.clear();
  }

  /** Takes in an open run found in the store. */
  restore(run: OpenRun, now: number): void {
    const entry = this.#openRun(run);
    this.#heap.set(run.rowId * KINDS + RUN_DUE, run.dueMs);
    for (const task of run.tasks) this.#open(task, entry, task.queue ?? task.defName, now);
  }

  /** What memory lacks of a stored open run, in words for the log; null when nothing. */
  disagreement(run: OpenRun, now: number): string | null {
    if (this.#runRowIds.get(run.id) !== run.rowId) return `run ${run.id} is not known to be open`;
    if (run.dueMs > 0 && !this.#heap.has(run.rowId * KINDS + RUN_DUE)) return `run ${run.id} has lost its timer`;
    for (const task of run.tasks) {
      const entry = this.#byRow.get(task.rowId);
      if (entry?.status !== task.status) return `task ${task.id} is ${task.status}, not ${entry?.status ?? 'closed'}`;
      if (task.dueMs > 0 && !this.#heap.has(task.rowId * KINDS + TASK_DUE)) return `task ${task.id} has lost its timer`;
      const waits = task.visibleMs > now && this.#heap.has(task.rowId * KINDS + TASK_VISIBLE);
      const offered = task.status !== 'SCHEDULED' || task.queue === null || entry.ready !== null || waits;
      if (!offered) return `task ${task.id} is in no queue`;
    }
    return null;
  }

  trackRun(run: Run): void {
    if (isRunTerminal(run.status)) {
      this.#runs.delete(run.rowId);
      this.#runRowIds.delete(run.id);
      this.#heap.delete(run.rowId * KINDS + RUN_DUE);
      return;
    }
    this.#openRun(run);
    this.#heap.set(run.rowId * KINDS + RUN_DUE, run.dueMs);
  }

  /** A run left memory, and nobody here will hear what becomes of it: its timers and queues are the store's. */
  forget(run: Run, tasks: Iterable<Task>): void {
    this.#runs.delete(run.rowId);
    // A run that begins again has its id in another row by now.
    if (this.#runRowIds.get(run.id) === run.rowId) this.#runRowIds.delete(run.id);
    this.#heap.delete(run.rowId * KINDS + RUN_DUE);
    for (const { rowId } of tasks) {
      const entry = this.#byRow.get(rowId);
      if (entry) this.#close(entry);
    }
  }

  /** A task that the store says is ready, and whose run is in memory: into its queue, if memory agrees. */
  offer(taskRowId: number): void {
    const entry = this.#byRow.get(taskRowId);
    if (entry) this.#enqueue(entry);
  }

  /** What finding a task takes when memory has nothing of its run. */
  static entryOf(task: Task, run: Run): OpenEntry {
    return entryOf(task, { rowId: run.rowId, id: run.id, name: run.name, priority: run.priority }, task.type);
  }

  /** Follows one task from what it was (undefined: new) to what it is. */
  track(before: Task | undefined, after: Task, run: Run, now: number): void {
    const entry = this.#byRow.get(after.rowId);
    if (isTerminal(after.status)) {
      if (entry) this.#close(entry);
      return;
    }
    if (!entry) {
      this.#open(after, this.#openRun(run), after.type, now);
      return;
    }
    const moved = before === undefined || before.status !== after.status || before.visibleMs !== after.visibleMs;
    if (moved) this.#move(entry, after, now);
    if (before === undefined || before.dueMs !== after.dueMs) {
      this.#heap.set(after.rowId * KINDS + TASK_DUE, after.dueMs);
    }
  }

  /** Takes up to `max` due timers; tasks that only became visible are moved to their ready queues here. */
  takeDue(now: number, max: number): DueTimers {
    const tasks: OpenEntry[] = [];
    const runs: number[] = [];
    for (const key of this.#heap.takeDue(now, max)) {
      const rowId = Math.floor(key / KINDS);
      const kind = key % KINDS;
      const entry = this.#byRow.get(rowId);
      if (kind === RUN_DUE) runs.push(rowId);
      else if (entry && kind === TASK_DUE) tasks.push(entry);
      else if (entry) this.#enqueue(entry);
    }
    return { tasks, runs };
  }

  /** Sets again what `takeDue` took, when the event that followed left it due. */
  rearm(run: Run, task: Task | undefined): void {
    if (task && this.#byRow.has(task.rowId)) this.#heap.set(task.rowId * KINDS + TASK_DUE, task.dueMs);
    if (!task && this.#runs.has(run.rowId)) this.#heap.set(run.rowId * KINDS + RUN_DUE, run.dueMs);
  }

  /** An entry left its ready queue because it was handed out. */
  taken(entry: OpenEntry): void {
    entry.ready = null;
  }

  #openRun(run: OpenRunEntry): OpenRunEntry {
    const known = this.#runs.get(run.rowId);
    if (known) return known;
    const entry = { rowId: run.rowId, id: run.id, name: run.name, priority: run.priority };
    this.#runs.set(run.rowId, entry);
    this.#runRowIds.set(run.id, run.rowId);
    return entry;
  }

  #open(task: OpenTask, run: OpenRunEntry, type: string, now: number): void {
    const entry = entryOf(task, run, type);
    this.#byId.set(task.id, entry);
    this.#byRow.set(task.rowId, entry);
    this.#move(entry, task, now);
    if (task.dueMs > 0) this.#heap.set(task.rowId * KINDS + TASK_DUE, task.dueMs);
  }

  #move(entry: OpenEntry, task: Pick<Task, 'status' | 'visibleMs'>, now: number): void {
    this.#count(entry, task.status);
    entry.status = task.status;
    if (entry.queue === null) return;
    if (task.status !== 'SCHEDULED') {
      this.#dequeue(entry);
      return;
    }
    if (task.visibleMs > now) {
      this.#dequeue(entry);
      this.#heap.set(entry.rowId * KINDS + TASK_VISIBLE, task.visibleMs);
    } else this.#enqueue(entry);
  }

  /** Keeps the number of hand-outs in progress; a freed slot of a limited type wakes its queues. */
  #count(entry: OpenEntry, status: TaskStatus | null): void {
    if (entry.queue === null) return;
    const was = entry.status === 'IN_PROGRESS';
    const is = status === 'IN_PROGRESS';
    if (was === is) return;
    if (this.#limits.count(entry.defName, is ? 1 : -1)) {
      this.freed.add(entry.key);
      for (const key of this.#ready.keys()) {
        if (key === entry.queue || key.endsWith(`:${entry.queue}`)) this.touched.add(key);
      }
    }
  }

  #enqueue(entry: OpenEntry): void {
    if (entry.ready || entry.status !== 'SCHEDULED') return;
    this.#heap.delete(entry.rowId * KINDS + TASK_VISIBLE);
    entry.ready = { taskRowId: entry.rowId, runRowId: entry.run.rowId, priority: entry.run.priority, live: true };
    const queue = this.#ready.get(entry.key) ?? new ReadyQueue();
    queue.push(entry.ready);
    this.#ready.set(entry.key, queue);
    this.touched.add(entry.key);
    this.stirred.add(entry.key);
  }

  #dequeue(entry: OpenEntry): void {
    this.#heap.delete(entry.rowId * KINDS + TASK_VISIBLE);
    if (!entry.ready) return;
    this.#ready.get(entry.key)?.remove(entry.ready);
    entry.ready = null;
  }

  #close(entry: OpenEntry): void {
    this.#dequeue(entry);
    this.#count(entry, null);
    this.#heap.delete(entry.rowId * KINDS + TASK_DUE);
    // A task that a run took over when it began again has its id in another row by now.
    if (this.#byId.get(entry.id) === entry) this.#byId.delete(entry.id);
    this.#byRow.delete(entry.rowId);
  }
}

function entryOf(task: OpenTask, run: OpenRunEntry, type: string): OpenEntry {
  return {
    rowId: task.rowId,
    id: task.id,
    run,
    queue: task.queue,
    key: task.queue === null ? '' : queueKey(task.queue, task.domain),
    type,
    defName: task.defName,
    status: 'SCHEDULED',
    ready: null,
  };
}
