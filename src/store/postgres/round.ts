// One round: one transaction, what it has locked, and what it writes.
import type { LoadedRuns, LoadedSchedules, Round, StartedRun, StartKey, WantedRun } from '../port.ts';
import type { SharedRound } from '../shared-port.ts';
import type { WriteBatch } from '../write-batch.ts';
import type { Profile } from './capabilities.ts';
import { loadRuns } from './load-runs.ts';
import { loadSchedules } from './load-schedules.ts';
import { Locks } from './locks.ts';
import type { Pool } from './pool.ts';
import { sharedRound } from './shared-round.ts';
import { startedWith } from './start-locks.ts';
import { Transaction } from './transaction.ts';
import { writesOf } from './write-statements.ts';

export async function openRound(pool: Pool, profile: Profile): Promise<Round> {
  return new PostgresRound(await Transaction.on(pool, profile), profile);
}

class PostgresRound implements Round {
  readonly shared: SharedRound;
  readonly #transaction: Transaction;
  readonly #profile: Profile;
  readonly #locks = new Locks();

  constructor(transaction: Transaction, profile: Profile) {
    this.#transaction = transaction;
    this.#profile = profile;
    this.shared = sharedRound(transaction, profile, this.#locks);
  }

  loadRuns(wanted: readonly WantedRun[]): Promise<LoadedRuns> {
    return loadRuns(this.#transaction, this.#profile, this.#locks, wanted);
  }

  startedWith(keys: readonly StartKey[]): Promise<readonly (StartedRun | null)[]> {
    return startedWith(this.#transaction, keys);
  }

  loadSchedules(names: readonly string[]): Promise<LoadedSchedules> {
    return loadSchedules(this.#transaction, this.#profile, this.#locks, names);
  }

  async commit(batch: WriteBatch): Promise<void> {
    await this.#transaction.commit(writesOf(batch, this.#locks));
  }

  abandon(): Promise<void> {
    return this.#transaction.abandon();
  }
}
