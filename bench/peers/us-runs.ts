// Us in three-step runs: three SIMPLE tasks, polled and reported over HTTP by workers in this process. A run is over when
// the answer to its third report, and so its commit, is here.
import { z } from 'zod';
import { completed, Driver, type PolledTask, spread } from '../driver.ts';
import type { Contender, Site } from './contender.ts';
import { AT_ONCE } from './post.ts';
import { type OwnStore, startOurs } from './us.ts';

const NAME = 'bench_three';
const TASK = 'bench_step';
const STEPS = ['one', 'two', 'three'];
/** How many runs are read back at the end, spread over all of them. */
const READ_BACK_MAX = 1000;
const idsSchema = z.array(z.string());

export async function openOurRuns(site: Site, store: OwnStore): Promise<Contender> {
  const server = await startOurs(site, store);
  const driver = new Driver(server.url, server.key, AT_ONCE * 2 + 2);
  const step = (ref: string) => ({ name: TASK, taskReferenceName: ref, type: 'SIMPLE' });
  await driver.define({ name: NAME, version: 1, tasks: STEPS.map(step) });
  const workers = new Workers(driver);
  const runIds: string[] = [];
  return {
    once: async () => {
      const id = await driver.start(NAME);
      await workers.end(id);
      runIds.push(id);
    },
    completed: async () => {
      const open = idsSchema.parse(JSON.parse(await driver.send('GET', `/api/workflow/running/${NAME}`)));
      if (open.length > 0) throw new Error(`${open.length} runs were left open`);
      await readBack(driver, runIds);
      return runIds.length;
    },
    durability: server.durability,
    close: async () => {
      await workers.stop();
      await driver.close();
    },
  };
}

async function readBack(driver: Driver, runIds: readonly string[]): Promise<void> {
  const every = Math.ceil(runIds.length / READ_BACK_MAX);
  const sample = runIds.filter((_, n) => n % every === 0);
  await spread(sample.length, 16, async (n) => {
    const status = await driver.status(sample[n] ?? '');
    if (status !== 'COMPLETED') throw new Error(`run ${sample[n]} is ${status}`);
  });
}

/** One poller; what it brings is reported at once, and so is the task that a report brings back. */
class Workers {
  readonly #driver: Driver;
  readonly #polling: Promise<void>;
  readonly #steps = new Map<string, number>();
  readonly #waiting = new Map<string, (failure?: Error) => void>();
  readonly #over = new Set<string>();
  #failure: Error | null = null;
  #stopped = false;

  constructor(driver: Driver) {
    this.#driver = driver;
    this.#polling = this.#poll().catch((error: unknown) => this.#fail(error));
  }

  /** Resolves when the run is over, which may be before its start was answered here. */
  async end(runId: string): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (this.#over.delete(runId)) return;
    await new Promise<void>((resolve, reject) => {
      this.#waiting.set(runId, (failure) => (failure ? reject(failure) : resolve()));
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#polling;
  }

  async #poll(): Promise<void> {
    while (!this.#stopped) {
      for (const task of await this.#driver.poll(TASK, 100, 500)) {
        this.#work(task).catch((error: unknown) => this.#fail(error));
      }
    }
  }

  async #work(first: PolledTask): Promise<void> {
    let task: PolledTask | null = first;
    while (task) {
      const reply = await this.#driver.send('POST', '/api/tasks/update-v2', completed(task));
      this.#count(task.workflowInstanceId);
      task = reply ? JSON.parse(reply) : null;
    }
  }

  #count(runId: string): void {
    const done = (this.#steps.get(runId) ?? 0) + 1;
    if (done < STEPS.length) return void this.#steps.set(runId, done);
    this.#steps.delete(runId);
    const tell = this.#waiting.get(runId);
    if (!tell) return void this.#over.add(runId);
    this.#waiting.delete(runId);
    tell();
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    for (const tell of this.#waiting.values()) tell(this.#failure);
    this.#waiting.clear();
  }
}
