// The server's end of jq's thread: programs wait in line, run one at a time, and are ended with their thread when their
// time is over. The thread begins with the first program, ends when none has come for a while, and keeps the process alive
// only while an answer is due. Must never leave a caller without an answer.
import type { Worker } from 'node:worker_threads';
import { type JqAnswer, type JqRequest, type JqRunner, OUT_OF_MEMORY } from '../../../operations/jq/jq-answer.ts';
import type { JqMessage } from './messages.ts';
import { isOutOfMemory, startJqThread } from './start-jq-thread.ts';

export interface JqThreadOptions {
  /** 2 s unless given; large documents get more, for jq has to read them first. */
  readonly timeoutMs?: number;
  /** The limit of a task's output unless given. */
  readonly outputBytesMax?: number;
  /** Programs that wait their turn; 10,000 unless given. More are refused. */
  readonly waitingMax?: number;
  /** Told when the thread ends of itself; the next program begins another. */
  readonly onLost?: (error: unknown) => void;
}

interface Job extends JqRequest {
  readonly answer: (answer: JqAnswer) => void;
}

const TIMEOUT_MS = 2_000;
/** A fifth of what jq reads on an idle core: a busy one must not fail what is only large. */
const READ_CHARS_PER_MS = 2_000;
/** A large document leaves a thread with hundreds of megabytes, which only its end gives back at once. */
const IDLE_MS = 30_000;
const OUTPUT_BYTES_MAX = 10 * 1024 * 1024;
/** A fork in memory begins all its branches at once. */
const WAITING_MAX = 10_000;

const ENDED: JqAnswer = { kind: 'unavailable', message: 'The server stopped before the jq program was run.' };
const UNWANTED: JqAnswer = { kind: 'unavailable', message: 'The jq program was not run: nobody waits for it.' };
const FULL: JqAnswer = { kind: 'unavailable', message: 'The jq program was not run: too many are waiting.' };
const LOST: JqAnswer = { kind: 'unavailable', message: 'The thread that runs jq programs ended by itself.' };

export class JqThread implements JqRunner {
  readonly #timeoutMs: number;
  readonly #outputBytesMax: number;
  readonly #waitingMax: number;
  readonly #onLost: (error: unknown) => void;
  readonly #waiting: Job[] = [];
  readonly #terminating = new Set<Promise<unknown>>();
  #worker: Worker | undefined;
  #isReady = false;
  #current: Job | undefined;
  /** Until the current program has to end, or a thread that has none. */
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor({ timeoutMs, outputBytesMax, waitingMax, onLost }: JqThreadOptions = {}) {
    this.#timeoutMs = timeoutMs ?? TIMEOUT_MS;
    this.#outputBytesMax = outputBytesMax ?? OUTPUT_BYTES_MAX;
    this.#waitingMax = waitingMax ?? WAITING_MAX;
    this.#onLost = onLost ?? (() => undefined);
  }

  run(request: JqRequest): Promise<JqAnswer> {
    if (this.#isClosed) return Promise.resolve(ENDED);
    if (this.#waiting.length >= this.#waitingMax) return Promise.resolve(FULL);
    return new Promise((answer) => {
      this.#waiting.push({ ...request, answer });
      this.#next();
    });
  }

  /** Answers everybody who waits, and ends the thread. May be called again. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { answer } of this.#waiting.splice(0)) answer(ENDED);
    this.#discard();
    this.#finish(ENDED);
    await Promise.all(this.#terminating);
  }

  #next(): void {
    if (this.#current) return;
    clearTimeout(this.#timer);
    const job = this.#take();
    if (job) this.#begin(job);
    else this.#rest();
  }

  #take(): Job | undefined {
    let job = this.#waiting.shift();
    while (job && !job.isWanted()) {
      job.answer(UNWANTED);
      job = this.#waiting.shift();
    }
    return job;
  }

  #begin(job: Job): void {
    this.#current = job;
    try {
      this.#worker ??= this.#start();
      this.#worker.ref();
      if (this.#isReady) this.#send(this.#worker, job);
    } catch (error) {
      // Not at once: all who wait would fail within one another.
      queueMicrotask(() => this.#lost(error));
    }
  }

  #rest(): void {
    this.#worker?.unref();
    this.#timer = this.#worker && setTimeout(() => this.#discard(), IDLE_MS).unref();
  }

  #send(worker: Worker, job: Job): void {
    const { program, document } = job;
    const timeoutMs = this.#timeoutMs + Math.floor(document.length / READ_CHARS_PER_MS);
    // An answer that is there already, but was not heard because this thread was busy, comes first.
    const stop = () => setImmediate(() => this.#current === job && this.#overdue(timeoutMs));
    this.#timer = setTimeout(stop, timeoutMs);
    worker.postMessage({ program, document });
  }

  #overdue(timeoutMs: number): void {
    this.#discard();
    const message = `The jq program was stopped: it ran for more than ${timeoutMs / 1000} seconds.`;
    this.#finish({ kind: 'limit', message });
  }

  #finish(answer: JqAnswer): void {
    clearTimeout(this.#timer);
    const job = this.#current;
    this.#current = undefined;
    job?.answer(answer);
    this.#next();
  }

  #start(): Worker {
    const worker = startJqThread({ outputBytesMax: this.#outputBytesMax });
    // A thread that was given up may still have something to say.
    const isOurs = () => this.#worker === worker;
    worker.on('message', (message: JqMessage) => {
      if (!isOurs()) return;
      if (message.kind !== 'ready') return this.#finish(message);
      this.#isReady = true;
      if (this.#current) this.#send(worker, this.#current);
    });
    worker.on('error', (error) => isOurs() && this.#lost(error));
    worker.on('exit', () => isOurs() && this.#lost(null));
    return worker;
  }

  #lost(error: unknown): void {
    this.#discard();
    const isFull = isOutOfMemory(error);
    if (!isFull) this.#onLost(error);
    this.#finish(isFull ? OUT_OF_MEMORY : LOST);
  }

  #discard(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#isReady = false;
    if (!worker) return;
    const terminated = worker.terminate().finally(() => this.#terminating.delete(terminated));
    this.#terminating.add(terminated);
  }
}
