// `kill -9` at twenty random moments under load: what was acknowledged is there, nothing is applied twice, every run
// ends right, every timer fires.
import { expect, test } from 'vitest';
import { ServerProcess } from '../support/server-process.ts';

const RUNS = 500;
const KILLS = 20;

interface HandedTask {
  readonly taskId: string;
  readonly workflowInstanceId: string;
  readonly taskDefName: string;
  readonly retryCount: number;
  readonly inputData: { readonly sum?: number };
}

const step = (name: string, inputParameters: Record<string, string>) => ({
  name,
  taskReferenceName: name,
  type: 'SIMPLE',
  inputParameters,
});

const DEFINITION = {
  name: 'crash_load',
  tasks: [
    step('one', { sum: '${workflow.input.start}' }),
    { name: 'pause', taskReferenceName: 'pause', type: 'WAIT', inputParameters: { duration: '1s' } },
    {
      name: 'fork',
      taskReferenceName: 'fork',
      type: 'FORK_JOIN',
      forkTasks: [[step('left', { sum: '${one.output.sum}' })], [step('right', { sum: '${one.output.sum}' })]],
    },
    { name: 'join', taskReferenceName: 'join', type: 'JOIN', joinOn: ['left', 'right'] },
    step('last', { sum: '${left.output.sum}' }),
  ],
  outputParameters: { sum: '${last.output.sum}' },
};

const TYPES = ['one', 'left', 'right', 'last'];

/** A load that never gives up: every call is repeated until it is answered. */
class Load {
  readonly server: ServerProcess;
  readonly started = new Set<string>();
  /** Every result a worker was told is stored: task id -> what it reported. */
  readonly acknowledged = new Map<string, string>();
  /** Every result a worker ever sent, acknowledged or not. */
  readonly sent = new Map<string, Set<string>>();
  done = false;

  constructor(server: ServerProcess) {
    this.server = server;
  }

  async insist<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await call();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
    }
  }

  async json(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await this.server.call(method, path, body);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${answer.status} ${text}`);
    return text.startsWith('[') || text.startsWith('{') ? JSON.parse(text) : text;
  }

  async startAll(): Promise<void> {
    let next = 0;
    const lane = async () => {
      while (next < RUNS) {
        const start = next;
        next += 1;
        const request = {
          name: 'crash_load',
          input: { start },
          idempotencyKey: `run-${start}`,
          idempotencyStrategy: 'RETURN_EXISTING',
        };
        const id = await this.insist(() => this.json('POST', '/api/workflow', request));
        this.started.add(String(id));
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
    };
    await Promise.all(Array.from({ length: 6 }, lane));
  }

  async work(type: string): Promise<void> {
    while (!this.done) {
      const path = `/api/tasks/poll/batch/${type}?count=20&timeout=200&workerid=w`;
      const tasks = (await this.insist(() => this.json('GET', path))) as HandedTask[];
      await Promise.all(tasks.map((task) => this.report(task)));
    }
  }

  async report(task: HandedTask): Promise<void> {
    // One first attempt in eight fails: its retry is a timer that has to survive too.
    const fails = task.retryCount === 0 && Number.parseInt(task.taskId.slice(-1), 16) < 2;
    const nonce = `${task.taskId}:${Math.random()}`;
    this.sent.set(task.taskId, (this.sent.get(task.taskId) ?? new Set()).add(nonce));
    const result = {
      taskId: task.taskId,
      workflowInstanceId: task.workflowInstanceId,
      status: fails ? 'FAILED' : 'COMPLETED',
      outputData: { sum: Number(task.inputData.sum) + 1, nonce },
    };
    await this.insist(() => this.json('POST', '/api/tasks', result));
    this.acknowledged.set(task.taskId, nonce);
  }
}

test('kill -9 at 20 random moments: nothing acknowledged is lost, nothing is applied twice, every run ends right', async () => {
  const server = await ServerProcess.create();
  await server.start();
  try {
    const load = new Load(server);
    const rules = { retryCount: 10, retryDelaySeconds: 1, responseTimeoutSeconds: 2, timeoutSeconds: 0 };
    await load.json(
      'POST',
      '/api/metadata/taskdefs',
      TYPES.map((name) => ({ name, ...rules })),
    );
    await load.json('POST', '/api/metadata/workflow', DEFINITION);
    const workers = TYPES.map((type) => load.work(type));
    const starting = load.startAll();
    for (let kill = 0; kill < KILLS; kill += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 380));
      await server.kill();
      await server.start();
    }
    await starting;
    const runs = new Map<string, Run>();
    for (const id of load.started) runs.set(id, await ended(load, id));
    load.done = true;
    await Promise.all(workers);

    expect(load.started.size).toBe(RUNS);
    for (const run of runs.values()) checkRun(run, load);
    const known = new Map([...runs.values()].flatMap((run) => run.tasks.map((task) => [task.taskId, task])));
    for (const taskId of load.acknowledged.keys()) expect(known.has(taskId), `acknowledged ${taskId}`).toBe(true);
  } finally {
    await server.dispose();
  }
}, 300_000);

interface Run {
  readonly status: string;
  readonly input: { readonly start: number };
  readonly output: { readonly sum: number };
  readonly tasks: readonly {
    readonly taskId: string;
    readonly referenceTaskName: string;
    readonly status: string;
    readonly retryCount: number;
    readonly outputData: { readonly nonce?: string };
  }[];
}

async function ended(load: Load, id: string): Promise<Run> {
  for (;;) {
    const run = (await load.insist(() => load.json('GET', `/api/workflow/${id}`))) as Run;
    if (run.status !== 'RUNNING') return run;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function checkRun(run: Run, load: Load): void {
  expect(run.status).toBe('COMPLETED');
  expect(run.output.sum).toBe(run.input.start + 3);
  for (const ref of TYPES) {
    const attempts = run.tasks.filter((task) => task.referenceTaskName === ref);
    expect(attempts.map((task) => task.retryCount)).toEqual(attempts.map((_, index) => index));
    expect(attempts.filter((task) => task.status === 'COMPLETED')).toHaveLength(1);
  }
  for (const task of run.tasks) {
    const { nonce } = task.outputData;
    // A stored result is one that a worker sent for this very attempt; a first report is never replaced by a repeat.
    if (nonce !== undefined) expect(load.sent.get(task.taskId)?.has(nonce)).toBe(true);
    expect(task.status).not.toBe('IN_PROGRESS');
    expect(task.status).not.toBe('SCHEDULED');
  }
}
