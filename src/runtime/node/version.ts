// The version of this package, from its own package.json: the nearest one above this file, in source and in the build.
import { existsSync, readFileSync } from 'node:fs';

export function packageVersion(): string {
  for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
    const file = new URL('package.json', folder);
    if (existsSync(file)) {
      const { version } = JSON.parse(readFileSync(file, 'utf8'));
      return String(version);
    }
    if (folder.pathname === new URL('..', folder).pathname) return '0.0.0';
  }
}
