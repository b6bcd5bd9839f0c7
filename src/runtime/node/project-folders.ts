// Tells whether a directory looks like a project of ours.
import { statSync } from 'node:fs';
import { join } from 'node:path';

/** Its configuration apart. */
export function hasProjectFolders(directory: string): boolean {
  return ['ensembles', 'agents'].some(
    (name) => statSync(join(directory, name), { throwIfNoEntry: false })?.isDirectory() ?? false,
  );
}
