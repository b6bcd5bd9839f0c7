// The bounded set of connections. Owns how they are made, what they parse and how long anything may take; a connection
// that failed in any way but a refused statement is destroyed, never given to the next.
import pg from 'pg';
import { failureOf, sqlStateOf } from './failure.ts';
import type { Querier, Row } from './querier.ts';

export interface PoolOptions {
  readonly url: string;
  readonly poolSize: number;
  readonly statementTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** False behind a proxy that pools transactions: a statement prepared on one connection is unknown to the next. */
  readonly prepared: boolean;
  /** The planner's settings for every session. */
  readonly plannerSettings: readonly string[];
}

/** Beyond the server's own timeout: it is for a server that has stopped answering. */
const SILENCE_MS = 1000;
/** Errors that leave the connection as good as it was: the server refused a statement, and no class that ends a session. */
const STATEMENT_REFUSED = /^(?!08|57P|25P03|E)[0-9A-Z]{5}$/;

/** A server that does not answer does not say goodbye either: no process waits longer for it at its end. */
export const CLOSE_MS = 2000;

const INT8 = 20;
const INT8_ARRAY = 1016;
const parseInt8Array = (text: string): number[] => (text === '{}' ? [] : text.slice(1, -1).split(',').map(Number));

/** Integers are below 2^53 by contract of the model. */
const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === INT8) return Number;
    if (oid === INT8_ARRAY) return parseInt8Array;
    return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text');
  },
};

export class Pool implements Querier {
  readonly #pool: pg.Pool;
  readonly #prepared: boolean;
  readonly statementTimeoutMs: number;
  #closing: Promise<void> | undefined;

  constructor({ url, poolSize, statementTimeoutMs, connectTimeoutMs, prepared, plannerSettings }: PoolOptions) {
    const settings = [`statement_timeout = ${statementTimeoutMs}`, ...plannerSettings];
    this.#prepared = prepared;
    this.statementTimeoutMs = statementTimeoutMs;
    this.#pool = new pg.Pool({
      connectionString: url,
      max: poolSize,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: statementTimeoutMs + SILENCE_MS,
      keepAlive: true,
      // The statements of a commit travel together: one trip, whatever their number.
      pipeline: true,
      types,
      // Behind a proxy a session is not ours to set; there rounds alone have settings, and reads the client's timeout.
      onConnect: async (client) => {
        if (prepared) await client.query(settings.map((setting) => `set ${setting}`).join('; '));
      },
    });
    // An idle connection that breaks is dropped by the pool; one in use reports it through its statement.
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => void client.on('error', () => undefined));
  }

  async take(): Promise<Session> {
    try {
      return new Session(await this.#pool.connect(), this.#prepared);
    } catch (error) {
      throw failureOf(error);
    }
  }

  async all(sql: string, values: readonly unknown[] = [], name?: string): Promise<readonly Row[]> {
    const session = await this.take();
    try {
      return await session.all(sql, values, name);
    } finally {
      session.release();
    }
  }

  /** May be called again. */
  close(): Promise<void> {
    this.#closing ??= orAfter(CLOSE_MS, this.#pool.end());
    return this.#closing;
  }
}

/** One connection, taken out of the pool. */
export class Session implements Querier {
  readonly #client: pg.PoolClient;
  readonly #prepared: boolean;
  #broken = false;
  #released = false;

  constructor(client: pg.PoolClient, prepared: boolean) {
    this.#client = client;
    this.#prepared = prepared;
  }

  async all(sql: string, values: readonly unknown[] = [], name?: string): Promise<readonly Row[]> {
    const prepared = this.#prepared && name !== undefined ? { name } : {};
    try {
      return (await this.#client.query<Row>({ text: sql, values: [...values], ...prepared })).rows;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** Several statements without values, in one trip: the rows of the last. */
  async script(text: string, timeoutMs?: number): Promise<readonly Row[]> {
    const query = timeoutMs === undefined ? { text } : { text, query_timeout: timeoutMs };
    try {
      const results: pg.QueryResult<Row> | readonly pg.QueryResult<Row>[] = await this.#client.query<Row>(query);
      return (Array.isArray(results) ? results.at(-1) : results)?.rows ?? [];
    } catch (error) {
      throw this.#failed(error);
    }
  }

  get released(): boolean {
    return this.#released;
  }

  /** May be called again. `broken`: nobody may use it any more. */
  release(broken = false): void {
    if (this.#released) return;
    this.#released = true;
    this.#client.release(broken || this.#broken);
  }

  #failed(error: unknown): Error {
    if (!STATEMENT_REFUSED.test(sqlStateOf(error))) this.#broken = true;
    return failureOf(error);
  }
}

/** Resolves with the work, or without it. */
export async function orAfter(timeoutMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([work, timeout]).finally(() => clearTimeout(timer));
}
