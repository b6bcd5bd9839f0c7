// The process's own streams, environment and signals, as commands want them.
import { readFileSync } from 'node:fs';
import type { Io } from './host.ts';

export function nodeIo(): Io {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    readSecret,
    readPiped,
    readFile: (path) => readFileSync(path, 'utf8'),
    env: process.env,
    color: process.stdout.isTTY === true && !process.env.NO_COLOR,
    untilStopped,
  };
}

/** A second signal ends the process at once: a shutdown that hangs must not need kill -9. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      process.once('SIGINT', () => process.exit(130));
      process.once('SIGTERM', () => process.exit(143));
      resolve();
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
}

async function readSecret(prompt: string): Promise<string> {
  return (await readPiped()) ?? readHidden(prompt);
}

async function readPiped(): Promise<string | undefined> {
  if (process.stdin.isTTY) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

/** One line at the terminal, without echo. */
function readHidden(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(prompt);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  let line = '';
  return new Promise((resolve) => {
    const finish = (text: string): void => {
      stdin.off('data', take);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
      resolve(text);
    };
    const take = (typed: string): void => {
      for (const character of typed) {
        if (character === '\r' || character === '\n') {
          finish(line);
          return;
        }
        // Ctrl-C and Ctrl-D: nothing was entered.
        if (character === '\u0003' || character === '\u0004') {
          finish('');
          return;
        }
        line = character === '\u007f' || character === '\b' ? line.slice(0, -1) : line + character;
      }
    };
    stdin.on('data', take);
    stdin.resume();
  });
}
