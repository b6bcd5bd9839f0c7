// A child process that answers questions. Owns its life: it ends with `stop`, or with its parent.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { newDatabase } from './databases.ts';

const readySchema = z.object({ url: z.string(), key: z.string().default('') });
const numbersSchema = z.record(z.string(), z.number());

/** What a server works on. What is not given is made anew, and is gone when it stops. */
export interface Place {
  readonly folder?: string;
  readonly database?: string | undefined;
  /** Directory of ensembles and agents. */
  readonly project?: string;
  /** Of a pass-through: makes a durable insert before each call. */
  readonly inserts?: boolean;
  /** Of an upstream: what it answers with, JSON; by default a payment intent. */
  readonly answer?: string;
}

export class Child {
  readonly url: string;
  readonly key: string;
  readonly #process: ChildProcess;
  readonly #scratch: string | undefined;

  private constructor(process: ChildProcess, ready: z.infer<typeof readySchema>, scratch: string | undefined) {
    this.#process = process;
    this.url = ready.url;
    this.key = ready.key;
    this.#scratch = scratch;
  }

  /** Starts `<name>-process` beside this file, and waits until it answers. */
  static async start(
    name: 'server' | 'upstream' | 'pass-through' | 'bare',
    upstream = '',
    { folder, database, project = '', inserts = false, answer = '' }: Place = {},
  ): Promise<Child> {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const file = fileURLToPath(new URL(`./${name}-process.${extension}`, import.meta.url));
    const scratch = folder === undefined ? newFolder() : undefined;
    const url = name === 'server' ? (database ?? (await newDatabase()) ?? '') : '';
    const child = fork(file, {
      env: {
        ...process.env,
        BENCH_DATA: folder ?? scratch,
        BENCH_UPSTREAM: upstream,
        BENCH_DATABASE: url,
        BENCH_PROJECT: project,
        BENCH_INSERTS: inserts ? 'true' : '',
        BENCH_ANSWER: answer,
      },
      execArgv: [...process.execArgv, '--expose-gc'],
    });
    const died = once(child, 'exit').then(() => Promise.reject(new Error(`${name} ended before it was ready`)));
    const [message] = await Promise.race([once(child, 'message'), died]);
    died.catch(() => undefined);
    return new Child(child, readySchema.parse(message), scratch);
  }

  async cpuMicros(): Promise<number> {
    return this.#ask('cpu', 'cpuMicros');
  }

  async settledBytes(): Promise<number> {
    return this.#ask('memory', 'bytes');
  }

  async stop(): Promise<void> {
    const gone = once(this.#process, 'exit');
    this.#process.send('stop');
    const impatient = setTimeout(() => this.#process.kill('SIGKILL'), 5000);
    await gone;
    clearTimeout(impatient);
    if (this.#scratch) removeFolder(this.#scratch);
  }

  async #ask(question: string, field: string): Promise<number> {
    this.#process.send(question);
    const [message] = await once(this.#process, 'message');
    return numbersSchema.parse(message)[field] ?? Number.NaN;
  }
}

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'conductor-bench-'));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** A measured server and its driver, for the time of `work`. */
export async function withChildren<T>(children: readonly Child[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await Promise.all(children.map((child) => child.stop()));
  }
}
