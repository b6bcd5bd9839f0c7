// Notes who read an execution's history, through the loop like every other write. Must never answer before the note
// is durable: a history that was shown without a trace is what this is there to prevent.
import type { Transactor } from '../orchestrator/ports.ts';

export type RecordRead = (principal: string, runId: string, route: string) => Promise<void>;

/** Rejects with AppError store_unavailable, and then the history must not be shown. */
export function createHistoryReads(transactor: Transactor): RecordRead {
  return (principal, runId, route) =>
    transactor.transact((batch, now) => {
      batch.historyReads.push({ atMs: now, principal, runId, route });
    });
}
