// `ensembles info`: one ensemble: its input, its steps, what starts it.
import type { CliCommand } from '../command.ts';
import { CliError } from '../host.ts';
import { loadedProject } from '../project.ts';
import { JSON_OPTION, PROJECT_OPTION } from '../settings.ts';
import { triggerTexts } from '../ui/trigger.ts';
import { unknown } from './agents-info.ts';

export const ensemblesInfo: CliCommand = {
  path: ['ensembles', 'info'],
  summary: 'Show an ensemble',
  args: [['<name>', 'its name']],
  options: [PROJECT_OPTION, JSON_OPTION],
  async run(context, input) {
    const { project } = await loadedProject(context, input);
    const name = input.arg(0);
    const ensemble = project.ensembles.get(name);
    if (!ensemble) throw new CliError(unknown('ensemble', name, project.ensembles.keys()));
    const { io } = context;
    const { apiExecutable, definition, description, inputs, position, triggers } = ensemble;
    if (input.flag('json')) {
      io.out(`${JSON.stringify({ ...ensemble, agents: [...ensemble.agents.values()] })}\n`);
      return 0;
    }
    const steps = definition.tasks.map(({ name: agent, taskReferenceName, when }) => {
      const condition = when === undefined ? '' : ` when ${when}`;
      return `  ${taskReferenceName}${agent === taskReferenceName ? '' : ` (${agent})`}${condition}`;
    });
    const fields = inputs.map(({ default: fallback, name: field, required, type }) => {
      const preset = fallback === undefined ? '' : ` = ${JSON.stringify(fallback)}`;
      return `  ${field}${type === null ? '' : `: ${type}`}${required ? ' (required)' : ''}${preset}`;
    });
    io.out(
      [
        `Name: ${name}`,
        ...(description === null ? [] : [`Description: ${description}`]),
        `File: ${position.file}:${position.line}`,
        `Executable over the API: ${apiExecutable ?? 'as api.execution.ensembles says'}`,
        ...headed('Input:', fields),
        ...headed('Steps:', steps),
        ...headed(
          'Triggers:',
          triggers.flatMap(triggerTexts).map((text) => `  ${text}`),
        ),
        '',
      ].join('\n'),
    );
    return 0;
  },
};

function headed(heading: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [heading, ...lines];
}
