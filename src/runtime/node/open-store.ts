// Chooses the store by the settings: a shared Postgres, or the embedded database of the data directory. Owns what is said
// when a database cannot be used. Must never let a password into a message.
import { join } from 'node:path';
import { databaseName, redactor } from '../../cli/database-url.ts';
import type { DatabaseSettings } from '../../cli/host.ts';
import { AppError } from '../../model/error.ts';
import type { Store } from '../../store/port.ts';
import { createSqliteStore } from '../../store/sqlite/store.ts';
import { databaseFault } from './database-fault.ts';

/** Throws AppError store_unavailable: what, where, and how to mend it. Tries once: who started us starts us again. */
export async function openStore(dataDir: string, database: DatabaseSettings | undefined): Promise<Store> {
  if (!database) return createSqliteStore({ path: join(dataDir, 'conductor.db') });
  try {
    // Loaded here: who uses the embedded database need not wait for this driver at each start.
    const { createPostgresStore } = await import('../../store/postgres/store.ts');
    return await createPostgresStore(database);
  } catch (error) {
    const { reason, fix } = databaseFault(error);
    // A new error: the old one's causes are the driver's, and may carry what it was given.
    throw new AppError(
      'store_unavailable',
      `The database ${databaseName(database.url)} cannot be used: ${redactor(database)(reason)}. ${fix}`,
    );
  }
}
