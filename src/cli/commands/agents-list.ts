// `agents list`: every agent that a step of the project can name.
import type { CliCommand } from '../command.ts';
import { loadedProject } from '../project.ts';
import { JSON_OPTION, PROJECT_OPTION } from '../settings.ts';
import { table } from '../ui/table.ts';

export const agentsList: CliCommand = {
  path: ['agents', 'list'],
  summary: 'List the agents of the project, and those that ship',
  options: [PROJECT_OPTION, JSON_OPTION],
  async run(context, input) {
    const { project } = await loadedProject(context, input);
    const agents = [...project.agents.values()].map(({ description, id, operation, origin }) => ({
      name: id,
      operation,
      origin,
      description,
    }));
    const rows = agents.map(({ description, name, operation, origin }) => [name, operation, origin, description ?? '']);
    const { io } = context;
    io.out(
      input.flag('json') ? `${JSON.stringify(agents)}\n` : table(['NAME', 'OPERATION', 'ORIGIN', 'DESCRIPTION'], rows),
    );
    return 0;
  },
};
