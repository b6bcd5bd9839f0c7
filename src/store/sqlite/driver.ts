// The driver port: one synchronous SQLite API over whichever library is there. Owns the choice and the small
// differences between them. Must never hold SQL of its own.
import { createRequire } from 'node:module';

export type SqlValue = string | number | null;
export type Row = Readonly<Record<string, unknown>>;

export interface SqlStatement {
  run(values: readonly SqlValue[]): void;
  all(values: readonly SqlValue[]): Row[];
}

export interface SqlDatabase {
  /** Runs any number of statements; rows are dropped. */
  exec(sql: string): void;
  prepare(sql: string): SqlStatement;
  close(): void;
}

/** better-sqlite3 and libsql: bound values travel as one array. */
interface ArrayBinding {
  exec(sql: string): unknown;
  prepare(sql: string): { run(values: readonly SqlValue[]): unknown; all(values: readonly SqlValue[]): Row[] };
  close(): unknown;
}

/** node:sqlite: bound values travel as arguments. */
interface SpreadBinding {
  exec(sql: string): unknown;
  prepare(sql: string): { run(...values: SqlValue[]): unknown; all(...values: SqlValue[]): Row[] };
  close(): unknown;
}

const require = createRequire(import.meta.url);

/**
 * Opens or creates the file: with better-sqlite3 when it is installed (the fastest), else with node:sqlite where Node
 * has it without a flag, else with libsql. Throws the driver's own error.
 */
export function openDatabase(path: string): SqlDatabase {
  if (installed('better-sqlite3')) return arrayDriver('better-sqlite3', path);
  return hasNodeSqlite() ? nodeDriver(path) : arrayDriver('libsql', path);
}

function arrayDriver(library: string, path: string): SqlDatabase {
  const Database: new (path: string) => ArrayBinding = require(library);
  const database = new Database(path);
  return {
    exec: (sql) => void database.exec(sql),
    prepare: (sql) => {
      const statement = database.prepare(sql);
      return { run: (values) => void statement.run(values), all: (values) => statement.all(values) };
    },
    close: () => void database.close(),
  };
}

function nodeDriver(path: string): SqlDatabase {
  const { DatabaseSync } = nodeSqlite();
  const database = new DatabaseSync(path);
  return {
    exec: (sql) => void database.exec(sql),
    prepare: (sql) => {
      const statement = database.prepare(sql);
      return { run: (values) => void statement.run(...values), all: (values) => statement.all(...values) };
    },
    close: () => void database.close(),
  };
}

/** Without the warning of Node 22 that it is experimental: nobody who starts a server can do anything about that. */
function nodeSqlite(): { DatabaseSync: new (path: string) => SpreadBinding } {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return require('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}

function installed(library: string): boolean {
  try {
    require.resolve(library);
    return true;
  } catch {
    return false;
  }
}

function hasNodeSqlite(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 13);
}
