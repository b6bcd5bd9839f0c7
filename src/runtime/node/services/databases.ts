// The project's SQL databases by binding: Postgres where a URL is configured for it, else a SQLite file of its own in
// `<dataDir>/databases`. Owns their lifetime. Must never open the engine's own database.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Databases, SqlDatabase } from '../../../operations/operation.ts';
import { checkBinding } from '../../binding-name.ts';
import { SqliteDatabase } from './sqlite-database.ts';

interface Closable extends SqlDatabase {
  close(): Promise<void>;
}

export interface DatabasesOptions {
  readonly dataDir: string;
  /** Binding to `postgres://…`. */
  readonly postgres: Readonly<Record<string, string>>;
}

export function createDatabases({ dataDir, postgres }: DatabasesOptions): Databases & { close(): Promise<void> } {
  const opened = new Map<string, Closable>();
  for (const binding of Object.keys(postgres)) checkBinding(binding);
  return {
    open: (binding) => {
      const present = opened.get(checkBinding(binding));
      if (present) return present;
      const url = Object.hasOwn(postgres, binding) ? postgres[binding] : undefined;
      const database = url === undefined ? sqlite(dataDir, binding) : postgresAt(url);
      opened.set(binding, database);
      return database;
    },
    close: async () => {
      await Promise.all([...opened.values()].map((database) => database.close()));
      opened.clear();
    },
  };
}

/** The driver is loaded with the first query: a server without such a database need not wait for it at its start. */
function postgresAt(url: string): Closable {
  let opened: Promise<Closable> | undefined;
  const open = () => {
    opened ??= import('./postgres-database.ts').then(({ PostgresDatabase }) => new PostgresDatabase(url));
    return opened;
  };
  return {
    dialect: 'postgres',
    query: async (...call) => (await open()).query(...call),
    close: async () => (await opened)?.close(),
  };
}

function sqlite(dataDir: string, binding: string): SqliteDatabase {
  const folder = join(dataDir, 'databases');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return new SqliteDatabase(join(folder, `${binding}.db`));
}
