// The main thread's end of a database thread: sends commands, gives each its answer, ends the thread.
// The thread keeps the process alive only while an answer is due. Must never leave a caller without an answer.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { AppError } from '../../model/error.ts';
import type { Row, SqlValue } from './driver.ts';
import type { Answer, Command, Query, ThreadRole } from './messages.ts';

interface Caller {
  readonly resolve: (results: readonly (readonly Row[])[]) => void;
  readonly reject: (error: AppError) => void;
}

export class DatabaseThread {
  readonly #worker: Worker;
  readonly #callers = new Map<number, Caller>();
  readonly #exited: Promise<void>;
  #lastRequestId = 0;
  #ended: string | undefined;

  private constructor() {
    this.#worker = startWorker();
    this.#worker.on('message', (answer: Answer) => this.#deliver(answer));
    this.#worker.on('error', (error: unknown) => this.#fail(error instanceof Error ? error.message : String(error)));
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#fail('the database thread has ended');
        resolve();
      });
    });
  }

  /** Throws AppError store_unavailable, with the reason, when the file cannot be opened. No thread is left then. */
  static async start(role: ThreadRole, path: string): Promise<DatabaseThread> {
    const thread = new DatabaseThread();
    try {
      await thread.request({ kind: 'open', role, path });
    } catch (error) {
      await thread.close();
      const reason = error instanceof AppError && error.cause instanceof Error ? error.cause.message : String(error);
      throw unavailable(reason.includes(path) ? reason : `Cannot open the database ${path}: ${reason}`, reason);
    }
    return thread;
  }

  /** The rows of each query, all from one snapshot. */
  query(...queries: readonly Query[]): Promise<readonly (readonly Row[])[]> {
    return this.request({ kind: 'query', queries });
  }

  async all(sql: string, ...values: SqlValue[]): Promise<readonly Row[]> {
    const [rows = []] = await this.query({ sql, values });
    return rows;
  }

  get lastRequestId(): number {
    return this.#lastRequestId;
  }

  /** Rejects with AppError store_unavailable; the database's own words are its `cause`, for the log. */
  request(command: Command): Promise<readonly (readonly Row[])[]> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(unavailable('The database is closed.', this.#ended));
      const requestId = ++this.#lastRequestId;
      if (this.#callers.size === 0) this.#worker.ref();
      this.#callers.set(requestId, { resolve, reject });
      this.#worker.postMessage({ ...command, requestId });
    });
  }

  /** Answers what was asked before, closes the file and ends the thread. May be called again. */
  async close(): Promise<void> {
    await this.request({ kind: 'close' }).catch(() => undefined);
    this.#worker.ref();
    await this.#exited;
  }

  #deliver(answer: Answer): void {
    const caller = this.#callers.get(answer.requestId);
    this.#callers.delete(answer.requestId);
    if (this.#callers.size === 0) this.#worker.unref();
    if (answer.ok) caller?.resolve(answer.results);
    else
      caller?.reject(unavailable('The database did not carry out the request; nothing was written.', answer.message));
  }

  #fail(reason: string): void {
    this.#ended ??= reason;
    for (const caller of this.#callers.values()) caller.reject(unavailable('The database has stopped.', reason));
    this.#callers.clear();
  }
}

function unavailable(message: string, reason: string): AppError {
  const error = new AppError('store_unavailable', message);
  error.cause = new Error(reason);
  return error;
}

/**
 * Built, the script is started as it is. From source, the thread first learns to load TypeScript (`--import tsx` does
 * nothing in a thread), unless a test run has compiled the script beforehand.
 */
function startWorker(): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./worker.js', import.meta.url), { execArgv: [] });
  const compiled = process.env.CONDUCTOR_COMPILED_WORKER;
  if (compiled) return new Worker(compiled, { execArgv: [] });
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'));
  const loader = new URL('./dist/esm/api/index.mjs', tsx);
  const script = new URL('./worker.ts', import.meta.url);
  const start = `import('${loader}').then(({ register }) => { register(); return import('${script}'); });`;
  return new Worker(start, { eval: true, execArgv: [] });
}
