// What a worker of this process did, as an update of its task: without a vault key in it, and no larger than any worker's
// may be.
import type { TaskUpdate } from '../engine/decide/decision.ts';
import { EMPTY_OBJECT } from '../model/json.ts';
import type { InProcessResult, RunHooks } from './ports.ts';
import { UNFILLED } from './unfilled.ts';

interface Ports {
  readonly hooks: Pick<RunHooks, 'conceal' | 'concealText'>;
  readonly payloadBytesMax: number;
}

export function reported(
  { hooks, payloadBytesMax }: Ports,
  { status, output, reason, statePatch }: InProcessResult,
  rootId: string,
  workerId: string | null,
): TaskUpdate {
  const update = {
    ...UNFILLED,
    status,
    output: hooks.conceal(output, rootId),
    reason: reason === null ? null : hooks.concealText(reason, rootId),
    workerId,
    ...(statePatch && { statePatch }),
  };
  return update.output.text.length > payloadBytesMax ? oversized(update, payloadBytesMax) : update;
}

/** A report that is too large ends its task for good: another attempt would be as large. */
export function oversized(update: TaskUpdate, bytesMax: number): TaskUpdate {
  const reason = `The task output has more than ${bytesMax} bytes.`;
  return { ...update, status: 'FAILED_WITH_TERMINAL_ERROR', output: EMPTY_OBJECT, reason };
}
