// Workers inside the server: each serves one queue with a bounded number of places, through the same ready queues,
// limits and claims as a worker over the wire. Must never throw into the loop.
import { AppError } from '../model/error.ts';
import { EMPTY_OBJECT } from '../model/json.ts';
import type { Taker } from './hand-off.ts';
import type { HandedTask } from './orchestrator-api.ts';
import type { InProcessResult, InProcessWorker, Stop } from './ports.ts';
import { Stopper } from './stop.ts';

export type Report = (handed: HandedTask, result: InProcessResult) => Promise<void>;

export interface InProcessOptions {
  readonly workers: readonly InProcessWorker[];
  /** What tasks in progress here say of it. */
  readonly workerId: string;
  readonly report: Report;
  /** A place at a queue is free again. */
  readonly freed: (key: string) => void;
  /** A result cannot be taken: the task stays in progress, and nobody works on it. */
  readonly unreported: (handed: HandedTask) => void;
}

/** Between two tries to report: the store is away for a moment, or until a person has mended it. */
const REPORT_AGAIN_MS = 250;

export class InProcess {
  readonly #workers = new Map<string, InProcessWorker>();
  /** Task ids under way, by queue. */
  readonly #running = new Map<string, Set<string>>();
  readonly #workerId: string;
  readonly #report: Report;
  readonly #freed: (key: string) => void;
  readonly #unreported: (handed: HandedTask) => void;
  readonly #stop = new Stopper();

  constructor({ workers, workerId, report, freed, unreported }: InProcessOptions) {
    this.#workerId = workerId;
    for (const worker of workers) {
      this.#workers.set(worker.queue, worker);
      this.#running.set(worker.queue, new Set());
    }
    this.#report = report;
    this.#freed = freed;
    this.#unreported = unreported;
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
    if (!worker || this.#stop.stopped) return undefined;
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
    this.#stop.stop();
  }

  #run(worker: InProcessWorker, tasks: readonly HandedTask[]): void {
    for (const handed of tasks) {
      this.#running.get(worker.queue)?.add(handed.task.id);
      void this.#one(worker, handed);
    }
  }

  async #one(worker: InProcessWorker, handed: HandedTask): Promise<void> {
    const result = await resultOf(worker, handed, this.#stop);
    await this.#tell(handed, result);
    this.#running.get(worker.queue)?.delete(handed.task.id);
    this.#freed(worker.queue);
  }

  /** Until the store has taken it: nobody else would miss it. A stopping server reports nothing: others run the task again. */
  async #tell(handed: HandedTask, result: InProcessResult): Promise<void> {
    while (!this.#stop.stopped) {
      const refused = await this.#report(handed, result).then(
        () => null,
        (error: unknown) => ({ error }),
      );
      if (!refused) return;
      if (!isStoreAway(refused.error)) return this.#unreported(handed);
      await new Promise((resolve) => setTimeout(resolve, REPORT_AGAIN_MS).unref());
    }
  }
}

function isStoreAway(error: unknown): boolean {
  return error instanceof AppError && error.code === 'store_unavailable';
}

async function resultOf(worker: InProcessWorker, handed: HandedTask, stop: Stop): Promise<InProcessResult> {
  const { task, run, input, outputs } = handed;
  try {
    return await worker.execute(task, run, input, stop, outputs);
  } catch (error) {
    return failedBy(error);
  }
}

/** What comes of a worker that throws after all. */
export function failedBy(error: unknown): InProcessResult {
  return { status: 'FAILED', output: EMPTY_OBJECT, reason: error instanceof Error ? error.message : String(error) };
}
