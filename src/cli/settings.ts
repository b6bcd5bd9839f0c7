// Options that several commands share, and the environment behind them. A flag beats the environment.
import type { Context, Input } from './command.ts';
import { DATABASE_OPTIONS } from './database.ts';
import { CliError, type Io, UsageError } from './host.ts';
import { readFault } from './read-fault.ts';

type Option = readonly [string, string];

export const JSON_OPTION: Option = ['--json', 'print JSON'];
export const DATA_DIR_OPTION: Option = [
  '--data <directory>',
  'keys, and the database where none is shared (CONDUCTOR_DATA; ./data)',
];
export const MASTER_KEY_OPTION: Option = [
  '--master-key-file <file>',
  'file with 32 bytes in base64 (CONDUCTOR_MASTER_KEY_FILE; or the key itself in CONDUCTOR_MASTER_KEY)',
];

/** Of every command that talks to the admin routes. */
export const TARGET_OPTIONS: readonly Option[] = [
  ['--url <url>', 'server to talk to (CONDUCTOR_URL; otherwise the one of the data directory)'],
  ['--api-key <key>', 'credential for --url; better in the environment: CONDUCTOR_API_KEY'],
  DATA_DIR_OPTION,
  MASTER_KEY_OPTION,
  ...DATABASE_OPTIONS,
  JSON_OPTION,
];

export const PROJECT_OPTION: Option = [
  '--project <directory>',
  'directory of the project (CONDUCTOR_PROJECT; the current one, where it holds a project)',
];

export const KV_OPTION: Option = [
  '--kv <binding or namespace id>',
  'keys in this namespace of Cloudflare KV instead, through wrangler (CONDUCTOR_KV)',
];

export const DATA_DIR_DEFAULT = 'data';

const PORT_MAX = 65_535;

export function dataDirOf({ io }: Context, input: Input): string {
  return input.text('data') ?? io.env.CONDUCTOR_DATA ?? DATA_DIR_DEFAULT;
}

const MASTER_KEY_BYTES = 32;

/** How many bytes a master key's text stands for, where they are not as many as they must be; else null. */
export function masterKeyFault(text: string): string | null {
  const bytes = Buffer.from(text.trim(), 'base64').byteLength;
  return bytes === MASTER_KEY_BYTES ? null : `${bytes} bytes; it must be ${MASTER_KEY_BYTES} in base64`;
}

/** The master key's text, or undefined when none is set. Throws CliError when its file cannot be read, or holds no key. */
export function masterKeyOf({ io }: Context, input: Input): string | undefined {
  const file = input.text('masterKeyFile') ?? io.env.CONDUCTOR_MASTER_KEY_FILE;
  if (!file) return io.env.CONDUCTOR_MASTER_KEY;
  const text = readKeyFile(io, file);
  const fault = masterKeyFault(text);
  if (fault !== null) throw new CliError(`The master key file ${file} holds ${fault}.`);
  return text;
}

function readKeyFile(io: Io, file: string): string {
  try {
    return io.readFile(file).trim();
  } catch (error) {
    throw new CliError(`The master key file ${file} cannot be read: ${readFault(error)}.`);
  }
}

/** Of the flag alone: the environment's is the configuration's to read. */
export function portOf(input: Input): number | undefined {
  const text = input.text('port');
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= PORT_MAX) return port;
  throw new UsageError(`--port must be a number from 0 to ${PORT_MAX}, not "${text}".`);
}
