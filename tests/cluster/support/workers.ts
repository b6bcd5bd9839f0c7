// Workers as users write them: each polls, works, and reports until the report is answered, at whichever replica answers.
// Keeps a record of all it was handed and all it sent, for the test to compare with what is stored.
import { hash } from '../../../src/engine/testing/random.ts';
import type { Answer, Caller, Cluster } from './cluster.ts';
import { pay } from './payer.ts';
import { TASK_TYPES } from './shapes.ts';
import type { VendorCalls } from './vendor-calls.ts';
import type { HandedTask } from './wire.ts';

export interface Sent {
  readonly nonces: ReadonlySet<string>;
  readonly status: string;
  /** The first time. */
  readonly acknowledgedMs: number;
}

const POLL_MS = 1_500;
/** Beyond it the answer of a poll is not to be expected any more. */
const PATIENCE_MS = POLL_MS + 2_500;
const DOOMED_TRIES = 2;

export class Workers {
  /** `<task id> <poll count>` of every task that reached a worker; each is handed out once. */
  readonly handed = new Set<string>();
  readonly handedTwice: string[] = [];
  /** What was reported as the end of each task, and is acknowledged. */
  readonly sent = new Map<string, Sent>();
  /** Answers that no worker should ever get. */
  readonly oddities: string[] = [];
  readonly #cluster: Cluster;
  readonly #calls: VendorCalls;
  readonly #working: Promise<void>[] = [];
  #over = false;

  constructor(cluster: Cluster, calls: VendorCalls, count: number) {
    this.#cluster = cluster;
    this.#calls = calls;
    for (let i = 0; i < count; i += 1) this.#working.push(this.#work(i));
  }

  async stop(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#working);
  }

  async #work(number: number): Promise<void> {
    const caller = this.#cluster.caller(number);
    const type = TASK_TYPES[number % TASK_TYPES.length];
    const path = `/api/tasks/poll/batch/${type}?count=10&timeout=${POLL_MS}&workerid=w${number}`;
    while (!this.#over) {
      const answer = await caller.try({ method: 'GET', path, patienceMs: PATIENCE_MS });
      if (!answer) continue;
      if (answer.status !== 200) this.#odd('poll', answer);
      else await Promise.all(handedTasks(answer).map((task) => this.#carryOut(task, caller, number)));
    }
  }

  /** Every second worker asks for the next task with its report. */
  async #carryOut(first: HandedTask, caller: Caller, number: number): Promise<void> {
    const path = number % 2 === 0 ? '/api/tasks' : '/api/tasks/update-v2';
    for (let task: HandedTask | undefined = first; task; ) {
      this.#note(task);
      const answer = await this.#report(task, await this.#resultOf(task, number), caller, path);
      const chained = path.endsWith('v2') && answer.status === 200;
      task = chained ? handedTasks(answer)[0] : undefined;
    }
  }

  #note({ taskId, pollCount }: HandedTask): void {
    const handed = `${taskId} ${pollCount}`;
    if (this.handed.has(handed)) this.handedTwice.push(handed);
    this.handed.add(handed);
  }

  async #resultOf(task: HandedTask, number: number): Promise<Result> {
    if (task.taskDefName !== 'pay') return resultOf(task);
    const value = await pay(this.#calls, task, number).catch((error: unknown) => {
      this.oddities.push(String(error));
      return -1;
    });
    return { status: 'COMPLETED', outputData: { value } };
  }

  async #report(task: HandedTask, result: Result, caller: Caller, path: string): Promise<Answer> {
    const { taskId, workflowInstanceId } = task;
    const nonces = new Set<string>();
    const answer = await caller.insist(() => {
      const nonce = `${taskId}/${task.pollCount}/${nonces.size}`;
      nonces.add(nonce);
      const outputData = { ...result.outputData, nonce };
      return { method: 'POST', path, body: { ...result, outputData, taskId, workflowInstanceId } };
    });
    if (answer.status !== 200 && answer.status !== 204) this.#odd(`report ${taskId}`, answer);
    if (result.status === 'IN_PROGRESS') return answer;
    this.#acknowledged(taskId, nonces, result.status);
    await this.#repeatWrongly(task, caller);
    return answer;
  }

  /** A task that was asked back while another had it may have had several workers. */
  #acknowledged(taskId: string, nonces: ReadonlySet<string>, status: string): void {
    const before = this.sent.get(taskId);
    const acknowledgedMs = before?.acknowledgedMs ?? Date.now();
    this.sent.set(taskId, { nonces: new Set([...(before?.nonces ?? []), ...nonces]), status, acknowledgedMs });
  }

  /** One report in ten is followed by another, which says something else and must change nothing. */
  async #repeatWrongly({ taskId, workflowInstanceId }: HandedTask, caller: Caller): Promise<void> {
    if (hash(taskId) % 10 !== 0) return;
    const body = { taskId, workflowInstanceId, status: 'COMPLETED', outputData: { value: -1, nonce: 'late' } };
    const answer = await caller.insist(() => ({ method: 'POST', path: '/api/tasks', body }));
    if (answer.status !== 200) this.#odd(`repeat ${taskId}`, answer);
  }

  #odd(what: string, { status, text }: Answer): void {
    this.oddities.push(`${what}: ${status} ${text.slice(0, 300)}`);
  }
}

function handedTasks({ text }: Answer): HandedTask[] {
  const parsed: HandedTask | HandedTask[] = JSON.parse(text);
  return Array.isArray(parsed) ? parsed : [parsed];
}

interface Result {
  readonly status: string;
  readonly outputData: { readonly value?: number };
  readonly callbackAfterSeconds?: number;
}

function resultOf({ taskDefName, retryCount, pollCount, inputData }: HandedTask): Result {
  const { value = Number.NaN, fails = 0, parts = {} } = inputData;
  if (taskDefName === 'doomed') {
    return { status: retryCount < DOOMED_TRIES ? 'FAILED' : 'FAILED_WITH_TERMINAL_ERROR', outputData: {} };
  }
  if (taskDefName === 'gather') return { status: 'COMPLETED', outputData: { value: sumOf(Object.values(parts)) } };
  if (taskDefName === 'flaky' && retryCount < fails) return { status: 'FAILED', outputData: {} };
  // The first time it is handed out it asks to be handed out again.
  if (taskDefName === 'slow' && pollCount === 1) {
    return { status: 'IN_PROGRESS', outputData: {}, callbackAfterSeconds: 1 };
  }
  return { status: 'COMPLETED', outputData: { value: value + 1 } };
}

function sumOf(parts: readonly unknown[]): number {
  let sum = 0;
  for (const part of parts) {
    if (typeof part === 'object' && part !== null && 'value' in part) sum += Number(part.value);
  }
  return sum;
}
