// The load driver: keep-alive connections, bodies serialised once, nothing parsed that is not needed. It must stay
// cheaper than the server that it measures.
import { ThinClient } from './thin-client.ts';

const SLICES = 9;

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** What a load asks of a server, or of several that share a database. */
export abstract class Load {
  /** The body as text; "" for an empty one. Throws on any status that is not 2xx. */
  abstract send(method: Method, path: string, body?: string): Promise<string>;
  abstract close(): Promise<void>;

  /** Registers a workflow definition, over an older one of the same name. */
  async define(definition: object): Promise<void> {
    await this.send('PUT', '/api/metadata/workflow', JSON.stringify([definition]));
  }

  async start(name: string, input = '{}'): Promise<string> {
    return this.send('POST', `/api/workflow/${name}`, input);
  }

  async poll(taskType: string, count: number, timeoutMs: number): Promise<PolledTask[]> {
    const path = `/api/tasks/poll/batch/${taskType}?workerid=bench&count=${count}&timeout=${timeoutMs}`;
    return JSON.parse(await this.send('GET', path));
  }

  async status(runId: string): Promise<string> {
    const run: { status: string } = JSON.parse(await this.send('GET', `/api/workflow/${runId}?includeTasks=false`));
    return run.status;
  }
}

export class Driver extends Load {
  readonly #client: ThinClient;
  readonly #headers: Record<string, string>;

  constructor(url: string, key: string, connections = 64) {
    super();
    this.#client = new ThinClient(url, { connections, timeoutMs: 60_000, idleMs: 50_000 });
    this.#headers = { 'content-type': 'application/json', 'x-api-key': key };
  }

  async send(method: Method, path: string, body?: string): Promise<string> {
    const { status, body: text } = await this.#client.request(method, path, this.#headers, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text.slice(0, 300)}`);
    return text;
  }

  async close(): Promise<void> {
    this.#client.close();
  }
}

/** Each request goes to the next server, whatever the one before it was about. */
export class RoundRobin extends Load {
  readonly #drivers: readonly Driver[];
  #sent = 0;

  constructor(drivers: readonly Driver[]) {
    super();
    this.#drivers = drivers;
  }

  async send(method: Method, path: string, body?: string): Promise<string> {
    const driver = this.#drivers[this.#sent % this.#drivers.length];
    if (!driver) throw new Error('There is no server to send to.');
    this.#sent += 1;
    return driver.send(method, path, body);
  }

  async close(): Promise<void> {
    await Promise.all(this.#drivers.map((driver) => driver.close()));
  }
}

export interface PolledTask {
  readonly taskId: string;
  readonly workflowInstanceId: string;
}

export function completed({ taskId, workflowInstanceId }: PolledTask): string {
  return `{"taskId":"${taskId}","workflowInstanceId":"${workflowInstanceId}","status":"COMPLETED","outputData":{"ok":true}}`;
}

/** Runs `work(n)` for n in [0, total), `width` at a time. */
export async function spread(total: number, width: number, work: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < total) {
      const n = next;
      next += 1;
      await work(n);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, total) }, lane));
}

/**
 * Calls per second of each load, in slices that take turns, so that a slow moment of the machine hits both alike: the
 * medians. A load gets the number of calls to make.
 */
export async function inTurns(
  loads: readonly ((calls: number) => Promise<unknown>)[],
  calls: number,
): Promise<readonly number[]> {
  const rates = loads.map((): number[] => []);
  const slice = Math.ceil(calls / SLICES);
  for (let n = 0; n < SLICES; n += 1) {
    for (const [at, load] of loads.entries()) {
      const startedAt = performance.now();
      await load(slice);
      rates[at]?.push((slice * 1000) / (performance.now() - startedAt));
    }
  }
  return rates.map((of) => of.sort((a, b) => a - b)[SLICES >> 1] ?? Number.NaN);
}

/** Polls in batches and completes each task with its own awaited request, until `total` tasks are done. */
export async function drain(load: Load, taskType: string, total: number, width: number): Promise<void> {
  const ready: PolledTask[] = [];
  let polled = 0;
  let filling: Promise<void> | null = null;
  const fill = async () => {
    const tasks = await load.poll(taskType, 100, 1000);
    polled += tasks.length;
    ready.push(...tasks);
  };
  const lane = async () => {
    for (;;) {
      const task = ready.pop();
      if (task) {
        // The next batch travels while this one is being reported.
        if (ready.length < width && polled < total && !filling) refill();
        await load.send('POST', '/api/tasks', completed(task));
      } else if (polled < total) await refill();
      else return;
    }
  };
  const refill = (): Promise<void> => {
    filling ??= fill().finally(() => {
      filling = null;
    });
    return filling;
  };
  await Promise.all(Array.from({ length: width }, lane));
}
