// HUMAN: open until somebody updates it.
import type { TaskType } from './task-type.ts';

export const human: TaskType = {
  type: 'HUMAN',
  start(flow, task) {
    flow.watch(flow.put({ ...task, status: 'IN_PROGRESS' }));
  },
};
