// Tells whether a directory looks like a project of ours.
import { statSync } from 'node:fs';
import { join } from 'node:path';

/** Its configuration apart. */
export function hasProjectFolders(directory: string): boolean {
  return ['ensembles', 'agents'].some((name) => isDirectory(join(directory, name)));
}

/** Of a path below a file Node 20 says with an error that it is none, and later ones with nothing. */
export function isDirectory(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    return false;
  }
}
