// The wrangler.toml beside a built Worker. Owns its text, and whether one that is there may be written over: a file that
// somebody wrote, or has changed since, is theirs.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { CliError } from '../../cli/host.ts';

export interface WranglerParts {
  readonly name: string;
  readonly kvBindings: readonly string[];
  /** Names of environment variables that the project speaks of. */
  readonly variables: readonly string[];
}

/** Behaviour of the platform as of this day; the bundle is tested with it. */
export const COMPATIBILITY_DATE = '2026-04-01';

const MARK = /^# Written by conductor build \(([0-9a-f]{16})\)/;

export function wranglerText({ name, kvBindings, variables }: WranglerParts): string {
  const body = [
    `name = ${JSON.stringify(workerName(name))}`,
    'main = "worker.js"',
    `compatibility_date = "${COMPATIBILITY_DATE}"`,
    ...kvBindings.flatMap((binding) => [
      '',
      `# wrangler kv namespace create "${binding}"`,
      '[[kv_namespaces]]',
      `binding = "${binding}"`,
      'id = "your-kv-namespace-id"',
    ]),
    ...(variables.length === 0 ? [] : ['', '# The project reads these; give each with: wrangler secret put <name>']),
    ...variables.map((variable) => `#   ${variable}`),
    '',
  ].join('\n');
  return `# Written by conductor build (${digest(body)}). Once you change this file, later builds leave it as it is.\n${body}`;
}

/** `ours`: may be written over. `changed`: ours once, and somebody's now. Throws CliError for a file of somebody else. */
export function presentWranglerFile(path: string): 'none' | 'ours' | { readonly changed: string } {
  if (!existsSync(path)) return 'none';
  const text = readFileSync(path, 'utf8');
  const [, written] = MARK.exec(text) ?? [];
  if (written === undefined) {
    throw new CliError(
      `${path} was not written by conductor build and is left alone. Choose another directory: --out.`,
    );
  }
  return digest(text.slice(text.indexOf('\n') + 1)) === written ? 'ours' : { changed: text };
}

/** What a name of a Worker may be: it is a part of its address. */
function workerName(name: string): string {
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .slice(0, 54)
    .replace(/^-+|-+$/g, '');
  return plain || 'conductor';
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
