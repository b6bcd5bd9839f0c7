// The directory where a server keeps its keys and its database. Owns making it, and what is said when it cannot be used.
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { hasCode } from './error-code.ts';
import { isDirectory } from './project-folders.ts';
import { ConfigurationError } from './server-options.ts';

const OTHER = 'Choose another with --data (CONDUCTOR_DATA)';

/** By the codes of Node: what is wrong with a path, and how to mend it. */
const FAULTS: Readonly<Record<string, readonly [reason: string, fix: string]>> = {
  EACCES: ['permission is denied for', `${OTHER}, or change its owner.`],
  EPERM: ['permission is denied for', `${OTHER}, or change its owner.`],
  EEXIST: ['there is a file at', `${OTHER}.`],
  ENOTDIR: ['there is a file on the way to', `${OTHER}.`],
  ENOENT: ['nothing can be made at', `${OTHER}.`],
  EROFS: ['nothing can be written at', `${OTHER}.`],
  ENOSPC: ['the disk is full at', `${OTHER}, or make room.`],
};

/** Throws ConfigurationError. */
export function makeDataDir(dataDir: string): void {
  const path = resolve(dataDir);
  try {
    make(path);
  } catch (error) {
    throw dataDirFault(dataDir, path, error);
  }
}

/** `path`: the directory, or a file in it. */
export function dataDirFault(dataDir: string, path: string, error: unknown): ConfigurationError {
  const known = Object.entries(FAULTS).find(([code]) => hasCode(error, code))?.[1];
  const told = error instanceof Error ? error.message : String(error);
  const [reason, fix] = known ? [`${known[0]} ${path}`, known[1]] : [told, `${OTHER}.`];
  return new ConfigurationError(`The data directory ${dataDir} cannot be used: ${reason}. ${fix}`);
}

/** One folder after the other: where nothing can be made, as in /proc, Node's own `recursive` tries for ever. */
function make(folder: string): void {
  if (isDirectory(folder)) return;
  const parent = dirname(folder);
  if (!existsSync(parent)) make(parent);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another process was faster.
    if (!isDirectory(folder)) throw error;
  }
}
