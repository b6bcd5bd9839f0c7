// The options and environment of a shared database and of retention. DATABASE_URL is not read: it often names another
// program's database.
import type { Context, Input } from './command.ts';
import { databaseName } from './database-url.ts';
import {
  DATABASE_PROFILES,
  type DatabaseProfile,
  type DatabaseSettings,
  POOL_LEAST,
  POOL_MOST,
  UsageError,
} from './host.ts';

type Option = readonly [string, string];

export const DATABASE_OPTIONS: readonly Option[] = [
  [
    '--database <url>',
    'Postgres that servers share, instead of a file; better in CONDUCTOR_DATABASE: it holds a password',
  ],
  ['--database-pool <number>', `connections to it, ${POOL_LEAST} to ${POOL_MOST} (CONDUCTOR_DATABASE_POOL; 10)`],
  ['--database-listen <url>', 'the same database past a pooler, for LISTEN (CONDUCTOR_DATABASE_LISTEN; --database)'],
  ['--database-prepared <boolean>', 'false for transaction pooling (CONDUCTOR_DATABASE_PREPARED; true)'],
  ['--database-profile <name>', `${DATABASE_PROFILES.join(', ')} (CONDUCTOR_DATABASE_PROFILE; found out)`],
  ['--database-statement-timeout <time>', 'such as 5s (CONDUCTOR_DATABASE_STATEMENT_TIMEOUT; 5s)'],
  ['--database-connect-timeout <time>', 'such as 3s (CONDUCTOR_DATABASE_CONNECT_TIMEOUT; 3s)'],
];

export const RETENTION_OPTIONS: readonly Option[] = [
  ['--keep-runs <time>', 'remove runs that ended so long ago, such as 30d (CONDUCTOR_KEEP_RUNS; for ever)'],
  ['--keep-audit <time>', 'remove the audit of vendor calls after, such as 400d (CONDUCTOR_KEEP_AUDIT; for ever)'],
];

/** Undefined: the embedded database. Throws UsageError. */
export function databaseOf({ io }: Context, input: Input): DatabaseSettings | undefined {
  const read = (flag: string, variable: string) =>
    input.text(flag) || io.env[`CONDUCTOR_DATABASE${variable}`] || undefined;
  const url = read('database', '');
  if (url === undefined) return undefined;
  return {
    url: checkedUrl('--database', url),
    listenUrl: optional(read('databaseListen', '_LISTEN'), (text) => checkedUrl('--database-listen', text)),
    poolSize: optional(read('databasePool', '_POOL'), countOf),
    prepared: optional(read('databasePrepared', '_PREPARED'), booleanOf),
    profile: optional(read('databaseProfile', '_PROFILE'), profileOf),
    statementTimeoutMs: optional(read('databaseStatementTimeout', '_STATEMENT_TIMEOUT'), (text) =>
      limitOf('--database-statement-timeout', text),
    ),
    connectTimeoutMs: optional(read('databaseConnectTimeout', '_CONNECT_TIMEOUT'), (text) =>
      limitOf('--database-connect-timeout', text),
    ),
  };
}

/** How long to keep what, in ms; undefined and 0: for ever. Throws UsageError. */
export function retentionOf({ io }: Context, input: Input): { keepRunsMs?: number; keepAuditMs?: number } {
  return {
    keepRunsMs: optional(input.text('keepRuns') || io.env.CONDUCTOR_KEEP_RUNS, (text) => timeOf('--keep-runs', text)),
    keepAuditMs: optional(input.text('keepAudit') || io.env.CONDUCTOR_KEEP_AUDIT, (text) =>
      timeOf('--keep-audit', text),
    ),
  };
}

function optional<T>(text: string | undefined, read: (text: string) => T): T | undefined {
  return text ? read(text) : undefined;
}

function checkedUrl(flag: string, url: string): string {
  try {
    databaseName(url);
    return url;
  } catch (error) {
    throw new UsageError(`${flag}: ${error instanceof Error ? error.message : ''}`);
  }
}

function countOf(text: string): number {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (count >= POOL_LEAST && count <= POOL_MOST) return count;
  throw new UsageError(`--database-pool must be a number from ${POOL_LEAST} to ${POOL_MOST}, not "${text}".`);
}

function booleanOf(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new UsageError(`--database-prepared must be true or false, not "${text}".`);
}

function profileOf(text: string): DatabaseProfile {
  const profile = DATABASE_PROFILES.find((name) => name === text);
  if (profile) return profile;
  throw new UsageError(`--database-profile must be one of ${DATABASE_PROFILES.join(', ')}, not "${text}".`);
}

/** Must be some time: without an end to it, what was given up here would go on in the database and keep its locks. */
function limitOf(flag: string, text: string): number {
  const limitMs = timeOf(flag, text);
  if (limitMs > 0) return limitMs;
  throw new UsageError(`${flag} must be more than 0.`);
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

/** "30d" in ms. A bare m is refused: it is as easily meant as months. */
function timeOf(flag: string, text: string): number {
  if (text === '0') return 0;
  const [, count = '', unit = ''] = /^(\d{1,6})(ms|s|min|h|d|w|y)$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit];
  if (unitMs !== undefined) return Number(count) * unitMs;
  throw new UsageError(`${flag} must be a time such as 500ms, 30s, 15min, 24h, 30d or 1y, not "${text}".`);
}
