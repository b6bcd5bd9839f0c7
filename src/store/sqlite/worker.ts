// A database thread: one connection, commands answered one after another in the order they came. Owns no SQL but the
// pragma of its end. Every command gets exactly one answer; an error is an answer.
import { parentPort } from 'node:worker_threads';
import { Connection } from './connection.ts';
import type { Row } from './driver.ts';
import { type FileLock, lockFile } from './file-lock.ts';
import type { Answer, CommitRequest, Request, ThreadRole } from './messages.ts';
import { migrate } from './migrate.ts';

let connection: Connection | undefined;
let lock: FileLock | undefined;
/** The last request for a commit that failed. */
let lastFailed = 0;

parentPort?.on('message', (request: Request) => {
  parentPort?.postMessage(answer(request));
  if (request.kind === 'close') parentPort?.close();
});

function answer(request: Request): Answer {
  const { requestId } = request;
  try {
    return { requestId, ok: true, results: execute(request) };
  } catch (error) {
    return { requestId, ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

function execute(command: Request): Row[][] {
  if (command.kind === 'open') return open(command.role, command.path);
  if (!connection) throw new Error('The database is not open.');
  if (command.kind === 'query') return connection.query(command.queries);
  if (command.kind === 'commit') commit(connection, command);
  if (command.kind === 'checkpoint') connection.checkpoint();
  if (command.kind === 'close') close(connection);
  return [];
}

/** What follows a commit that failed was decided as if that had been written. */
function commit(opened: Connection, { requestId, writes, behind }: CommitRequest): void {
  try {
    if (behind > 0 && behind <= lastFailed) throw new Error('The commit before this one failed.');
    opened.commit(writes);
  } catch (error) {
    lastFailed = requestId;
    throw error;
  }
}

function open(role: ThreadRole, path: string): Row[][] {
  if (role === 'writer') lock = lockFile(path);
  try {
    connection = new Connection(path, role);
    if (role === 'writer') {
      migrate(connection.database, path);
      connection.reserveLog();
    }
  } catch (error) {
    connection?.close();
    connection = undefined;
    lock?.release();
    lock = undefined;
    throw error;
  }
  return [];
}

function close(opened: Connection): void {
  connection = undefined;
  // The writer closes last and alone, so this leaves one whole file and no log beside it.
  if (lock) opened.query([{ sql: 'pragma wal_checkpoint(truncate)', values: [] }]);
  opened.close();
  lock?.release();
  lock = undefined;
}
