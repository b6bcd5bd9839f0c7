// For tests of the command line: an Io that remembers what was printed, with a host that is the real one.
import { readFileSync } from 'node:fs';
import type { CliHost, Io } from './host.ts';
import { run } from './run.ts';

export interface Printed {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

export interface Stage {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  /** Called with everything printed so far whenever `start` and `dev` wait; they stop when it resolves. */
  readonly whileRunning?: (out: string) => Promise<void>;
}

export async function runCli(argv: readonly string[], host: CliHost, stage: Stage = {}): Promise<Printed> {
  let out = '';
  let err = '';
  const io: Io = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    readSecret: () => Promise.resolve(stage.stdin ?? ''),
    readFile: (path) => readFileSync(path, 'utf8'),
    env: stage.env ?? {},
    color: false,
    untilStopped: () => stage.whileRunning?.(out) ?? Promise.resolve(),
  };
  const exitCode = await run(argv, io, host);
  return { exitCode, out, err };
}
