// Finds a project's configuration file, of which there is at most one. Must never pick one of two: nobody could tell which
// of them holds.
import { readdirSync } from 'node:fs';
import { ConfigError } from '../../config/config-error.ts';
import { hasCode } from './error-code.ts';

const CONFIG_FILES = ['ts', 'mts', 'js', 'mjs', 'json'].map((extension) => `conductor.config.${extension}`);

/** The name of the file, null where there is none. Throws ConfigError when there are several. */
export function findConfig(directory: string): string | null {
  const present = CONFIG_FILES.filter((name) => namesIn(directory).includes(name));
  if (present.length <= 1) return present[0] ?? null;
  const message = `There are several configuration files: ${present.join(', ')}. Keep one.`;
  throw new ConfigError([{ path: '', message, hint: null }]);
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (!hasCode(error, 'ENOENT') && !hasCode(error, 'ENOTDIR')) throw error;
    throw new ConfigError([{ path: '', message: `There is no directory ${directory}.`, hint: null }]);
  }
}
