// The few calls of the server's API that the demo makes, each answer parsed at the edge.
import { z } from 'zod';

const taskSchema = z.object({
  taskId: z.string(),
  workflowInstanceId: z.string(),
  referenceTaskName: z.string(),
  status: z.string(),
  retryCount: z.number(),
  inputData: z.record(z.string(), z.unknown()),
});
const runSchema = z.object({ status: z.string(), tasks: z.array(taskSchema).default([]) });
const pageSchema = z.object({ totalHits: z.number() });
const spendSchema = z.object({
  total_usd: z.number(),
  tasks: z.array(
    z.object({
      task_reference_name: z.string(),
      calls: z.number(),
      allowed: z.number(),
      refused: z.number(),
      spent_usd: z.number(),
      vendor_object_ids: z.array(z.string()),
    }),
  ),
});

export type PolledTask = z.infer<typeof taskSchema>;
export type Run = z.infer<typeof runSchema>;
export type Spend = z.infer<typeof spendSchema>;

export class DemoApi {
  readonly #url: string;
  readonly #key: string;

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
  }

  async register(definition: unknown, taskDefinitions: unknown): Promise<void> {
    await this.#call('POST', '/api/metadata/taskdefs', taskDefinitions);
    await this.#call('PUT', '/api/metadata/workflow', [definition]);
  }

  async start(name: string, input: Readonly<Record<string, unknown>>): Promise<string> {
    return this.#call('POST', `/api/workflow/${name}`, input);
  }

  async run(id: string, includeTasks: boolean): Promise<Run> {
    return runSchema.parse(JSON.parse(await this.#call('GET', `/api/workflow/${id}?includeTasks=${includeTasks}`)));
  }

  async status(id: string): Promise<string> {
    return runSchema.parse(JSON.parse(await this.#call('GET', `/api/workflow/${id}/status`))).status;
  }

  /** How many tasks of a run are in a state. */
  async count(id: string, status: string): Promise<number> {
    const page = await this.#call('GET', `/api/workflow/${id}/tasks?count=1&status=${status}`);
    return pageSchema.parse(JSON.parse(page)).totalHits;
  }

  async terminate(id: string, reason: string): Promise<void> {
    await this.#call('DELETE', `/api/workflow/${id}?reason=${encodeURIComponent(reason)}`);
  }

  /** Waits up to five seconds for the first task, then takes what there is. */
  async poll(taskType: string, count: number): Promise<PolledTask[]> {
    const path = `/api/tasks/poll/batch/${taskType}?workerid=demo&count=${count}&timeout=5000`;
    return z.array(taskSchema).parse(JSON.parse(await this.#call('GET', path)));
  }

  async spend(id: string): Promise<Spend> {
    return spendSchema.parse(JSON.parse(await this.#call('GET', `/vault/spend?workflowId=${id}`)));
  }

  async #call(method: string, path: string, body?: unknown): Promise<string> {
    const reply = await fetch(this.#url + path, {
      method,
      headers: { 'X-API-Key': this.#key, 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await reply.text();
    if (!reply.ok) throw new Error(`${method} ${path} answered ${reply.status}: ${text}`);
    return text;
  }
}
