// What a server is started with, and what it is once it runs. Wrong combinations are refused here, before anything opens.
import type { Access } from '../../access/access.ts';
import type { ApiKeys } from '../../access/api-keys.ts';
import type { CustomValidator } from '../../access/guard.ts';
import { isLoopbackHost } from '../../access/loopback.ts';
import { databaseName } from '../../cli/database-url.ts';
import { type DatabaseSettings, POOL_LEAST, POOL_MOST } from '../../cli/host.ts';
import type { ResolvedConfig } from '../../config/resolve-config.ts';
import type { Executor } from '../../ensembles/executor.ts';
import type { Problem, Project } from '../../ensembles/project.ts';
import type { Orchestrator } from '../../orchestrator/orchestrator-api.ts';
import type { Store } from '../../store/port.ts';
import type { TriggerMiddleware } from '../../triggers/middleware/registry.ts';
import type { Vault } from '../../vault/create-vault.ts';
import type { ServerLog } from '../log.ts';

export interface ServerOptions {
  /** Keys, and the database unless one is shared; made when missing. One server at a time. */
  readonly dataDir: string;
  /** 127.0.0.1 unless told. */
  readonly host?: string;
  /** 8080 unless told; 0: any free one. */
  readonly port?: number;
  /** How callers reach us, when not at host and port (a load balancer): in the vault's replies, and open to HTTP tasks. */
  readonly publicUrl?: string;
  /** Refuses to start without a master key. False unless told. */
  readonly production?: boolean;
  /** Development only: no authentication at all. Refused on anything but loopback. */
  readonly open?: boolean;
  /** 32 bytes in base64. */
  readonly masterKey?: string;
  /** Where Stripe calls go; https://api.stripe.com unless told. */
  readonly stripeUpstream?: string;
  /** Put into the vault at start, as if by `secrets set stripe`. */
  readonly stripeSecret?: string;
  /** Origins that HTTP tasks may reach though their address is private. Our own is always among them. */
  readonly allowOrigins?: readonly string[];
  /** A Postgres that any number of servers share, all with the same master key. Else the database is in `dataDir`. */
  readonly database?: DatabaseSettings;
  /** Runs that ended so long ago are removed. 0 unless told: kept for ever. */
  readonly keepRunsMs?: number;
  /** The vault's audit, and keys and charges that count no more, from so long ago are removed. 0 unless told. */
  readonly keepAuditMs?: number;
  /** Ensembles, agents and docs in files. Absent: only what is built in. */
  readonly project?: { readonly directory: string };
  /** Absent: the project's configuration file over the defaults, and the environment over both. */
  readonly config?: ResolvedConfig;
  /** By the name that a trigger lists; beside the built-in ones. */
  readonly middleware?: Readonly<Record<string, TriggerMiddleware>>;
  /** By the name that a trigger gives as `customValidator`. */
  readonly validators?: Readonly<Record<string, CustomValidator>>;
  /** Whether the log tells what is wrong with the project; false where whoever starts it prints that. True unless told. */
  readonly logProblems?: boolean;
  /** Nothing is logged unless told. */
  readonly log?: ServerLog;
}

export interface RunningServer {
  /** Base URL at which it listens, e.g. http://127.0.0.1:8080. */
  readonly url: string;
  /** The operator's credential, as in `<dataDir>/local.key`. */
  readonly localKey: string;
  readonly orchestrator: Orchestrator;
  readonly vault: Vault;
  readonly access: Access & ApiKeys;
  readonly store: Store;
  /** Runs ensembles and agents as the execute API does, for whoever embeds the server. */
  readonly executor: Executor;
  /** The project as it is now, with what is wrong with it. */
  project(): Project;
  /** Reads the project's files anew. With errors among them what runs goes on unchanged. */
  reload(): Promise<readonly Problem[]>;
  /** Stops accepting, answers what waits, settles vendor calls, commits, and closes. Resolves when all is written. */
  close(): Promise<void>;
}

/** A server that must not start like this; the message says what to change. */
export class ConfigurationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigurationError';
  }
}

/** Throws ConfigurationError. */
export function checkOptions(options: ServerOptions): void {
  const { host = '127.0.0.1', open = false, production = false, publicUrl, stripeUpstream, port = 8080 } = options;
  if (open && production) {
    throw new ConfigurationError('--open switches authentication off; it is for development, not for production.');
  }
  if (open && !isLoopbackHost(host)) {
    throw new ConfigurationError(
      `--open switches authentication off, so it is refused on ${host}: bind to 127.0.0.1, or drop --open.`,
    );
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new ConfigurationError(`The port must be a whole number from 0 to 65535, not ${port}.`);
  }
  const urls = { publicUrl, stripeUpstream };
  for (const [name, url] of Object.entries(urls)) {
    if (url !== undefined && !isHttpUrl(url)) throw new ConfigurationError(`${name} must be an http(s) URL: ${url}`);
  }
  checkDatabaseSettings(options.database);
  for (const origin of options.allowOrigins ?? []) {
    if (!isHttpUrl(origin)) throw new ConfigurationError(`An allowed origin must be an http(s) URL: ${origin}`);
  }
}

function checkDatabaseSettings(database: DatabaseSettings | undefined): void {
  if (!database) return;
  const { listenUrl, poolSize = POOL_LEAST, url } = database;
  try {
    for (const address of [url, listenUrl ?? url]) databaseName(address);
  } catch (error) {
    throw new ConfigurationError(error instanceof Error ? error.message : '');
  }
  if (Number.isInteger(poolSize) && poolSize >= POOL_LEAST && poolSize <= POOL_MOST) return;
  throw new ConfigurationError(`The database pool must be from ${POOL_LEAST} to ${POOL_MOST}, not ${poolSize}.`);
}

function isHttpUrl(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}
