// SET_VARIABLE: merges its input into the run's variables, key by key.
import { Json } from '../../model/json.ts';
import type { TaskType } from './task-type.ts';

/** Variables are written with the run at every change of it: they must stay small. */
const VARIABLES_CHARS_MAX = 256 * 1024;

export const setVariable: TaskType = {
  type: 'SET_VARIABLE',
  steers: true,
  start(flow, task) {
    const variables = Json.of({ ...flow.run.variables.object, ...task.input.object });
    if (variables.text.length > VARIABLES_CHARS_MAX) {
      const reason = `The variables of the workflow would be larger than ${VARIABLES_CHARS_MAX / 1024} KB`;
      flow.finish(task, { status: 'FAILED_WITH_TERMINAL_ERROR', reason });
      return;
    }
    flow.patchRun({ variables });
    flow.finish(task, { status: 'COMPLETED' });
  },
};
