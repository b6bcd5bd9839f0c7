// The update that returns a handed-out task to its queue, as if it had not been handed out.
import type { TaskUpdate } from '../engine/decide/decision.ts';
import type { Task } from '../model/run.ts';

export function givenBack(task: Task): TaskUpdate {
  return {
    status: 'IN_PROGRESS',
    output: task.output,
    reason: task.reason,
    workerId: null,
    callbackAfterSeconds: 0,
    extendLease: false,
  };
}
