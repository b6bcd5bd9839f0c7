// Workers inside the server: each serves one queue with a bounded number of places, through the same ready queues,
// limits and claims as a worker over the wire. Must never throw into the loop.
import { EMPTY_OBJECT } from '../model/json.ts';
import type { Taker } from './hand-off.ts';
import type { HandedTask } from './orchestrator-api.ts';
import type { InProcessResult, InProcessWorker } from './ports.ts';

export type Report = (handed: HandedTask, result: InProcessResult) => Promise<void>;

export class InProcess {
  readonly #workers = new Map<string, InProcessWorker>();
  /** Task ids under way, by queue. */
  readonly #running = new Map<string, Set<string>>();
  readonly #workerId: string;
  readonly #report: Report;
  readonly #freed: (key: string) => void;
  readonly #abort = new AbortController();

  /** `workerId`: what tasks in progress here say of it. */
  constructor(workers: readonly InProcessWorker[], workerId: string, report: Report, freed: (key: string) => void) {
    this.#workerId = workerId;
    for (const worker of workers) {
      this.#workers.set(worker.queue, worker);
      this.#running.set(worker.queue, new Set());
    }
    this.#report = report;
    this.#freed = freed;
  }

  /** A task of a queue served here that nobody works on: the process that did is gone. */
  isOrphan(queue: string, taskId: string): boolean {
    return this.#running.get(queue)?.has(taskId) === false;
  }

  /** Queues served here. */
  get keys(): Iterable<string> {
    return this.#workers.keys();
  }

  /** The worker of a queue as a taker, with as many places as are free. */
  taker(key: string): Taker | undefined {
    const worker = this.#workers.get(key);
    if (!worker || this.#abort.signal.aborted) return undefined;
    const free = worker.concurrency - (this.#running.get(key)?.size ?? 0);
    if (free <= 0) return undefined;
    return {
      key,
      workerId: this.#workerId,
      count: free,
      assigned: [],
      deliver: (tasks) => this.#run(worker, tasks),
      refuse: () => undefined,
      gone: () => false,
    };
  }

  stop(): void {
    this.#abort.abort();
  }

  #run(worker: InProcessWorker, tasks: readonly HandedTask[]): void {
    for (const handed of tasks) {
      this.#running.get(worker.queue)?.add(handed.task.id);
      void this.#one(worker, handed);
    }
  }

  async #one(worker: InProcessWorker, handed: HandedTask): Promise<void> {
    const result = await worker.execute(handed.task, handed.run, handed.input, this.#abort.signal).catch(failed);
    // A stopping server reports nothing: the task is run again after the restart.
    if (!this.#abort.signal.aborted) await this.#report(handed, result).catch(() => undefined);
    this.#running.get(worker.queue)?.delete(handed.task.id);
    this.#freed(worker.queue);
  }
}

function failed(error: unknown): InProcessResult {
  return { status: 'FAILED', output: EMPTY_OBJECT, reason: error instanceof Error ? error.message : String(error) };
}
