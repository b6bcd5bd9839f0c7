// The bounded set of connections. Owns how they are made and how long anything may take; a connection
// that failed in any way but a refused statement is destroyed, never given to the next.
import pg from 'pg';
import { failureOf, sqlStateOf } from './failure.ts';
import type { Querier, Row } from './querier.ts';
import { type Answer, type Prepared, Trip, type TripStatement } from './trip.ts';

export interface PoolOptions {
  readonly url: string;
  readonly poolSize: number;
  readonly statementTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** False behind a proxy that pools transactions: a statement prepared on one connection is unknown to the next. */
  readonly prepared: boolean;
  /** For every session that is ours to set. */
  readonly settings: readonly string[];
}

/** Beyond the server's own timeout: it is for a server that has stopped answering. */
const SILENCE_MS = 1000;
/** Errors that leave the connection as good as it was: the server refused a statement, and no class that ends a session. */
const STATEMENT_REFUSED = /^(?!08|57P|25P03|E)[0-9A-Z]{5}$/;

/** A server that does not answer does not say goodbye either: no process waits longer for it at its end. */
export const CLOSE_MS = 2000;

export class Pool implements Querier {
  readonly #pool: pg.Pool;
  /** Whether a connection is a session of ours, which keeps statements and settings. */
  readonly prepared: boolean;
  readonly statementTimeoutMs: number;
  #closing: Promise<void> | undefined;

  constructor({ url, poolSize, statementTimeoutMs, connectTimeoutMs, prepared, settings }: PoolOptions) {
    this.prepared = prepared;
    this.statementTimeoutMs = statementTimeoutMs;
    this.#pool = new pg.Pool({
      connectionString: url,
      max: poolSize,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: statementTimeoutMs + SILENCE_MS,
      keepAlive: true,
      // What is asked at once travels at once: nothing waits for the answer to something else.
      pipeline: true,
      // Behind a proxy a session is not ours to set; there rounds alone have settings, and reads the client's timeout.
      onConnect: async (client) => {
        if (prepared && settings.length > 0) await client.query(settings.map((setting) => `set ${setting}`).join('; '));
      },
    });
    // An idle connection that breaks is dropped by the pool; one in use reports it through its statement.
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => void client.on('error', () => undefined));
  }

  async take(): Promise<Session> {
    try {
      return new Session(await this.#pool.connect(), this.prepared);
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

/** What each connection has prepared: it outlives the session. */
const PREPARED = new WeakMap<pg.PoolClient, Prepared>();

/** One connection, taken out of the pool. */
export class Session implements Querier {
  readonly #client: pg.PoolClient;
  /** Null where every statement is parsed each time. */
  readonly #prepared: Prepared | null;
  #broken = false;
  #released = false;

  constructor(client: pg.PoolClient, prepared: boolean) {
    this.#client = client;
    this.#prepared = prepared ? preparedOf(client) : null;
  }

  async all(sql: string, values: readonly unknown[] = [], name = ''): Promise<readonly Row[]> {
    const [answer] = await this.trip([{ sql, values, name }]);
    return answer?.rows ?? [];
  }

  /** All of them, or a rejection: what follows the first that fails is not carried out. */
  async trip(statements: readonly TripStatement[]): Promise<readonly Answer[]> {
    const prepared = this.#prepared;
    const named = prepared ? statements : statements.map((statement) => ({ ...statement, name: '' }));
    try {
      return await new Promise((resolve, reject) => {
        const done = (error: unknown, answers: readonly Answer[] = []) => (error ? reject(error) : resolve(answers));
        this.#client.query(new Trip(named, prepared ?? new Map(), done));
      });
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

function preparedOf(client: pg.PoolClient): Prepared {
  const known = PREPARED.get(client) ?? new Map();
  PREPARED.set(client, known);
  return known;
}

/** Resolves with the work, or without it. */
export async function orAfter(timeoutMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([work, timeout]).finally(() => clearTimeout(timer));
}
