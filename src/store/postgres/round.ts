// One round: one transaction on one connection, from its first lock to its commit. Owns when the connection goes back.
// Must never send `commit` but in one trip with what it commits: then it is not carried out when any of that fails.
import type { LoadedRuns, Round, StartedRun, StartKey, WantedRun, WriteBatch } from '../port.ts';
import type { SharedRound, Stamps } from '../shared-port.ts';
import { type Profile, roundSettingsOf } from './capabilities.ts';
import { unavailable } from './failure.ts';
import { loadRuns } from './load-runs.ts';
import { Locks } from './locks.ts';
import type { Pool, Session } from './pool.ts';
import { SELECT_STAMPS, sharedRound, stampsOf } from './shared-round.ts';
import { startedWith } from './start-locks.ts';
import type { TripStatement } from './trip.ts';
import { writesOf } from './write-statements.ts';

const COMMIT = { name: 'commit', sql: 'commit', values: [] };

/** Begins the transaction and reads the stamps in one trip. */
export async function openRound(pool: Pool, profile: Profile): Promise<Round> {
  const session = await pool.take();
  try {
    const answers = await session.trip(openingOf(profile, pool));
    return new PostgresRound(session, profile, stampsOf(answers.at(-1)?.rows[0] ?? {}));
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
      const answers = await this.#session.trip([...writesOf(batch, this.#locks), COMMIT]);
      // A transaction that had failed before is rolled back by `commit`, which says so and fails not.
      if (answers.at(-1)?.tag !== 'COMMIT') throw unavailable('The round was not committed.', undefined);
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

/** A session of ours has the settings of a round for good; another has them for the transaction. */
function openingOf(profile: Profile, { prepared, statementTimeoutMs }: Pool): TripStatement[] {
  const begin = `begin isolation level ${profile.isolation.value}`;
  const settings = prepared ? [] : roundSettingsOf(profile, statementTimeoutMs);
  return [
    { name: 'begin', sql: begin, values: [] },
    ...settings.map((setting) => ({ name: '', sql: `set local ${setting}`, values: [] })),
    { name: 'stamps', sql: SELECT_STAMPS, values: [] },
  ];
}
