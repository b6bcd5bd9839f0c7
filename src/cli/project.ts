// Which project a command works on, and its configuration. Never guesses: the current directory counts when it holds a
// project, and a directory that is named must be one.
import { ConfigError } from '../config/config-error.ts';
import { type ConfigFlags, type ResolvedConfig, resolveConfig } from '../config/resolve-config.ts';
import { type Context, type Input, splitList } from './command.ts';
import { CliError, type LoadedProject } from './host.ts';
import { portOf } from './settings.ts';

const NO_PROJECT =
  'it has no conductor.config.*, no ensembles/ and no agents/. To make one: conductor init <directory>';

/** Undefined: there is none here. Throws CliError when the named one is none. */
export function projectDirOf({ host, io }: Context, input: Input): string | undefined {
  const named = input.text('project') ?? io.env.CONDUCTOR_PROJECT;
  if (!named) return host.isProject('.') ? '.' : undefined;
  if (host.isProject(named)) return named;
  throw new CliError(`${named} is no project: ${NO_PROJECT}`);
}

export function requireProjectDir(context: Context, input: Input): string {
  const directory = projectDirOf(context, input);
  if (directory === undefined) throw new CliError(`The current directory is no project: ${NO_PROJECT}`);
  return directory;
}

/** Throws ConfigError. */
export async function configOf(context: Context, input: Input, directory: string | undefined): Promise<ResolvedConfig> {
  const { host, io } = context;
  const flags = flagsOf(input);
  return directory === undefined ? resolveConfig(null, io.env, flags) : host.loadConfig(directory, io.env, flags);
}

export async function loadedProject(context: Context, input: Input): Promise<LoadedProject> {
  const directory = requireProjectDir(context, input);
  return context.host.loadProject(directory, await configOf(context, input, directory));
}

function flagsOf(input: Input): ConfigFlags {
  const origins = input.text('allowOrigin');
  return {
    host: input.text('host'),
    port: portOf(input),
    publicUrl: input.text('publicUrl'),
    allowOrigins: origins === undefined ? undefined : splitList(origins),
  };
}

/** A configuration that cannot be used, as findings beside those of the project; null for any other error. */
export function configProblems(error: unknown) {
  if (!(error instanceof ConfigError)) return null;
  const whole = { file: error.file ?? 'configuration', line: 1, column: 1 };
  return error.faults.map(({ path, message, hint, position }) => ({
    severity: 'error' as const,
    position: position ?? whole,
    message: path === '' ? message : `${path} ${message}`,
    hint,
  }));
}
