// What the loop needs from its neighbours, and what it offers to them. The vault hangs on these, never on the loop.

import type { Json } from '../model/json.ts';
import type { Run, Task } from '../model/run.ts';
import type { WorkflowDefinition } from '../model/workflow-definition.ts';
import type { WriteBatch } from '../store/port.ts';

export interface Clock {
  now(): number;
}

/**
 * One piece of work of a round. `decide` runs on the loop, alone, in memory: it may read what it owns, push rows into
 * `batch`, and returns what the caller gets once the batch is committed. Its result reaches nobody before that.
 * It must not await. If the commit fails every caller of the round gets AppError('store_unavailable') and every
 * `onLost` listener runs, so that caches are dropped and read again from the store.
 */
export interface Transactor {
  transact<T>(decide: (batch: WriteBatch, now: number) => T): Promise<T>;
  /** The same for work whose caller has its answer already: rides with the next round, a few ms later at the latest. */
  transactSoon<T>(decide: (batch: WriteBatch, now: number) => T): Promise<T>;
  onLost(listener: () => void): void;
  /** Resolves when everything submitted so far is committed: a read after it sees its own writes. */
  settled(): Promise<void>;
}

/** The vault's part in a run's life. All of it is synchronous and within the round. */
export interface RunHooks {
  /** A definition is being registered, or started inline. Throws AppError('invalid_definition') for a budget that cannot be kept. */
  check(definition: WorkflowDefinition): void;
  /** A run was created: issues its run keys from the definition's budget. Throws AppError('invalid_request') when a cap does not resolve. */
  started(run: Run, definition: WorkflowDefinition, batch: WriteBatch, now: number): void;
  /** A run became terminal: revokes its run keys in the same transaction. */
  ended(run: Run, batch: WriteBatch, now: number): void;
  /**
   * Fills vault placeholders in the copy handed to a worker. Returns `input` itself when there is nothing to fill.
   * `literals`: the `${workflow.vault.…}` texts that the step's definition spells. Only those may be filled: the same
   * text in a run's data is data. Concealed keys (`conceal`) carry their own proof and are always filled.
   */
  fill(input: Json, run: Run, task: Task, literals: ReadonlySet<string>): Json;
  /** Replaces every vault key of ours in a document that is about to be stored. Returns `document` itself when there is none. */
  conceal(document: Json, rootRunId: string): Json;
  /** The same for plain text (logs, reasons). */
  concealText(text: string, rootRunId: string): string;
}

/** Runs a task type inside the server: claims come through the ready queue like any worker's. */
export interface InProcessWorker {
  /** The queue it serves, e.g. HTTP. */
  readonly queue: string;
  /** How many at once. */
  readonly concurrency: number;
  /** Never throws: a failure is a result. */
  execute(task: Task, run: Run, input: Json, signal: AbortSignal): Promise<InProcessResult>;
}

export interface InProcessResult {
  readonly status: 'COMPLETED' | 'FAILED' | 'FAILED_WITH_TERMINAL_ERROR' | 'IN_PROGRESS';
  readonly output: Json;
  readonly reason: string | null;
}
