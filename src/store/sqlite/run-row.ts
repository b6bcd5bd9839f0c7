// The columns of a run here: what is searched or joined on has its own, see ../rows/run-row.ts for the rest.
import type { Run } from '../../model/run.ts';
import { detailsOf, stateOf } from '../rows/run-row.ts';
import { stored, storedOrNull } from '../rows/text-column.ts';
import { inlineInput } from './large-input.ts';
import { columnsOf } from './table.ts';

export {
  OPEN_RUN_STATUSES,
  type RunDetails,
  type RunState,
  runOf,
  runStatusOf,
} from '../rows/run-row.ts';

export const RUN_KEY = { name: 'row_id', value: (run: Run) => run.rowId };

export const RUN_CHANGING = columnsOf<Run>({
  status: (run) => run.status,
  state: (run) => JSON.stringify(stateOf(run)),
  variables: (run) => run.variables.text,
  output: (run) => run.output.text,
});

export const RUN_COLUMNS = [
  RUN_KEY,
  ...columnsOf<Run>({
    id: (run) => stored(run.id),
    name: (run) => stored(run.name),
    version: (run) => run.version,
    correlation_id: (run) => storedOrNull(run.correlationId),
    idempotency_key: (run) => storedOrNull(run.idempotencyKey),
    created_ms: (run) => run.createdMs,
    details: (run) => JSON.stringify(detailsOf(run)),
    input: (run) => inlineInput(run),
  }),
  ...RUN_CHANGING,
];
