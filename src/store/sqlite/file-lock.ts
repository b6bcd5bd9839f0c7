// One process per database file. The lock is SQLite's own exclusive lock on a file beside the database: the operating
// system drops it when the process dies in any way, so there is no stale lock and no process id to guess about.
import { openDatabase } from './driver.ts';

export interface FileLock {
  release(): void;
}

/** Throws an Error that names the file when another opener holds it. */
export function lockFile(path: string): FileLock {
  const database = openDatabase(`${path}.lock`);
  try {
    database.exec('pragma busy_timeout = 0; begin exclusive');
  } catch (error) {
    database.close();
    const reason = error instanceof Error ? error.message : String(error);
    if (!/lock|busy/i.test(reason)) throw new Error(`Cannot lock the database ${path}: ${reason}`);
    throw new Error(`The database ${path} is already open. Stop the other server, or give this one its own file.`);
  }
  return {
    release: () => {
      database.exec('rollback');
      database.close();
    },
  };
}
