// Which package this is: its version, and where it lies. Its folder is the nearest one above this file that holds a
// package.json, in source and in the build.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export function packageVersion(): string {
  const folder = packageFolder();
  if (folder === null) return '0.0.0';
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return String(version);
}

/** What the package.json of a project says of this package: its version or, of a clone of the repository, its place. */
export function packageDependency(folder = packageFolder()): string {
  const installed = folder === null || folder.split(sep).includes('node_modules');
  return installed ? packageVersion() : `file:${folder}`;
}

function packageFolder(): string | null {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) return null;
  }
}
