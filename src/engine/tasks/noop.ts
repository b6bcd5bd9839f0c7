// NOOP: nothing, at once.
import type { TaskType } from './task-type.ts';

export const noop: TaskType = {
  type: 'NOOP',
  start: (flow, task) => flow.finish(task, { status: 'COMPLETED' }),
};
