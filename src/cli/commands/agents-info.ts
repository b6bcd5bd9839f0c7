// `agents info`: one agent, as the project defines it.
import { didYouMean } from '../../model/did-you-mean.ts';
import type { CliCommand } from '../command.ts';
import { CliError } from '../host.ts';
import { loadedProject } from '../project.ts';
import { JSON_OPTION, PROJECT_OPTION } from '../settings.ts';

export const agentsInfo: CliCommand = {
  path: ['agents', 'info'],
  summary: 'Show an agent',
  args: [['<name>', 'its name; <ensemble>/<name> for one that was written into an ensemble']],
  options: [PROJECT_OPTION, JSON_OPTION],
  async run(context, input) {
    const { project } = await loadedProject(context, input);
    const name = input.arg(0);
    const agent = project.agents.get(name);
    if (!agent) throw new CliError(unknown('agent', name, project.agents.keys()));
    const { io } = context;
    if (input.flag('json')) {
      io.out(`${JSON.stringify(agent)}\n`);
      return 0;
    }
    const { apiExecutable, config, description, handler, operation, origin, position, ssrf, timeoutMs } = agent;
    io.out(
      [
        `Name: ${agent.id}`,
        ...(description === null ? [] : [`Description: ${description}`]),
        `Operation: ${operation}`,
        `Origin: ${position === null ? origin : `${position.file}:${position.line}`}`,
        ...(handler === null ? [] : [`Handler: ${handler}`]),
        `Executable over the API: ${apiExecutable ?? 'as api.execution.agents says'}`,
        ...(ssrf ? [] : ['⚠️ Its requests may reach private addresses (security.ssrf: false)']),
        `Timeout: ${timeoutMs === null ? 'as execution.defaultTimeout says' : `${timeoutMs} ms`}`,
        ...(Object.keys(config).length === 0 ? [] : [`Config: ${JSON.stringify(config, null, 2)}`]),
        '',
      ].join('\n'),
    );
    return 0;
  },
};

export function unknown(noun: string, name: string, known: Iterable<string>): string {
  const meant = didYouMean(name, known);
  return `There is no ${noun} ${name}.${meant === undefined ? '' : ` Did you mean ${meant}?`}`;
}
