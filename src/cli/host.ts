// What the command line needs from a runtime: to serve, and to reach a server or a store. The runtime implements it;
// commands never import one. Also the process as commands see it, so that tests can stand in for a terminal.
import type { JsonValue } from '../model/json.ts';

/** Standard streams, environment and signals. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  /** Everything up to the end of standard input, or one line typed without echo at a terminal. */
  readSecret(prompt: string): Promise<string>;
  /** Throws when the file cannot be read. */
  readFile(path: string): string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly color: boolean;
  /** Resolves when the process is asked to stop. */
  untilStopped(): Promise<void>;
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
  /** Where log lines go. */
  readonly writeLog: (line: string) => void;
}

export interface Serving {
  readonly url: string;
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
}

export interface CliHost {
  readonly version: string;
  serve(options: ServeOptions): Promise<Serving>;
  connect(url: string, apiKey: string): Connection;
  /** The server that left its address in a data directory; it may be gone all the same. */
  running(dataDir: string): RunningServer | undefined;
  /** The admin routes over a data directory that no server holds. */
  openStore(dataDir: string, masterKey: string | undefined): Promise<Connection>;
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
