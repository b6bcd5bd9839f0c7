// What the command line needs from a runtime: to serve, and to reach a server or a store. The runtime implements it;
// commands never import one. Also the process as commands see it, so that tests can stand in for a terminal.
import type { Environment } from '../config/environment.ts';
import type { ConfigFlags, ResolvedConfig } from '../config/resolve-config.ts';
import type { ExecutionOutcome } from '../ensembles/executor.ts';
import type { Problem, Project, SourceFile } from '../ensembles/project.ts';
import type { AgentDefinition } from '../model/agent.ts';
import type { JsonObject, JsonValue } from '../model/json.ts';

/** Standard streams, environment and signals. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  /** Everything up to the end of standard input, or one line typed without echo at a terminal. */
  readSecret(prompt: string): Promise<string>;
  /** What was piped in, to its end; undefined at a terminal. */
  readPiped(): Promise<string | undefined>;
  /** Throws when the file cannot be read. */
  readFile(path: string): string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly color: boolean;
  /** Resolves when the process is asked to stop. */
  untilStopped(): Promise<void>;
}

export const DATABASE_PROFILES = ['postgres', 'cockroach', 'yugabyte'] as const;
export type DatabaseProfile = (typeof DATABASE_PROFILES)[number];

/** Two rounds at once, of the orchestrator and of the vault, and the reads beside them. */
export const POOL_LEAST = 4;
export const POOL_MOST = 1000;

/** A Postgres that any number of servers share. */
export interface DatabaseSettings {
  /** `postgres://user:password@host:port/name`. Never printed as it is: see `databaseName`. */
  readonly url: string;
  /** Connections besides the listener's; 10 unless told. */
  readonly poolSize?: number;
  /** Where the listener connects when `url` leads to a pooler that shares connections between transactions. */
  readonly listenUrl?: string;
  /** False where statements cannot be prepared: transaction pooling. */
  readonly prepared?: boolean;
  /** Found out unless told. */
  readonly profile?: DatabaseProfile;
  /** 5 s unless told. Also how long a round that has gone silent holds its locks. */
  readonly statementTimeoutMs?: number;
  /** 3 s unless told. Also how long anybody waits for a free connection. */
  readonly connectTimeoutMs?: number;
}

export interface ServeOptions {
  readonly dataDir: string;
  readonly host?: string;
  readonly port?: number;
  readonly publicUrl?: string;
  readonly production: boolean;
  readonly open: boolean;
  readonly masterKey?: string;
  readonly stripeUpstream?: string;
  readonly stripeSecret?: string;
  readonly allowOrigins: readonly string[];
  /** Absent: the embedded database, in `dataDir`. */
  readonly database?: DatabaseSettings;
  /** Runs that ended so long ago are removed; 0 or absent: never. */
  readonly keepRunsMs?: number;
  /** The same for the vault's audit and what hangs on it. */
  readonly keepAuditMs?: number;
  /** The project whose ensembles and agents it runs. */
  readonly project?: { readonly directory: string };
  readonly config?: ResolvedConfig;
  /** Where log lines go. */
  readonly writeLog: (line: string) => void;
}

export interface Serving {
  readonly url: string;
  /** What was found wrong with the project at the start. Logged in production, and else for the caller to print. */
  readonly problems: readonly Problem[];
  /** Reads the project's files again; the last good project stays in use where they hold an error. */
  reload(): Promise<readonly Problem[]>;
  /** Speaks to the admin routes as the operator. */
  readonly connection: Connection;
  close(): Promise<void>;
}

/** The admin routes, wherever they are answered. */
export interface Connection {
  /** For messages: an address, or a directory. */
  readonly where: string;
  /** Throws CliError with the server's own words, and UnreachableError when nobody answers. */
  call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: JsonValue): Promise<JsonValue>;
  close(): Promise<void>;
}

export interface RunningServer {
  readonly url: string;
  readonly localKey: string;
  /** The name of the shared database it works on, without a password. */
  readonly database?: string;
}

