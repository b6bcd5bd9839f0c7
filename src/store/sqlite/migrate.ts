// Numbered migrations, `migrations/0001-initial.sql` and on, each applied once in its own transaction.
// Must never touch a database that newer code has written.
import { readdirSync, readFileSync } from 'node:fs';
import type { SqlDatabase } from './driver.ts';

const FOLDER = new URL('./migrations/', import.meta.url);
const FILE_NAME = /^(\d{4})-[a-z0-9-]+\.sql$/;

interface Migration {
  readonly version: number;
  readonly file: string;
}

/** Brings the schema up to date. Throws an Error that names the file when its schema is newer than this code. */
export function migrate(database: SqlDatabase, path: string): void {
  const known = migrations();
  const newest = known.at(-1)?.version ?? 0;
  database.exec(
    'create table if not exists schema_migration (version integer primary key, file text not null, applied_ms integer not null)',
  );
  const [row] = database.prepare('select coalesce(max(version), 0) as version from schema_migration').all([]);
  const current = Number(row?.version ?? 0);
  if (current > newest) {
    throw new Error(
      `The database ${path} has schema version ${current}, this server knows ${newest}. Run the newer server, or give this one its own file.`,
    );
  }
  for (const migration of known) if (migration.version > current) apply(database, migration);
}

function apply(database: SqlDatabase, { version, file }: Migration): void {
  const sql = readFileSync(new URL(file, FOLDER), 'utf8');
  const note = `insert into schema_migration values (${version}, '${file}', unixepoch() * 1000)`;
  try {
    database.exec(`begin immediate;\n${sql};\n${note};\ncommit`);
  } catch (error) {
    database.exec('rollback');
    throw error;
  }
}

function migrations(): Migration[] {
  return readdirSync(FOLDER)
    .sort()
    .flatMap((file) => {
      const version = FILE_NAME.exec(file)?.[1];
      return version === undefined ? [] : [{ version: Number(version), file }];
    });
}
