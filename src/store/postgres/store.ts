// The store of many processes: one database, a bounded set of connections, one more that listens. Owns their lives.
// Keeps nothing in memory but unused row keys, so that any number of stores may be open on one database.
import type { PruneAges, Round, RowKind, Store } from '../port.ts';
import type { Reads } from '../reads.ts';
import type { SharedStore } from '../shared-port.ts';
import { PROFILES, type Profile, type ProfileName, profileOf, roundSettingsOf } from './capabilities.ts';
import { unavailable } from './failure.ts';
import { Announcer, Listener } from './listener.ts';
import { migrate } from './migrate.ts';
import { Pool } from './pool.ts';
import { prune } from './prune.ts';
import { definitionReads } from './read-definitions.ts';
import { runReads } from './read-runs.ts';
import { scheduleReads } from './read-schedules.ts';
import { vaultReads } from './read-vault.ts';
import { openRound } from './round.ts';
import { RowIds } from './row-ids.ts';
import { sharedStore } from './shared-store.ts';
import { textOf } from './text-column.ts';

export interface PostgresStoreOptions {
  readonly url: string;
  /** Connections at most, beside the one that listens. */
  readonly poolSize?: number;
  readonly statementTimeoutMs?: number;
  /** Also how long anybody waits for a connection out of the pool. */
  readonly connectTimeoutMs?: number;
  /** False behind a proxy that pools transactions. */
  readonly prepared?: boolean;
  /** Past such a proxy, which carries no notes. */
  readonly listenUrl?: string;
  /** What the database can do; found out by its version unless given. */
  readonly profile?: ProfileName | Profile;
}

/**
 * Opens the database, creates or migrates its schema and starts to listen.
 * Throws AppError store_unavailable when it cannot be reached or was written by a newer version.
 */
export async function createPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { poolSize = 10, statementTimeoutMs = 5000, connectTimeoutMs = 3000, prepared = true } = options;
  if (!Number.isInteger(poolSize) || poolSize < 1) throw new RangeError('poolSize must be at least 1');
  const { url, listenUrl = url } = options;
  const access = { url, poolSize, statementTimeoutMs, connectTimeoutMs, prepared };
  const profile = await prepare(new Pool({ ...access, poolSize: 1, settings: [] }), options.profile);
  const pool = new Pool({ ...access, settings: roundSettingsOf(profile, statementTimeoutMs) });
  try {
    const [rowIds, [written]] = await Promise.all([
      RowIds.open(pool),
      pool.all('select exists (select 1 from task) as any'),
    ]);
    const announcer = profile.listenNotify.value ? new Announcer(pool) : null;
    const listener = announcer && new Listener({ url: listenUrl, connectTimeoutMs, origin: announcer.origin });
    await listener?.start();
    return new PostgresStore({ pool, profile, rowIds, fresh: written?.any === false, listener, announcer });
  } catch (error) {
    await pool.close();
    throw error;
  }
}

/** A round writes locks before anything else: a database that only reads is of no use to one. */
const READ_ONLY = `select current_setting('transaction_read_only', true) as value`;

interface Parts {
  readonly pool: Pool;
  readonly profile: Profile;
  readonly rowIds: RowIds;
  readonly fresh: boolean;
  readonly listener: Listener | null;
  readonly announcer: Announcer | null;
}

class PostgresStore implements Store {
  readonly reads: Reads;
  readonly shared: SharedStore;
  readonly fresh: boolean;
  readonly commitBehind = null;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    const { pool, listener, announcer } = parts;
    this.#parts = parts;
    this.fresh = parts.fresh;
    this.shared = sharedStore(pool, listener, announcer);
    this.reads = {
      ...runReads(pool),
      ...definitionReads(pool),
      ...scheduleReads(pool),
      ...vaultReads(pool),
      ping: async () => {
        const [row] = await pool.all(READ_ONLY);
        if (row?.value === 'on') throw unavailable('The database takes no writes.', undefined);
      },
    };
  }

  round(): Promise<Round> {
    return openRound(this.#parts.pool, this.#parts.profile);
  }

  newRowId(kind: RowKind): number {
    return this.#parts.rowIds.next(kind);
  }

  prune(ages: PruneAges, limit: number): Promise<number> {
    return prune(this.#parts.pool, this.#parts.profile, ages, limit);
  }

  async close(): Promise<void> {
    await this.#parts.listener?.close();
    await this.#parts.pool.close();
  }
}

/** Sees to the schema, over a connection of its own. */
async function prepare(pool: Pool, given: PostgresStoreOptions['profile']): Promise<Profile> {
  try {
    const profile = await findProfile(pool, given);
    await migrate(pool, profile);
    return profile;
  } finally {
    await pool.close();
  }
}

async function findProfile(pool: Pool, given: ProfileName | Profile | undefined): Promise<Profile> {
  if (typeof given === 'object') return given;
  if (given !== undefined) return PROFILES[given];
  const [row = {}] = await pool.all('select version() as version');
  return PROFILES[profileOf(textOf(row, 'version'))];
}
