// One open database on its own thread: prepared statements by their text, transactions, snapshots, checkpoints.
// Knows no table. A failed transaction is rolled back whole before its error is thrown on.
import { openDatabase, type Row, type SqlDatabase, type SqlStatement } from './driver.ts';
import type { Query, ThreadRole, Write } from './messages.ts';

// The write-ahead log's bound: past this many 4 KB pages (16 MB) a commit copies back itself what the reader thread
// has not copied yet, so that the log starts over. Below it the reader does all of it, off the writing path.
const WAL_PAGES_MAX = 4096;

const COMMON = ['busy_timeout = 5000', 'temp_store = memory'];
const PRAGMAS: Record<ThreadRole, readonly string[]> = {
  writer: [
    'journal_mode = wal',
    'synchronous = full',
    `wal_autocheckpoint = ${WAL_PAGES_MAX}`,
    `journal_size_limit = ${WAL_PAGES_MAX * 4096}`,
    'cache_size = -65536',
  ],
  reader: ['query_only = on', 'wal_autocheckpoint = 0', 'cache_size = -32768'],
};

export class Connection {
  readonly database: SqlDatabase;
  readonly #statements = new Map<string, SqlStatement>();

  constructor(path: string, role: ThreadRole) {
    this.database = openDatabase(path);
    for (const pragma of [...COMMON, ...PRAGMAS[role]]) this.database.exec(`pragma ${pragma}`);
  }

  /**
   * Gives the log its full size at once, by a write that is rolled back: to flush what lies over it is then a third
   * cheaper than to make the file longer with every commit. The database file does not grow.
   */
  reserveLog(): void {
    const { database } = this;
    database.exec('pragma cache_size = 16');
    database.exec('begin immediate');
    database.exec('create table log_room (bytes)');
    database.exec(`insert into log_room values (zeroblob(${WAL_PAGES_MAX * 4000}))`);
    database.exec('rollback');
    for (const pragma of PRAGMAS.writer) if (pragma.startsWith('cache_size')) database.exec(`pragma ${pragma}`);
  }

  /** Everything or nothing; durable on return. */
  commit(writes: readonly Write[]): void {
    this.#within('begin immediate', () => {
      for (const { sql, width, values } of writes) {
        const statement = this.#prepared(sql);
        for (let at = 0; at < values.length; at += width) statement.run(values.slice(at, at + width));
      }
    });
  }

  /** Answers all queries from one snapshot, in their order. */
  query(queries: readonly Query[]): Row[][] {
    const [only] = queries;
    if (only && queries.length === 1) return [this.#all(only)];
    return this.#within('begin', () => queries.map((query) => this.#all(query)));
  }

  /** Copies log pages back into the file without waiting for anybody. */
  checkpoint(): void {
    this.#all({ sql: 'pragma wal_checkpoint(passive)', values: [] });
  }

  close(): void {
    this.#statements.clear();
    this.database.close();
  }

  #within<T>(begin: string, work: () => T): T {
    this.database.exec(begin);
    try {
      const result = work();
      this.database.exec('commit');
      return result;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  #rollBack(): void {
    try {
      this.database.exec('rollback');
    } catch {
      // A full disk makes SQLite roll back by itself; the error that caused it is the one to report.
    }
  }

  #all({ sql, values }: Query): Row[] {
    return this.#prepared(sql).all(values);
  }

  #prepared(sql: string): SqlStatement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
