// `<dataDir>/server.json`: where the server of a data directory answers while it runs, so that the CLI finds it.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDirFault } from './data-dir.ts';

export interface ServerRecord {
  readonly pid: number;
  readonly url: string;
  /** The shared database's name, without a password. */
  readonly database?: string;
}

/** Throws ConfigurationError. */
export function writeServerRecord(dataDir: string, record: ServerRecord): void {
  const path = recordPath(dataDir);
  try {
    writeFileSync(`${path}.new`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
    // A reader sees the old record or the new one, never half of one.
    renameSync(`${path}.new`, path);
  } catch (error) {
    throw dataDirFault(dataDir, path, error);
  }
}

export function removeServerRecord(dataDir: string): void {
  rmSync(recordPath(dataDir), { force: true });
}

/** Undefined when no server left a record. The server may be gone all the same. */
export function readServerRecord(dataDir: string): ServerRecord | undefined {
  try {
    const { pid, url, database } = JSON.parse(readFileSync(recordPath(dataDir), 'utf8'));
    if (typeof pid !== 'number' || typeof url !== 'string') return undefined;
    return { pid, url, ...(typeof database === 'string' ? { database } : {}) };
  } catch {
    return undefined;
  }
}

function recordPath(dataDir: string): string {
  return join(dataDir, 'server.json');
}
