// Where a test's data lies: a database of its own that can be opened, closed and opened again; on Postgres, by several
// at once.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase } from '../../../tests/support/postgres-database.ts';
import type { Store } from '../../store/port.ts';
import { createPostgresStore } from '../../store/postgres/store.ts';
import { createSqliteStore } from '../../store/sqlite/store.ts';

export interface Storage {
  open(): Promise<Store>;
  dispose(): Promise<void>;
}

export async function sqliteStorage(): Promise<Storage> {
  const folder = await mkdtemp(join(tmpdir(), 'conductor-'));
  return {
    open: () => createSqliteStore({ path: join(folder, 'test.db') }),
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

export async function postgresStorage(): Promise<Storage & { readonly url: string }> {
  const url = await createTestDatabase();
  return { url, open: () => createPostgresStore({ url }), dispose: async () => undefined };
}

export const STORAGES: readonly (readonly [string, () => Promise<Storage>])[] = [
  ['SQLite', sqliteStorage],
  ['Postgres', postgresStorage],
];
