// One replica as its operator runs it: `conductor start` from the build, in a process of its own, to be killed, suspended
// and started again at the same address. Owns the process and its data folder; keeps what it logged as an error.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url));

export interface ReplicaOptions {
  readonly args?: readonly string[];
  /** Settings of the server; each replica of a cluster gets the same master key and database. */
  readonly env: Readonly<Record<string, string>>;
}

export class ReplicaProcess {
  readonly dataDir: string;
  readonly #options: ReplicaOptions;
  #child: ChildProcess | null = null;
  #url = '';
  /** Lines that are not information: errors of the server, and whatever else a process says when it fails. */
  readonly complaints: string[] = [];

  private constructor(dataDir: string, options: ReplicaOptions) {
    this.dataDir = dataDir;
    this.#options = options;
  }

  static async create(options: ReplicaOptions): Promise<ReplicaProcess> {
    return new ReplicaProcess(await mkdtemp(join(tmpdir(), 'conductor-replica-')), options);
  }

  /** Stays the same over restarts. */
  get url(): string {
    return this.#url;
  }

  /** Resolves when it answers requests. */
  async start(): Promise<void> {
    const { args = [], env } = this.#options;
    const port = this.#url === '' ? '0' : new URL(this.#url).port;
    const child = spawn(process.execPath, [CLI, 'start', '--data', this.dataDir, '--port', port, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, TZ: 'UTC', ...env },
    });
    this.#child = child;
    createInterface(child.stderr).on('line', (line) => {
      if (!isInformation(line)) this.complaints.push(line);
    });
    const ended = once(child, 'exit').then(([code, signal]) => {
      throw new Error(`the replica ended with ${code ?? signal}:\n${this.complaints.slice(-20).join('\n')}`);
    });
    this.#url = await Promise.race([greeting(child.stdout), ended]);
    // From here on an end is what a test asked for, or shows as calls that fail.
    ended.catch(() => undefined);
  }

  async localKey(): Promise<string> {
    return (await readFile(join(this.dataDir, 'local.key'), 'utf8')).trim();
  }

  /** Resolves when the process is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  /** Stops it in the middle of whatever it does; its sockets stay open, and nobody answers at them. */
  suspend(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Ends it well, when it still runs. */
  async dispose(): Promise<void> {
    this.resume();
    await this.kill('SIGTERM');
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

async function greeting(stdout: Readable): Promise<string> {
  for await (const line of createInterface(stdout)) {
    const url = /running at (http:\S+)/.exec(line)?.[1];
    if (url) return url;
  }
  throw new Error('the replica ended before it said where it runs');
}

function isInformation(line: string): boolean {
  return line.trim() === '' || line.includes('"level":"info"');
}
