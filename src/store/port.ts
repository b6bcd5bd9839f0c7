// The store as nouns. Owns what every database adapter must offer; the one conformance suite beside it says how it
// must behave. All writes go through a round's `commit`: one call is one transaction, durable when it resolves.

import type { Run, Task } from '../model/run.ts';
import type { RunStatus } from '../model/run-status.ts';
import type { ScheduleRecord } from '../model/workflow-schedule.ts';
import type { Reads } from './reads.ts';
import type { SharedRound, SharedStore } from './shared-port.ts';
import type { WriteBatch } from './write-batch.ts';

export interface Store {
  /**
   * Opens a round. In a shared store what it loads is locked against other writers until it commits or is abandoned.
   * Rejects with AppError('store_unavailable').
   */
  round(): Round | Promise<Round>;
  /**
   * Sends a commit on its way behind `earlier`, which may be under way still: should that one fail, so does this, and
   * `done` never comes before its. Null in a shared store, where a round must hold its locks before it decides.
   */
  readonly commitBehind: ((batch: WriteBatch, earlier: SentCommit | undefined) => SentCommit) | null;
  readonly reads: Reads;
  /** A fresh integer key, unique in the database; rows of one process get ascending ones. Never waits. */
  newRowId(kind: RowKind): number;
  /** No task had ever been written when the store was opened. */
  readonly fresh: boolean;
  /** What there is when other processes write to the same database; null for a store with a single writer. */
  readonly shared: SharedStore | null;
  /**
   * Removes one small batch of what has passed its age, whole runs at a time; resolves with how many rows of `run`,
   * `schedule_execution`, `audit` and `charge` went. Less than `limit`: nothing is left. An age of 0 keeps everything.
   */
  prune(ages: PruneAges, limit: number): Promise<number>;
  close(): Promise<void>;
}

/** A commit that may be under way. */
export interface SentCommit {
  /** Ascending in the order of sending. */
  readonly id: number;
  /** As of `Round.commit`. */
  readonly done: Promise<void>;
}

export type RowKind = 'run' | 'task' | 'charge' | 'signal';

export interface PruneAges {
  /** Terminal runs that ended before this instant, with their tasks, logs and history reads; firings from before it. */
  readonly runsEndedBeforeMs: number;
  /** Audit entries from before this instant; closed charges and dead vault keys that no window can count any more. */
  readonly auditBeforeMs: number;
}

export interface Round {
  /** Loads runs and, in a shared store, locks them. A run that another round holds is `busy`: it never waits for it. */
  loadRuns(wanted: readonly WantedRun[]): Promise<LoadedRuns>;
  /** The newest run started with each of these keys; in a shared store nobody else can start one until the round ends. */
  startedWith(keys: readonly StartKey[]): Promise<readonly (StartedRun | null)[]>;
  /** Schedules as they are; in a shared store locked, as runs are, and a name that nobody has free to be taken. */
  loadSchedules(names: readonly string[]): Promise<LoadedSchedules>;
  /**
   * Writes everything or nothing. Rejects with AppError('store_unavailable') when the database fails, and with
   * `RoundConflict` when another writer got in the way and nothing was written: the round may be tried again.
   */
  commit(batch: WriteBatch): Promise<void>;
  abandon(): Promise<void>;
  /** Null in a store with a single writer. */
  readonly shared: SharedRound | null;
}

/** A round lost to another writer (serialization failure, deadlock): nothing was written, the same work may be tried again. */
export class RoundConflict extends Error {}

export interface WantedRun {
  readonly rowId: number;
  /** The revision that memory holds; 0: nothing, send it whole. */
  readonly revision: number;
}

export interface LoadedRuns {
  /** Those that memory does not hold, or not in their present revision. The others that are not listed here are as held. */
  readonly changed: readonly LoadedRun[];
  /** Held by another round just now: not locked, not loaded, to be tried again. */
  readonly busy: readonly number[];
  readonly gone: readonly number[];
}

export interface LoadedRun {
  readonly run: Run;
  /**
   * Raised by one with every commit that writes the run or any of its tasks; 1 after the commit that made it.
   * Always 0 in a store with a single writer.
   */
  readonly revision: number;
  /** Ascending by seq: every attempt, or (when `since` is not 0) those written after that revision. */
  readonly tasks: readonly Task[];
  readonly since: number;
}

export interface LoadedSchedules {
  /** A name that is in neither list is nobody's. */
  readonly found: readonly ScheduleRecord[];
  /** Held by another round just now. */
  readonly busy: readonly string[];
}

export interface StartKey {
  readonly name: string;
  readonly key: string;
}

export interface StartedRun {
  readonly id: string;
  readonly status: RunStatus;
}
