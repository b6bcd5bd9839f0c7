// The columns of a task here: what is searched, joined or queued on has its own, see ../rows/task-row.ts for the rest.
import type { Task } from '../../model/run.ts';
import { isTerminal } from '../../model/task-status.ts';
import { detailsOf, stateOf } from '../rows/task-row.ts';
import { stored, storedOrNull } from '../rows/text-column.ts';
import { bigints, texts } from './table.ts';
import { indexable } from './text-column.ts';

export { OPEN_TASK_STATUSES, type TaskDetails, type TaskState, taskOf, taskStatusOf } from '../rows/task-row.ts';

export const TASK_KEY = { name: 'row_id', type: 'bigint' as const, value: (task: Task) => task.rowId };

export const TASK_CHANGING = [
  ...texts<Task>({
    status: (task) => task.status,
    state: (task) => JSON.stringify(stateOf(task)),
    output: (task) => task.output.text,
    queue_key: queueColumnOf,
    worker_id: (task) => storedOrNull(task.workerId),
  }),
  ...bigints<Task>({
    ready_ms: (task) => Math.max(task.visibleMs, task.scheduledMs),
    due_ms: (task) => (isTerminal(task.status) ? 0 : task.dueMs),
  }),
];

export const TASK_FIXED = [
  TASK_KEY,
  ...texts<Task>({
    id: (task) => stored(task.id),
    def_name: (task) => indexable(task.defName),
    details: (task) => JSON.stringify(detailsOf(task)),
    input: (task) => task.input.text,
    fragment: (task) => task.fragment?.text ?? null,
  }),
  ...bigints<Task>({
    run_row_id: (task) => task.runRowId,
    seq: (task) => task.seq,
  }),
];

/** What `taskOf` reads. */
export const TASK_READ = 'row_id, id, run_row_id, seq, status, details, state, input, fragment, output';

/** The rule of the orchestrator's `queueKey`, which a store must not import: the two must stay the same. */
export function queueKey(queue: string, domain: string | null): string {
  return domain === null ? queue : `${domain}:${queue}`;
}

/** Null: not to be handed out. */
function queueColumnOf(task: Task): string | null {
  if (task.status !== 'SCHEDULED' || task.queue === null) return null;
  return indexable(queueKey(task.queue, task.domain));
}
