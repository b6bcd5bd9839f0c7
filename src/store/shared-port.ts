// What a store offers more when other processes write to the same database, as nouns: news of their work, what one round
// locks against another, and what all processes count and keep together. Must never be asked of a store with a single writer.
import type { Charge, VaultKey } from '../model/vault.ts';
import type { Signal } from './write-batch.ts';

/** Other processes write to the same database. */
export interface SharedStore {
  /** Calls back with queues (see `queueKey`) where another process made tasks ready; null: any queue may have some. */
  onReady(listener: (keys: readonly string[] | null) => void): void;
  /** Tells the other processes, some time soon and together with what follows. Never fails, may be lost. */
  announce(keys: readonly string[]): void;
  stamps(): Promise<Stamps>;
  /** Timers that should have fired by this instant, oldest first. */
  overdue(beforeMs: number, limit: number): Promise<OverdueTimer[]>;
  /** Not yet applied, oldest first. */
  signals(createdBeforeMs: number, limit: number): Promise<Signal[]>;
  /** This process is alive now, by the database's clock. A write of its own, outside rounds. */
  heartbeat(processId: string): Promise<void>;
  /** Resolves with the value that all processes go by: the first that any of them gave under this name. */
  agree(name: string, value: string): Promise<string>;
  /** This process works no more: what it left is an orphan at once. */
  leave(processId: string): Promise<void>;
  /** Tasks in progress at a worker `server:<process id>` whose process has been silent for so long. */
  orphans(silentMs: number, limit: number): Promise<OrphanTask[]>;
  /** How many tasks may be handed out at each queue that has any. */
  readySizes(now: number): Promise<Record<string, number>>;
  /**
   * Adds one to each of these counters, a name as often as it is listed, and resolves with what each has become, in the
   * order given; the first is 1. A counter is forgotten some time after it has expired. A write of its own, outside rounds.
   */
  countUp(counters: readonly Counter[]): Promise<number[]>;
  readonly keyValues: SharedKeyValues;
}

/** Pairs of text by binding, ordered by the UTF-8 bytes of their keys. `now` decides what has expired, and so is absent. */
export interface SharedKeyValues {
  get(binding: string, key: string, now: number): Promise<string | null>;
  put(binding: string, key: string, pair: KeptValue): Promise<void>;
  delete(binding: string, key: string): Promise<void>;
  /** Keys that begin with `prefix` and come after `after`. */
  list(binding: string, prefix: string, after: string, limit: number, now: number): Promise<string[]>;
  /** Puts only when the present value is `expected` (null: absent), and says whether it did. */
  replace(binding: string, key: string, expected: string | null, pair: KeptValue, now: number): Promise<boolean>;
}

export interface KeptValue {
  readonly value: string;
  /** 0: never. */
  readonly expiresMs: number;
}

export interface Counter {
  readonly name: string;
  readonly expiresMs: number;
}

export interface OverdueTimer {
  readonly runRowId: number;
  /** 0: the run's own timer. */
  readonly taskRowId: number;
}

export interface OrphanTask {
  readonly taskRowId: number;
  readonly runRowId: number;
  readonly workerId: string;
}

/** How often each kind of seldom-changed noun has been written: who holds them in memory reads them anew on a change. */
export interface Stamps {
  readonly definitions: number;
  readonly schedules: number;
  readonly apiKeys: number;
  readonly vendorSecrets: number;
}

export interface SharedRound {
  /** As of the round's beginning. */
  stamps(): Promise<Stamps>;
  /** Until the round ends nobody else writes definitions, task definitions, schedules, API keys or vendor secrets; stamps anew. */
  lockStamps(): Promise<Stamps>;
  /**
   * Tasks that may be handed out at `now`, up to `count` a queue: by priority, then in the order they became ready.
   * Their runs may be locked by it, where they are free, but not loaded: the run must be, and the task looked at again,
   * before it is handed out.
   */
  readyTasks(wanted: readonly { readonly key: string; readonly count: number }[], now: number): Promise<ReadyTask[]>;
  /** Locks the limits of task types; those that another round holds are left out. */
  lockLimits(defNames: readonly string[]): Promise<readonly TaskLimit[]>;
  /** Locks vault keys, waiting for each other in one order. */
  lockVaultKeys(wanted: readonly WantedVaultKey[]): Promise<LoadedVaultKeys>;
}

export interface ReadyTask {
  readonly key: string;
  readonly taskRowId: number;
  readonly runRowId: number;
  readonly defName: string;
}

export interface TaskLimit {
  readonly defName: string;
  /** Tasks of the type in progress, as committed. Ignored when written. */
  readonly inProgress: number;
  /** When the last ones were handed out, ascending, as far back as a rate limit has needed them. */
  readonly handedOutMs: readonly number[];
}

export interface WantedVaultKey {
  readonly id: string;
  /** The revision that memory holds; 0: nothing. */
  readonly revision: number;
  /** Of a key not held: charges reserved at or after this instant matter; for a `lifetime` window all do. */
  readonly sinceMs: number;
}

export interface LoadedVaultKeys {
  /** As in `LoadedRuns`. */
  readonly changed: readonly LoadedVaultKey[];
  readonly gone: readonly string[];
}

export interface LoadedVaultKey {
  readonly key: VaultKey;
  /** Raised by one with every commit that writes the key or one of its charges; 1 after the commit that made it. */
  readonly revision: number;
  /** Charges that still count or were released since; all that matter, or (when `since` is not 0) those written after it. */
  readonly charges: readonly Charge[];
  readonly since: number;
}
