// One transaction on one connection, from its first lock to its end. It begins with what is sent first, in the same
// piece, so that to begin costs no trip. Owns when the connection goes back. Must never send `commit` but in one trip
// with what it commits: then it is not carried out when any of that fails.
import type { Stamps } from '../shared-port.ts';
import { type Profile, roundSettingsOf } from './capabilities.ts';
import { unavailable } from './failure.ts';
import type { Pool, Session } from './pool.ts';
import type { Querier, Row } from './querier.ts';
import { SELECT_STAMPS, stampsOf } from './stamps.ts';
import type { Answer, TripStatement } from './trip.ts';

const COMMIT = { name: 'commit', sql: 'commit', values: [] };

export class Transaction implements Querier {
  readonly #session: Session;
  readonly #opening: readonly TripStatement[];
  /** Read where the transaction begins; null before that. */
  #stamps: Promise<Stamps> | null = null;
  #alone: Promise<unknown> | null = null;

  private constructor(session: Session, opening: readonly TripStatement[]) {
    this.#session = session;
    this.#opening = opening;
  }

  static async on(pool: Pool, profile: Profile): Promise<Transaction> {
    return new Transaction(await pool.take(), openingOf(profile, pool));
  }

  async all(sql: string, values: readonly unknown[] = [], name = ''): Promise<readonly Row[]> {
    const [answer] = await this.trip([{ sql, values, name }]);
    return answer?.rows ?? [];
  }

  /** As of a session; none waits for the answer to another. */
  async trip(statements: readonly TripStatement[]): Promise<readonly Answer[]> {
    while (this.#alone) await this.#alone;
    if (this.#stamps) return this.#session.trip(statements);
    const opened = this.#session.trip([...this.#opening, ...statements]);
    const own = this.#opening.length;
    this.#stamps = opened.then((answers) => stampsOf(answers[own - 1]?.rows[0] ?? {}));
    this.#stamps.catch(() => undefined);
    return (await opened).slice(own);
  }

  /** Sends nothing else before `work` is done: what fails in it is undone before it can fail what follows. */
  async alone<T>(work: (session: Session) => Promise<T>): Promise<T> {
    await this.stamps();
    while (this.#alone) await this.#alone;
    const working = work(this.#session);
    this.#alone = working
      .catch(() => undefined)
      .then(() => {
        this.#alone = null;
      });
    return working;
  }

  /** As of the beginning, which waits until this turn's other questions are asked, to travel with one of them. */
  async stamps(): Promise<Stamps> {
    await null;
    await null;
    if (!this.#stamps) await this.trip([]);
    return this.#stamps ?? Promise.reject(new TypeError('A transaction that has begun has read its stamps.'));
  }

  /** Rejects when anything was not written: then nothing was. */
  async commit(writes: readonly TripStatement[]): Promise<void> {
    try {
      // Whatever is sent after a beginning that failed would not be part of any transaction.
      await this.#stamps;
      if (this.#stamps || writes.length > 0) await this.#end([...writes, COMMIT]);
    } catch (error) {
      await this.abandon();
      throw error;
    }
    this.#session.release();
  }

  async abandon(): Promise<void> {
    if (this.#session.released) return;
    try {
      if (this.#stamps) await this.#session.script('rollback');
      this.#session.release();
    } catch {
      // The connection is gone, and the server rolls back what was on it.
      this.#session.release(true);
    }
  }

  async #end(statements: readonly TripStatement[]): Promise<void> {
    const answers = await this.trip(statements);
    // A transaction that had failed before is rolled back by `commit`, which says so and fails not.
    if (answers.at(-1)?.tag !== 'COMMIT') throw unavailable('The round was not committed.', undefined);
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
