// What the loop needs from its neighbours, and what it offers to them. The vault hangs on these, never on the loop.

import type { Spelling } from '../expressions/spelling.ts';
import type { Json, JsonObject, JsonValue } from '../model/json.ts';
import type { Run, Task } from '../model/run.ts';
import type { WorkflowDefinition } from '../model/workflow-definition.ts';
import type { Round } from '../store/port.ts';
import type { WriteBatch } from '../store/write-batch.ts';

export interface Clock {
  now(): number;
}

/** What `load` answers when another process holds what the operation needs: it is put off to a later round. */
export const BUSY = Symbol('busy');

/** Something to decide in a round. */
export interface Operation<T> {
  /** Runs before `decide`, with all other loads of the round: fetches and locks what must not be stale; resolves with BUSY to be put off. */
  load?(round: Round): Promise<unknown> | undefined;
  /** About how much it will write, where that may be much: what arrives together is not all committed together then. */
  readonly chars?: number;
  /**
   * Its decision reads and changes nothing that a round's listeners know of, and it needs nothing loaded where there is
   * a single writer. There it may be decided on what is being committed; should that fail, so does it.
   */
  readonly pipelined?: boolean;
  /**
   * Runs on the loop, alone, in memory: may read what it owns, push rows into `batch`, and returns what the caller gets
   * once the batch is committed. Must not await. An AppError refuses this operation alone; it must be thrown before
   * anything is changed. May run again, after `onLost`, when the round was lost to another process.
   */
  decide(batch: WriteBatch, now: number): T;
}

/**
 * Where the vault and access take part in rounds. If a commit fails every caller of the round gets
 * AppError('store_unavailable') and every `onLost` listener runs, so that caches are dropped and read again.
 */
export interface Transactor {
  submit<T>(operation: Operation<T>): Promise<T>;
  /** `submit` for what needs nothing loaded. */
  transact<T>(decide: (batch: WriteBatch, now: number) => T): Promise<T>;
  /** The same for work whose caller has its answer already: rides with the next round, a millisecond later at the latest. */
  submitSoon<T>(operation: Operation<T>): Promise<T>;
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
   * Before the round in which an ended run may go on: what gives it, in that transaction, the keys back that ended with
   * it. What they have spent stays spent. `run`: as it ended.
   */
  reopening(runId: string): Promise<(run: Run, batch: WriteBatch, now: number) => void>;
  /**
   * In a shared store: learns of these runs, which another process may have started, what `fill` must know. Undefined
   * when it is known. Awaited before a hand-off whose step spells `${workflow.vault.…}`.
   */
  prepare(runs: readonly Run[]): Promise<void> | undefined;
  /**
   * Fills vault placeholders in the copy handed to a worker. Returns `input` itself when there is nothing to fill.
   * `spelling`: where the step's definition spells `${workflow.vault.…}`. Only there may it be filled: the same text in
   * a run's data is data. Concealed keys (`conceal`) carry their own proof and are always filled.
   */
  fill(input: Json, run: Run, task: Task, spelling: Spelling | null): Json;
  /** Replaces every vault key of ours in a document that is about to be stored. Returns `document` itself when there is none. */
  conceal(document: Json, rootRunId: string): Json;
  /** The same for plain text (logs, reasons). */
  concealText(text: string, rootRunId: string): string;
}

/** Tells work that nobody waits for it any more. */
export interface Stop {
  readonly stopped: boolean;
  /** Made when it is asked for: an AbortSignal costs more than most steps take. */
  readonly signal: AbortSignal;
  /** Calls `tell` when it stops, which is never where it has stopped already; returns how to take that back. */
  onStop(tell: () => void): () => void;
}

/** Runs a task type inside the server: claims come through the ready queue like any worker's. */
export interface InProcessWorker {
  /** The queue it serves, e.g. HTTP. */
  readonly queue: string;
  /** How many at once. */
  readonly concurrency: number;
  /** Never throws: a failure is a result. Answers at once where there is nothing to wait for. */
  execute(
    task: Task,
    run: Run,
    input: Json,
    stop: Stop,
    /** What the run's steps gave so far, by reference. */
    outputs: () => Readonly<Record<string, JsonValue>>,
  ): InProcessResult | Promise<InProcessResult>;
}

export interface InProcessResult {
  readonly status: 'COMPLETED' | 'FAILED' | 'FAILED_WITH_TERMINAL_ERROR' | 'IN_PROGRESS';
  readonly output: Json;
  readonly reason: string | null;
  /** Laid over the run's `state` variable together with the result. */
  readonly statePatch?: JsonObject;
}
