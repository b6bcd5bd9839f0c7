// EVENT: publishes its input under the name that its sink gives. What its expressions make of the sink stands in the
// task's input, as Conductor has it; a worker of the server does what the event's handlers say.
import { Json } from '../../model/json.ts';
import type { TaskType } from './task-type.ts';

export const event: TaskType = {
  type: 'EVENT',
  queued: true,
  check(task, report) {
    if (!task.sink) report('sink', 'EVENT needs a sink');
  },
  birth: (flow, step, place, input) => ({
    input: Json.of({
      ...input.object,
      sink: step.parameter ? flow.resolve(step.parameter, place, step) : (input.object.sink ?? null),
      asyncComplete: step.task.asyncComplete || input.object.asyncComplete === true,
    }),
  }),
};
