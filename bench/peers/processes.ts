// The processes of a peer: each in a group of its own under programs/keeper.mjs, which dies with us and takes the group
// along. Owns npm installs and ports too. Nothing started here may outlive the bench.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Under the package root, where npm runs scripts: the compiler leaves .mjs files behind. */
const PROGRAMS = resolve('bench', 'peers', 'programs');
const READY_MS = 60_000;
const LOG_CHARS = 2000;

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export class Kept {
  readonly name: string;
  readonly #keeper: ChildProcess;
  #log = '';

  private constructor(name: string, keeper: ChildProcess) {
    this.name = name;
    this.#keeper = keeper;
    for (const stream of [keeper.stdout, keeper.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#log = (this.#log + chunk.toString()).slice(-LOG_CHARS);
      });
    }
  }

  static start(name: string, command: readonly string[], options: StartOptions = {}): Kept {
    const { env = {}, cwd } = options;
    const keeper = fork(join(PROGRAMS, 'keeper.mjs'), command, {
      detached: true,
      execArgv: [],
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      ...(cwd === undefined ? {} : { cwd }),
    });
    return new Kept(name, keeper);
  }

  get ended(): boolean {
    return this.#keeper.exitCode !== null || this.#keeper.signalCode !== null;
  }

  /** What it said last, when it has ended; else null. */
  get epitaph(): string | null {
    return this.ended ? `${this.name} ended with ${this.#keeper.exitCode}: ${this.#lastLines()}` : null;
  }

  /** Asks `answers` again until it resolves to true. Throws when the process ends first, or takes too long. */
  async until(answers: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + READY_MS;
    while (!(await answers().catch(() => false))) {
      if (this.epitaph !== null) throw new Error(this.epitaph);
      if (Date.now() > deadline) throw new Error(`${this.name} did not answer in time: ${this.#lastLines()}`);
      await delay(50);
    }
  }

  /** Throws when it ends with anything but 0. */
  async finished(): Promise<void> {
    if (!this.ended) await once(this.#keeper, 'exit');
    if (this.#keeper.exitCode !== 0) throw new Error(`${this.name} failed: ${this.#lastLines()}`);
  }

  async stop(): Promise<void> {
    if (this.ended) return;
    const gone = once(this.#keeper, 'exit');
    this.#signal('SIGTERM');
    const impatient = setTimeout(() => this.#signal('SIGKILL'), 8000);
    await gone;
    clearTimeout(impatient);
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#keeper.pid !== undefined && !this.ended) process.kill(-this.#keeper.pid, signal);
  }

  #lastLines(): string {
    return this.#log.trim().split('\n').slice(-6).join(' | ');
  }
}

/** A folder for the peer, with its packages at exactly these versions and its programs beside them. */
export async function install(
  folder: string,
  packages: Readonly<Record<string, string>>,
  programs: readonly string[] = [],
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const program of programs) copyFileSync(join(PROGRAMS, program), join(folder, program));
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ private: true, type: 'module', dependencies: packages }),
  );
  // No install scripts: none of the peers needs one to run, and some of them report home.
  const npm = ['npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  await Kept.start(`npm install in ${folder}`, npm, { cwd: folder }).finished();
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no free port');
  return address.port;
}

/** True once the address answers an HTTP request, with whatever status. */
export async function answers(url: string): Promise<boolean> {
  const reply = await fetch(url);
  await reply.arrayBuffer();
  return true;
}
