// `ensembles list`: what the project can run, and what starts it.
import type { CliCommand } from '../command.ts';
import { loadedProject } from '../project.ts';
import { JSON_OPTION, PROJECT_OPTION } from '../settings.ts';
import { table } from '../ui/table.ts';
import { triggerTexts } from '../ui/trigger.ts';

export const ensemblesList: CliCommand = {
  path: ['ensembles', 'list'],
  summary: 'List the ensembles of the project',
  options: [PROJECT_OPTION, JSON_OPTION],
  async run(context, input) {
    const { project } = await loadedProject(context, input);
    const ensembles = [...project.ensembles.values()].map(({ definition, description, name, origin, triggers }) => ({
      name,
      description,
      origin,
      steps: definition.tasks.map(({ taskReferenceName }) => taskReferenceName),
      triggers: triggers.flatMap(triggerTexts),
    }));
    const rows = ensembles.map(({ description, name, steps, triggers }) => [
      name,
      String(steps.length),
      triggers.join(', '),
      description ?? '',
    ]);
    const { io } = context;
    if (input.flag('json')) io.out(`${JSON.stringify(ensembles)}\n`);
    else io.out(table(['NAME', 'STEPS', 'TRIGGERS', 'DESCRIPTION'], rows));
    return 0;
  },
};
