// One Postgres database of the project. Each call is one transaction on a pooled connection: read-only where it says so,
// with a time limit of the server's own, cancelled when nobody waits any more. Must never let a session keep anything of
// one call for the next, nor a URL into a message.
import pg from 'pg';
import type { JsonObject, JsonValue } from '../../../model/json.ts';
import { AgentError, type SqlDatabase } from '../../../operations/operation.ts';
import { jsonRow } from './sql-rows.ts';
import { readSql } from './sql-text.ts';
import { bounded, checkCount } from './sqlite-database.ts';

type QueryOptions = Parameters<SqlDatabase['query']>[2];

const CONNECTIONS_MAX = 4;
const CONNECT_TIMEOUT_MS = 5_000;
/** Beyond the server's own limit: for a server that has stopped answering. */
const SILENCE_MS = 2_000;
const RETRYABLE = /^(08|40|53|55P03|57)/;

export class PostgresDatabase implements SqlDatabase {
  readonly dialect = 'postgres';
  readonly #pool: pg.Pool;

  constructor(url: string) {
    this.#pool = new pg.Pool({
      connectionString: url,
      max: CONNECTIONS_MAX,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      idleTimeoutMillis: 30_000,
      allowExitOnIdle: true,
      application_name: 'conductor agents',
    });
    // An idle connection that breaks is dropped by the pool.
    this.#pool.on('error', () => undefined);
  }

  async query(sql: string, parameters: readonly JsonValue[], options: QueryOptions) {
    const read = readSql(sql, 'postgres');
    checkCount(read, parameters);
    const text = options.readOnly ? bounded(read, options.rowsMax) : read.text;
    options.signal?.throwIfAborted();
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw readable(error);
    });
    const ignore = () => undefined;
    client.on('error', ignore);
    try {
      const result = await this.#transaction(client, text, parameters.map(parameter), options);
      client.release();
      return result;
    } catch (error) {
      // Whatever state it is in: the next call gets another one.
      client.release(true);
      options.signal?.throwIfAborted();
      throw readable(error);
    } finally {
      client.off('error', ignore);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #transaction(client: pg.PoolClient, text: string, values: readonly unknown[], options: QueryOptions) {
    const { readOnly, signal, timeoutMs } = options;
    const begun: readonly pg.QueryResult<{ pid: number }>[] | pg.QueryResult<{ pid: number }> = await client.query(
      `begin ${readOnly ? 'read only' : ''}; set local statement_timeout = ${Math.ceil(timeoutMs)}; select pg_backend_pid() as pid`,
    );
    const pid = (Array.isArray(begun) ? begun.at(-1) : begun)?.rows[0]?.pid;
    const cancel = () => void this.#pool.query('select pg_cancel_backend($1)', [pid]).catch(() => undefined);
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      signal?.throwIfAborted();
      // Extended: one statement and no more, parameters or not.
      const query = { text, values: [...values], queryMode: 'extended', query_timeout: timeoutMs + SILENCE_MS };
      const { command, rowCount, rows } = await client.query<Record<string, unknown>>(query);
      await client.query(readOnly ? 'rollback' : 'commit');
      await client.query('discard all');
      const changes = command === 'SELECT' || rowCount === null ? 0 : rowCount;
      const shown: JsonObject[] = rows.map(jsonRow);
      return { rows: shown, changes };
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }
}

/** Lists become Postgres arrays, objects JSON. */
function parameter(value: JsonValue): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? JSON.stringify(value) : value;
}

/** The server's words about the statement; about the connection, only that there is none. */
function readable(error: unknown): AgentError {
  const code = error instanceof pg.DatabaseError ? (error.code ?? '') : '';
  const readable =
    error instanceof pg.DatabaseError && !/^(08|28|3D)/.test(code)
      ? new AgentError(
          code === '57014' ? 'SQL: cancelled, or out of time.' : `SQL: ${error.message}`,
          RETRYABLE.test(code),
        )
      : new AgentError('The Postgres database of this binding cannot be reached.');
  readable.cause = error;
  return readable;
}
