// The file `agents.db`: what agents keep in key-value stores and vectors. Owns its tables and its one connection, used
// straight on the calling thread: every statement is small. Survives `kill -9`; a power failure may take the last moments'
// writes, never the file: nothing here is an execution or money, so no write waits for the disk.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  openDatabase,
  type Row,
  type SqlDatabase,
  type SqlStatement,
  type SqlValue,
} from '../../../store/sqlite/driver.ts';

const SCHEMA = `
create table if not exists kv (
  binding text not null, key text not null, value text not null, expires_ms integer,
  primary key (binding, key)
) without rowid;
create index if not exists kv_expiry on kv (expires_ms) where expires_ms is not null;
create table if not exists vector (
  namespace text not null, id text not null, vector text not null, body text not null, metadata text not null,
  primary key (namespace, id)
) without rowid;
`;
const PRAGMAS = ['busy_timeout = 5000', 'journal_mode = wal', 'synchronous = normal', 'temp_store = memory'];

export class AgentsDatabase {
  readonly #dataDir: string;
  readonly #statements = new Map<string, SqlStatement>();
  #opened: SqlDatabase | undefined;
  #closed = false;

  /** Nothing is opened before the first statement: most projects need no such file. */
  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  all(sql: string, ...values: SqlValue[]): Row[] {
    return this.#prepared(sql).all(values);
  }

  /** Everything or nothing. */
  within<T>(work: () => T): T {
    const database = this.#database();
    database.exec('begin immediate');
    try {
      const result = work();
      database.exec('commit');
      return result;
    } catch (error) {
      database.exec('rollback');
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    this.#statements.clear();
    this.#opened?.close();
    this.#opened = undefined;
  }

  #prepared(sql: string): SqlStatement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database().prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #database(): SqlDatabase {
    if (this.#closed) throw new Error('The agents’ database is closed.');
    if (this.#opened) return this.#opened;
    mkdirSync(this.#dataDir, { recursive: true, mode: 0o700 });
    const database = openDatabase(join(this.#dataDir, 'agents.db'));
    for (const pragma of PRAGMAS) database.exec(`pragma ${pragma}`);
    database.exec(SCHEMA);
    this.#opened = database;
    return database;
  }
}
