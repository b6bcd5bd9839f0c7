// The server's end of one SQLite database of the project: a process, asked one statement at a time, killed when one takes
// too long or nobody waits for it any more, and started again for the next. Must never leave a caller without an answer,
// nor a process behind.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { JsonObject, JsonValue } from '../../../model/json.ts';
import { AgentError, type SqlDatabase } from '../../../operations/operation.ts';
import type { SqlValue } from '../../../store/sqlite/driver.ts';
import { readSql, type SqlText } from './sql-text.ts';
import type { SqliteAnswer, SqliteRequest } from './sqlite-messages.ts';

type QueryOptions = Parameters<SqlDatabase['query']>[2];
type QueryResult = { readonly rows: JsonObject[]; readonly changes: number };

/** Each process holds some 50 MB: one that nobody needs is let go. */
const IDLE_MS = 60_000;
/** Rows are made in that process: one that asks for more memory ends there, not here. */
const HEAP_MB = 256;

export class SqliteDatabase implements SqlDatabase {
  readonly dialect = 'sqlite';
  readonly #path: string;
  #process: ChildProcess | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;
  #lastRequestId = 0;
  #closed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Waiting for one's turn counts as time taken. */
  async query(sql: string, parameters: readonly JsonValue[], options: QueryOptions): Promise<QueryResult> {
    const read = readSql(sql, 'sqlite');
    checkCount(read, parameters);
    const timeout = AbortSignal.timeout(options.timeoutMs);
    const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
    const before = this.#turn;
    const work = before.then(() => this.#ask(requestOf(read, parameters, options), signal));
    this.#turn = work.catch(() => undefined);
    try {
      return await work;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (timeout.aborted) throw new AgentError(`The database gave no answer within ${options.timeoutMs} ms.`);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#end();
    await this.#turn;
  }

  #ask(request: Omit<SqliteRequest, 'requestId'>, signal: AbortSignal): Promise<QueryResult> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      if (this.#closed) return reject(new AgentError('The server is stopping.'));
      const child = this.#running();
      const requestId = ++this.#lastRequestId;
      const settle = (finish: () => void) => {
        signal.removeEventListener('abort', abort);
        child.off('message', hear).off('exit', exit).off('error', exit);
        this.#rest(child);
        finish();
      };
      const abort = () => void this.#end().then(() => settle(() => reject(signal.reason)));
      const exit = () =>
        settle(() => reject(new AgentError('The database process ended: the result may be too large.')));
      const hear = (answer: SqliteAnswer) => {
        if (answer.requestId !== requestId) return;
        settle(() => {
          if (answer.ok) resolve({ rows: answer.rows, changes: answer.changes });
          else reject(new AgentError(`SQL: ${answer.message}`, /locked|busy/i.test(answer.message)));
        });
      };
      signal.addEventListener('abort', abort, { once: true });
      child.on('message', hear).once('exit', exit).once('error', exit);
      child.send({ ...request, requestId });
    });
  }

  #running(): ChildProcess {
    clearTimeout(this.#idle);
    const child = this.#process ?? this.#start();
    child.ref();
    child.channel?.ref();
    return child;
  }

  #start(): ChildProcess {
    const child = startProcess(this.#path);
    const forget = () => {
      if (this.#process === child) this.#process = undefined;
    };
    // Heard also while nobody asks: an error that nobody hears would end the server.
    child.on('exit', forget).on('error', forget);
    this.#process = child;
    return child;
  }

  /** An idle process keeps nobody from ending. */
  #rest(child: ChildProcess): void {
    child.unref();
    child.channel?.unref();
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.#end(), IDLE_MS).unref();
  }

  async #end(): Promise<void> {
    clearTimeout(this.#idle);
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.ref();
    child.kill('SIGKILL');
    await gone;
  }
}

export function checkCount({ parameters: wanted }: SqlText, given: readonly unknown[]): void {
  if (wanted === given.length) return;
  throw new AgentError(`The SQL has ${wanted} "?", but ${given.length} parameters were given.`, false);
}

function requestOf(read: SqlText, parameters: readonly JsonValue[], { readOnly, rowsMax }: QueryOptions) {
  return {
    text: readOnly ? bounded(read, rowsMax) : read.text,
    values: parameters.map(sqlValue),
    readOnly,
    returnsRows: read.returnsRows,
  };
}

/** The database stops where nobody reads on. */
export function bounded({ text, verb }: SqlText, rowsMax: number): string {
  if (verb === 'explain' || verb === 'show') return text;
  return /^(select|with|values|table)$/.test(verb) ? `select * from (${text}\n) as bounded limit ${rowsMax}` : text;
}

function sqlValue(value: JsonValue): SqlValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
}

/** It gets nothing of the server's environment: no secret of it is the database's business. */
function startProcess(path: string): ChildProcess {
  const fromSource = import.meta.url.endsWith('.ts');
  const script = new URL(fromSource ? './sqlite-process.ts' : './sqlite-process.js', import.meta.url);
  return fork(fileURLToPath(script), [path], {
    env: {},
    execArgv: [`--max-old-space-size=${HEAP_MB}`, ...(fromSource ? ['--import', 'tsx'] : [])],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'json',
  });
}
