// The columns of a task here: what is searched or joined on has its own, see ../rows/task-row.ts for the rest.
import type { Task } from '../../model/run.ts';
import { detailsOf, stateOf } from '../rows/task-row.ts';
import { stored } from '../rows/text-column.ts';
import { inlineInput } from './large-input.ts';
import { columnsOf } from './table.ts';

export {
  OPEN_TASK_STATUSES,
  type TaskDetails,
  type TaskState,
  taskOf,
  taskStatusOf,
} from '../rows/task-row.ts';

export const TASK_KEY = { name: 'row_id', value: (task: Task) => task.rowId };

export const TASK_CHANGING = columnsOf<Task>({
  status: (task) => task.status,
  state: (task) => JSON.stringify(stateOf(task)),
  output: (task) => task.output.text,
});

export const TASK_COLUMNS = [
  TASK_KEY,
  ...columnsOf<Task>({
    id: (task) => stored(task.id),
    run_row_id: (task) => task.runRowId,
    seq: (task) => task.seq,
    details: (task) => JSON.stringify(detailsOf(task)),
    input: (task) => inlineInput(task),
    fragment: (task) => task.fragment?.text ?? null,
  }),
  ...TASK_CHANGING,
];
