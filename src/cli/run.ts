// Runs one command line: finds the command, runs it, and turns whatever happened into an exit code.
// 0: done. 1: it failed, and stderr says why in a line. 2: the command line itself is wrong.
import { Command, CommanderError } from 'commander';
import { ZodError } from 'zod';
import { type CliCommand, type Context, Input } from './command.ts';
import { COMMANDS } from './commands/index.ts';
import { type CliHost, type Io, UsageError } from './host.ts';
import { createStyle } from './ui/style.ts';

const GROUPS: Readonly<Record<string, string>> = {
  agents: 'Agents of the project',
  config: 'The configuration',
  ensembles: 'Ensembles of the project',
  keys: 'API keys: who may call the server',
  secrets: 'Vendor secrets in the vault',
  workflow: 'Workflow definitions',
};

/** `argv` without node and script; `name` as it is typed ("ensemble conductor"). Never throws. */
export async function run(argv: readonly string[], io: Io, host: CliHost, name = 'conductor'): Promise<number> {
  const context: Context = { io, host, style: createStyle(io.color) };
  let exitCode = 0;
  const program = build(context, name, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    return failed(error, context);
  }
}

function build(context: Context, name: string, done: (exitCode: number) => void): Command {
  const { io, host } = context;
  const program = new Command(name)
    .description('Orchestrates workflows that touch the outside world, and never lets them overspend.')
    .version(host.version, '-v, --version', 'print the version')
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err, outputError: (text, write) => write(text) })
    .showSuggestionAfterError();
  const groups = new Map<string, Command>();
  for (const command of COMMANDS) {
    const [first = '', verb] = command.path;
    if (verb === undefined) {
      add(program, first, command, context, done);
      continue;
    }
    const group = groups.get(first) ?? program.command(first).description(GROUPS[first] ?? '');
    groups.set(first, group);
    add(group, verb, command, context, done);
  }
  return program;
}

function add(
  parent: Command,
  name: string,
  command: CliCommand,
  context: Context,
  done: (exitCode: number) => void,
): void {
  const added = parent.command(name).description(command.summary).allowExcessArguments(false);
  for (const [flags, description] of command.options ?? []) added.option(flags, description);
  for (const [argument, description] of command.args ?? []) added.argument(argument, description);
  added.action(async () => done(await command.run(context, new Input(added.args, added.opts()))));
}

function failed(error: unknown, { io, style }: Context): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const message = messageOf(error);
  io.err(`${style.bad('error:')} ${message}\n`);
  if (io.env.CONDUCTOR_DEBUG && error instanceof Error) io.err(`${error.stack}\n`);
  return error instanceof UsageError ? 2 : 1;
}

function messageOf(error: unknown): string {
  if (error instanceof ZodError) return 'The answer of the server is not understood. Is it of another version?';
  return error instanceof Error ? error.message : String(error);
}
