// `validate`: every file of a project, without running anything of it. Judges as a server would at its start.
import type { Problem, SourceFile } from '../../ensembles/project.ts';
import { type CliCommand, type Context, Input } from '../command.ts';
import { CliError } from '../host.ts';
import { configOf, configProblems, requireProjectDir } from '../project.ts';
import { JSON_OPTION, PROJECT_OPTION } from '../settings.ts';
import { hasErrors, problemCount, problemText } from '../ui/problems.ts';
import { isUnset, namedVariables } from '../unset-variables.ts';

interface Verdict {
  /** Name and version of a project that says its version. */
  readonly project?: string;
  readonly problems: readonly Problem[];
  /** How many there are of the project's own. */
  readonly ensembles: number;
  readonly agents: number;
}

export const validate: CliCommand = {
  path: ['validate'],
  summary: 'Check every file of the project: configuration, ensembles, agents and handlers',
  args: [['[path]', 'directory of the project, or one of its files']],
  options: [PROJECT_OPTION, JSON_OPTION],
  async run(context, input) {
    const { directory, file } = target(context, input);
    const verdict = await judge(context, new Input([], { project: directory }), directory);
    const problems = verdict.problems.filter(({ position }) => file === undefined || position.file === file);
    const { io, style } = context;
    if (input.flag('json')) io.out(`${JSON.stringify({ success: !hasErrors(problems), ...verdict, problems })}\n`);
    else {
      for (const problem of problems) io.err(problemText(problem, style));
      if (hasErrors(problems)) io.err(`${problemCount(problems)}\n`);
      else io.out(`${style.good('✓')} ${file === undefined ? summary(verdict) : `${file} is`} valid\n`);
    }
    return hasErrors(problems) ? 1 : 0;
  },
};

/** A file is judged as a part of its project, which is the nearest directory above it that is one. */
function target(context: Context, input: Input): { directory: string; file?: string } {
  const path = input.arg(0).replace(/\\/g, '/').replace(/\/+$/, '');
  if (path === '') return { directory: requireProjectDir(context, input) };
  if (context.host.isProject(path)) return { directory: path };
  const parts = path.split('/');
  for (let length = parts.length - 1; length >= 0; length -= 1) {
    const directory = parts.slice(0, length).join('/') || (path.startsWith('/') ? '/' : '.');
    if (!context.host.isProject(directory)) continue;
    try {
      context.io.readFile(path);
    } catch {
      break;
    }
    return {
      directory,
      file: parts
        .slice(length)
        .filter((part) => part !== '.')
        .join('/'),
    };
  }
  throw new CliError(`${path} is neither a project nor a file of one.`);
}

async function judge(context: Context, input: Input, directory: string): Promise<Verdict> {
  try {
    const config = await configOf(context, input, directory);
    const { name, version } = config.settings;
    const { files, project } = await context.host.loadProject(directory, config);
    const agents = [...project.agents.values()].filter(({ origin }) => origin !== 'built-in');
    const faults = await Promise.all(agents.map((agent) => handlerProblem(context, directory, agent)));
    return {
      ...(version !== null && { project: `${name} ${version}` }),
      problems: [...project.problems, ...faults.flatMap((fault) => fault ?? []), ...unsetProblems(context, files)],
      ensembles: [...project.ensembles.values()].filter(({ origin }) => origin === 'file').length,
      agents: agents.length,
    };
  } catch (error) {
    const problems = configProblems(error);
    if (!problems) throw error;
    return { problems, ensembles: 0, agents: 0 };
  }
}

async function handlerProblem(
  { host }: Context,
  directory: string,
  agent: Parameters<Context['host']['handlerFault']>[1],
): Promise<Problem | null> {
  if (agent.handler === null) return null;
  const message = await host.handlerFault(directory, agent);
  const position = agent.position ?? { file: agent.handler, line: 1, column: 1 };
  return message === null ? null : { severity: 'error', position, message, hint: null };
}

/** Warnings: where it is checked, what it needs to run is often not set. */
function unsetProblems({ io }: Context, files: readonly SourceFile[]): Problem[] {
  return namedVariables(files)
    .filter((variable) => isUnset(io, variable))
    .map(({ name, position }) => {
      const message = `The environment variable ${name} is not set`;
      return { severity: 'warning', position, message, hint: 'Set it where the server runs.' };
    });
}

function summary({ agents, ensembles, project }: Verdict): string {
  return `${project === undefined ? '' : `${project}: `}${ensembles} ensemble${ensembles === 1 ? '' : 's'} and ${agents} agent${agents === 1 ? '' : 's'} are`;
}
