// A process of its own for one of the project's SQLite databases. No driver can stop a statement once it runs: a process
// can be killed, and the file survives that. Two connections, of which one can only read.
// Must never outlive the server: its end ends this, even in the middle of a statement.
import { Worker } from 'node:worker_threads';
import { openDatabase, type SqlDatabase } from '../../../store/sqlite/driver.ts';
import { jsonRow } from './sql-rows.ts';
import type { SqliteAnswer, SqliteRequest } from './sqlite-messages.ts';

/**
 * A statement holds this thread, so another one looks whether the server is still there. It is told whose child this was:
 * by the time it has started, the server may be gone.
 */
const WATCH = `const { workerData: parent } = require('node:worker_threads');
setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL'); }, 1000);`;
const PRAGMAS = [
  'busy_timeout = 5000',
  'journal_mode = wal',
  'synchronous = full',
  'foreign_keys = on',
  'trusted_schema = off',
];

const path = process.argv[2] ?? '';
let writer: SqlDatabase | undefined;
let reader: SqlDatabase | undefined;

process.on('disconnect', () => process.exit(0));
process.on('message', (request: SqliteRequest) => process.send?.(answer(request)));
new Worker(WATCH, { eval: true, workerData: process.ppid }).unref();

function answer(request: SqliteRequest): SqliteAnswer {
  const { requestId } = request;
  try {
    return { requestId, ok: true, ...execute(request) };
  } catch (error) {
    return { requestId, ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

function execute({ readOnly, returnsRows, text, values }: SqliteRequest) {
  const connection = readOnly ? openReader() : openWriter();
  const before = totalChanges(connection);
  const statement = connection.prepare(text);
  const rows = returnsRows ? statement.all(values).map(jsonRow) : [];
  if (!returnsRows) statement.run(values);
  return { rows, changes: totalChanges(connection) - before };
}

function openWriter(): SqlDatabase {
  writer ??= opened(PRAGMAS);
  return writer;
}

/** The writer makes the file, if there is none. */
function openReader(): SqlDatabase {
  openWriter();
  reader ??= opened(['busy_timeout = 5000', 'query_only = on', 'trusted_schema = off']);
  return reader;
}

function opened(pragmas: readonly string[]): SqlDatabase {
  const database = openDatabase(path);
  for (const pragma of pragmas) database.exec(`pragma ${pragma}`);
  return database;
}

function totalChanges(connection: SqlDatabase): number {
  return Number(connection.prepare('select total_changes() as n').all([])[0]?.n ?? 0);
}
