// The load driver: keep-alive connections, bodies serialised once, nothing parsed that is not needed. It must stay
// cheaper than the server that it measures.
import { Pool } from 'undici';

export class Driver {
  readonly #pool: Pool;
  readonly #headers: Record<string, string>;

  constructor(url: string, key: string, connections = 64) {
    this.#pool = new Pool(url, { connections, pipelining: 1, headersTimeout: 60_000, bodyTimeout: 60_000 });
    this.#headers = { 'content-type': 'application/json', 'x-api-key': key };
  }

  /** The body as text; "" for an empty one. Throws on any status that is not 2xx. */
  async send(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: string): Promise<string> {
    const reply = await this.#pool.request({ method, path, body: body ?? null, headers: this.#headers });
    const text = await reply.body.text();
    if (reply.statusCode >= 300) throw new Error(`${method} ${path}: ${reply.statusCode} ${text.slice(0, 300)}`);
    return text;
  }

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

  async close(): Promise<void> {
    await this.#pool.close();
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

/** Polls in batches and completes each task with its own awaited request, until `total` tasks are done. */
export async function drain(driver: Driver, taskType: string, total: number, width: number): Promise<void> {
  const ready: PolledTask[] = [];
  let polled = 0;
  let filling: Promise<void> | null = null;
  const fill = async () => {
    const tasks = await driver.poll(taskType, 100, 1000);
    polled += tasks.length;
    ready.push(...tasks);
  };
  const lane = async () => {
    for (;;) {
      const task = ready.pop();
      if (task) {
        // The next batch travels while this one is being reported.
        if (ready.length < width && polled < total && !filling) refill();
        await driver.send('POST', '/api/tasks', completed(task));
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
