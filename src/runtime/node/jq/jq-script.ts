// What runs in jq's thread: one command at a time, one answer to each. Whoever sent the command watches the clock, and ends
// the thread with everything in it. Must never write to the server's output.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { compileJq, createJqMachine, type JqMachine } from '../../../operations/jq/jq-machine.ts';
import type { JqCommand, JqMessage, JqThreadData } from './messages.ts';

// A jq that runs out of memory says so here too, in words of its own.
console.error = () => undefined;

const { outputBytesMax }: JqThreadData = workerData;
const compiled = await compileJq(readFileSync(createRequire(import.meta.url).resolve('jq-wasm/jq.wasm')));
let machine: JqMachine | undefined = await createJqMachine(compiled, { outputBytesMax });

parentPort?.on('message', async ({ program, document }: JqCommand) => {
  machine ??= await createJqMachine(compiled, { outputBytesMax });
  tell(machine.run(program, document));
  // After the answer: nobody has to wait for it.
  if (!machine.wipe()) machine = undefined;
});
tell({ kind: 'ready' });

function tell(message: JqMessage): void {
  parentPort?.postMessage(message);
}
