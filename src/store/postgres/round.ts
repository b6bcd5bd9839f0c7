// One round: one transaction on one connection, from its first lock to its commit. Owns when the connection goes back.
// Must never send `commit` before every statement before it is known to have succeeded.
import type { LoadedRuns, Round, SharedRound, Stamps, StartedRun, StartKey, WantedRun, WriteBatch } from '../port.ts';
import { type Profile, plannerSettingsOf } from './capabilities.ts';
import { loadRuns } from './load-runs.ts';
import { Locks } from './locks.ts';
import type { Pool, Session } from './pool.ts';
import { sharedRound, stampsOf } from './shared-round.ts';
import { startedWith } from './start-locks.ts';
import { writesOf } from './write-statements.ts';

const SELECT_STAMPS = 'select definitions, api_keys, vendor_secrets from stamp where id = 1';

/** Begins the transaction and reads the stamps in one trip. */
export async function openRound(pool: Pool, profile: Profile): Promise<Round> {
  const session = await pool.take();
  try {
    const [row = {}] = await session.script(beginOf(profile, pool.statementTimeoutMs));
    return new PostgresRound(session, profile, stampsOf(row));
  } catch (error) {
    session.release(true);
    throw error;
  }
}

class PostgresRound implements Round {
  readonly shared: SharedRound;
  readonly #session: Session;
  readonly #profile: Profile;
  readonly #locks = new Locks();

  constructor(session: Session, profile: Profile, stamps: Stamps) {
    this.#session = session;
    this.#profile = profile;
    this.shared = sharedRound(session, profile, this.#locks, stamps);
  }

  loadRuns(wanted: readonly WantedRun[]): Promise<LoadedRuns> {
    return loadRuns(this.#session, this.#profile, this.#locks, wanted);
  }

  startedWith(keys: readonly StartKey[]): Promise<readonly (StartedRun | null)[]> {
    return startedWith(this.#session, keys);
  }

  async commit(batch: WriteBatch): Promise<void> {
    try {
      const writes = writesOf(batch, this.#locks);
      // One trip, whatever there is to write. The first that fails makes the server refuse the rest.
      await Promise.all(writes.map(({ sql, values, name }) => this.#session.all(sql, values, name)));
      await this.#session.script('commit');
    } catch (error) {
      await this.abandon();
      throw error;
    }
    this.#session.release();
  }

  async abandon(): Promise<void> {
    if (this.#session.released) return;
    try {
      await this.#session.script('rollback');
      this.#session.release();
    } catch {
      // The connection is gone, and the server rolls back what was on it.
      this.#session.release(true);
    }
  }
}

/**
 * A round that is not heard of for so long holds its locks no longer: a process that was suspended in the middle of one
 * must not keep others from its runs.
 */
function beginOf(profile: Profile, timeoutMs: number): string {
  const settings = [
    `statement_timeout = ${timeoutMs}`,
    `idle_in_transaction_session_timeout = ${timeoutMs}`,
    ...plannerSettingsOf(profile),
    ...(profile.plannerSettings.value ? ['enable_hashjoin = off', 'enable_mergejoin = off'] : []),
  ];
  const begin = `begin isolation level ${profile.isolation.value}`;
  return [begin, ...settings.map((setting) => `set local ${setting}`), SELECT_STAMPS].join('; ');
}
