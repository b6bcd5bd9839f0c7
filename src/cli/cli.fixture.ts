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
  /**
   * Called with everything printed so far whenever `start` and `dev` wait; they stop when it resolves. `printed` resolves
   * when a text is printed, on either stream, after it was asked for.
   */
  readonly whileRunning?: (out: string, printed: (text: string) => Promise<void>) => Promise<void>;
}

export async function runCli(argv: readonly string[], host: CliHost, stage: Stage = {}): Promise<Printed> {
  let out = '';
  let err = '';
  const waiting = new Set<{ readonly text: string; readonly resolve: () => void }>();
  const tell = (text: string): void => {
    for (const waiter of waiting) {
      if (!text.includes(waiter.text)) continue;
      waiting.delete(waiter);
      waiter.resolve();
    }
  };
  const printed = (text: string) => new Promise<void>((resolve) => waiting.add({ text, resolve }));
  const io: Io = {
    out: (text) => {
      out += text;
      tell(text);
    },
    err: (text) => {
      err += text;
      tell(text);
    },
    readSecret: () => Promise.resolve(stage.stdin ?? ''),
    readPiped: () => Promise.resolve(stage.stdin),
    readFile: (path) => readFileSync(path, 'utf8'),
    env: stage.env ?? {},
    color: false,
    untilStopped: () => stage.whileRunning?.(out, printed) ?? Promise.resolve(),
  };
  const exitCode = await run(argv, io, host);
  return { exitCode, out, err };
}
