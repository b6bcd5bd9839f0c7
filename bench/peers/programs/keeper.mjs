// Runs one command and outlives it by nothing: when the bench goes away, however it went, the whole process group dies.
// Holds on through TERM and INT itself, so that the command has the time to end well.
import { spawn } from 'node:child_process';

const [command, ...args] = process.argv.slice(2);

process.on('disconnect', () => process.kill(-process.pid, 'SIGKILL'));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => undefined);

const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
child.on('error', (error) => {
  console.error(error.message);
  process.exit(127);
});
child.on('exit', (code, signal) => process.exit(signal ? 128 : code));
