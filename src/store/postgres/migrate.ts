// Numbered migrations, `migrations/0001-initial.sql` and on, each applied once. Any number of processes may come at
// once: they take turns. Must never touch a database that newer code has written.
import { readdirSync, readFileSync } from 'node:fs';
import { RoundConflict } from '../port.ts';
import type { Profile } from './capabilities.ts';
import { unavailable } from './failure.ts';
import type { Pool, Session } from './pool.ts';
import { numberOf } from './text-column.ts';

const FOLDER = new URL('./migrations/', import.meta.url);
const FILE_NAME = /^(\d{4})-[a-z0-9-]+\.sql$/;

/** "conductor" in digits, so that no other program of the database is likely to take the same lock. */
const ADVISORY_LOCK = 266_783_288;
const LEDGER =
  'create table if not exists schema_migration (version integer primary key, file text not null, applied_at timestamptz not null default now())';
const LOCK_ROW = [
  'create table if not exists schema_lock (id integer primary key)',
  'insert into schema_lock values (1) on conflict do nothing',
];
const ATTEMPTS_MAX = 20;
const PATIENCE_MS = 3_600_000;

interface Migration {
  readonly version: number;
  readonly file: string;
}

/** Brings the schema up to date. Throws AppError store_unavailable when it is newer than this code. */
export async function migrate(pool: Pool, profile: Profile): Promise<void> {
  const session = await pool.take();
  try {
    // Two that create a table at once may both be refused; then it is there, or the lock below says what is wrong.
    const creation = profile.advisoryLocks.value ? [] : LOCK_ROW;
    for (const sql of creation) await session.script(sql).catch(() => undefined);
    await retried(() => apply(session, profile));
  } finally {
    session.release();
  }
}

/** Where the lock is a row, the database may refuse one of two that meet rather than let it wait. */
async function retried(work: () => Promise<void>, attempt = 1): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof RoundConflict) || attempt === ATTEMPTS_MAX) throw error;
    await retried(work, attempt + 1);
  }
}

async function apply(session: Session, profile: Profile): Promise<void> {
  const lock = profile.advisoryLocks.value
    ? `select pg_advisory_xact_lock(${ADVISORY_LOCK})`
    : 'select id from schema_lock where id = 1 for update';
  const known = migrations();
  try {
    // Others may be creating a large index: whoever waits for them must not be cut short.
    await session.script(`begin; set local statement_timeout = 0; ${lock}`, PATIENCE_MS);
    // Whoever may not create a table may still use those that are there.
    const [{ ledger = null } = {}] = await session.all(`select to_regclass('schema_migration') as ledger`);
    if (ledger === null) await session.script(LEDGER);
    const [row = {}] = await session.all('select coalesce(max(version), 0) as version from schema_migration');
    const current = numberOf(row, 'version');
    refuseNewer(current, known.at(-1)?.version ?? 0);
    for (const { version, file } of known) {
      if (version <= current) continue;
      const note = `insert into schema_migration (version, file) values (${version}, '${file}')`;
      await session.script(`${readFileSync(new URL(file, FOLDER), 'utf8')};\n${note}`, PATIENCE_MS);
    }
    await session.script('commit');
  } catch (error) {
    await session.script('rollback').catch(() => undefined);
    throw error;
  }
}

function refuseNewer(current: number, newest: number): void {
  if (current <= newest) return;
  throw unavailable(
    `The database has schema version ${current}, this server knows ${newest}. Run the newer server, or give this one its own database.`,
    undefined,
  );
}

function migrations(): Migration[] {
  return readdirSync(FOLDER)
    .sort()
    .flatMap((file) => {
      const version = FILE_NAME.exec(file)?.[1];
      return version === undefined ? [] : [{ version: Number(version), file }];
    });
}