/** Of `doctor`: one thing looked at, and what to do about it. */
export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
}

export interface StoreTarget {
  readonly dataDir: string;
  readonly masterKey: string | undefined;
  readonly database: DatabaseSettings | undefined;
}

export interface LoadedProject {
  readonly project: Project;
  readonly files: readonly SourceFile[];
}

/** One execution in this process, by nobody but the user of the command line. */
export interface ExecuteRequest {
  readonly kind: 'ensemble' | 'agent';
  readonly name: string;
  readonly input: JsonValue;
  /** Laid over an agent's own. */
  readonly config: JsonObject | undefined;
  readonly serve: ServeOptions;
}

/** What `build --target cloudflare` made, and what is wrong with the project or will not run there. */
export interface CloudflareBuild {
  readonly problems: readonly Problem[];
  /** Null when the project has errors: nothing was written. */
  readonly built: {
    readonly worker: string;
    readonly bytes: number;
    readonly wrangler: string;
    /** It was there and had been changed by hand: it is as it was. */
    readonly kept: boolean;
    /** KV namespaces that the project uses and the kept file does not bind. */
    readonly unbound: readonly string[];
  } | null;
}

export interface ProgramResult {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

export interface CliHost {
  readonly version: string;
  /** What the package.json of a new project says of this package, so that `npm install` finds it. */
  readonly dependency: string;
  /** Whether a directory holds a project: a configuration, ensembles or agents. */
  isProject(directory: string): boolean;
  /** Throws ConfigError. */
  loadConfig(directory: string, env: Environment, flags: ConfigFlags): Promise<ResolvedConfig>;
  /** Reads and checks every file of a project, without running anything of it. */
  loadProject(directory: string, config: ResolvedConfig): Promise<LoadedProject>;
  /** Loads an agent's handler; what is wrong with it, or null. */
  handlerFault(directory: string, agent: AgentDefinition): Promise<string | null>;
  /** Calls back whenever files of a project have changed. */
  watch(directory: string, ignore: readonly string[], onChange: () => void): { close(): void };
  /** Throws AppError not_found | invalid_request, ConfigError. */
  execute(request: ExecuteRequest): Promise<ExecutionOutcome>;
  /** Writes files under a directory, which is made. Throws CliError when it is not empty, unless `force`. */
  writeFiles(directory: string, files: ReadonlyMap<string, string>, force: boolean): readonly string[];
  /** Bundles a project as a Cloudflare Worker. Throws ConfigError, and CliError when no bundle can be made. */
  buildCloudflare(directory: string, out: string): Promise<CloudflareBuild>;
  /** Runs wrangler, the command line of Cloudflare. `value` is handed over as a file: `--path <it>` is added. */
  wrangler(args: readonly string[], value?: string): Promise<ProgramResult>;
  serve(options: ServeOptions): Promise<Serving>;
  connect(url: string, apiKey: string): Connection;
  /** The server that left its address in a data directory; it may be gone all the same. */
  running(dataDir: string): RunningServer | undefined;
  /** The admin routes over a shared database, or over a data directory that no server holds. */
  openStore(target: StoreTarget): Promise<Connection>;
  /** Looks at a shared database without changing it. Never throws. */
  checkDatabase(settings: DatabaseSettings): Promise<readonly Finding[]>;
  /** The master key that `dev` made in a data directory: its file, or null where there is none. */
  masterKeyFile(dataDir: string): string | null;
  /** Whether a directory can be written, or made. */
  writable(dataDir: string): boolean;
}

/** Something the user can mend: printed as one line, exit code 1. */
export class CliError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CliError';
  }
}

/** What was named is not there. */
export class NotFoundError extends CliError {
  constructor(message: string) {
    super(message);
    this.name = 'NotFoundError';
  }
}

export class UnreachableError extends CliError {
  constructor(message: string) {
    super(message);
    this.name = 'UnreachableError';
  }
}

/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
