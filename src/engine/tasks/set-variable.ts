// SET_VARIABLE: merges its input into the run's variables, key by key.
import { Json, type JsonObject } from '../../model/json.ts';
import type { Run } from '../../model/run.ts';
import type { TaskType } from './task-type.ts';

/** Variables are written with the run at every change of it: they must stay small. */
const VARIABLES_CHARS_MAX = 256 * 1024;

/** `given` laid over the run's variables, key by key; or why that cannot be. */
export function withVariables(run: Pick<Run, 'variables'>, given: JsonObject): Json | string {
  const variables = Json.of({ ...run.variables.object, ...given });
  if (variables.text.length <= VARIABLES_CHARS_MAX) return variables;
  return `The variables of the workflow would be larger than ${VARIABLES_CHARS_MAX / 1024} KB`;
}

export const setVariable: TaskType = {
  type: 'SET_VARIABLE',
  steers: true,
  start(flow, task) {
    const variables = withVariables(flow.run, task.input.object);
    if (typeof variables === 'string') {
      flow.finish(task, { status: 'FAILED_WITH_TERMINAL_ERROR', reason: variables });
      return;
    }
    flow.patchRun({ variables });
    flow.finish(task, { status: 'COMPLETED' });
  },
};
