// The columns of a run here: what is searched, joined or locked on has its own, see ../rows/run-row.ts for the rest.
import type { Run } from '../../model/run.ts';
import { isRunTerminal } from '../../model/run-status.ts';
import { detailsOf, stateOf } from '../rows/run-row.ts';
import { stored, storedOrNull } from '../rows/text-column.ts';
import { bigints, texts } from './table.ts';

export { type RunDetails, type RunState, runOf, runStatusOf } from '../rows/run-row.ts';

export const RUN_KEY = { name: 'row_id', type: 'bigint' as const, value: (run: Run) => run.rowId };

export const RUN_CHANGING = [
  ...texts<Run>({
    status: (run) => run.status,
    state: (run) => JSON.stringify(stateOf(run)),
    variables: (run) => run.variables.text,
    output: (run) => run.output.text,
  }),
  ...bigints<Run>({
    due_ms: (run) => (isRunTerminal(run.status) ? 0 : run.dueMs),
    // 0 if and only if the run is not over: the condition of the indexes of open runs.
    ended_ms: (run) => (isRunTerminal(run.status) ? Math.max(run.endedMs, 1) : 0),
  }),
];

export const RUN_FIXED = [
  RUN_KEY,
  ...texts<Run>({
    id: (run) => stored(run.id),
    name: (run) => stored(run.name),
    correlation_id: (run) => storedOrNull(run.correlationId),
    idempotency_key: (run) => storedOrNull(run.idempotencyKey),
    details: (run) => JSON.stringify(detailsOf(run)),
    input: (run) => run.input.text,
  }),
  ...bigints<Run>({
    version: (run) => run.version,
    priority: (run) => run.priority,
    created_ms: (run) => run.createdMs,
  }),
];

/** What `runOf` reads. */
export const RUN_READ =
  'row_id, id, name, version, correlation_id, idempotency_key, created_ms, status, details, state, input, variables, output';
