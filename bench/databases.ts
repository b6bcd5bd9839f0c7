// Which store the measured servers run on: the embedded one of their data folder, or databases of one real Postgres that
// lives as long as the bench.
import { startPostgres, type TestPostgres } from '../tests/support/postgres-server.ts';

// Enough memory and log for the length of a bench, so that no checkpoint falls into one measurement and not into another.
const SIZES = { shared_buffers: '512MB', max_wal_size: '4GB', max_connections: '300', checkpoint_timeout: '30min' };

let server: TestPostgres | undefined;

export async function useStore(store: string): Promise<void> {
  if (store === 'postgres') server = await startPostgres(SIZES);
  else if (store !== 'sqlite') throw new Error(`--store knows sqlite and postgres; not ${store}`);
}

/** The URL of a new, empty database; undefined on the embedded store. */
export async function newDatabase(): Promise<string | undefined> {
  return server?.createDatabase();
}

export async function endStore(): Promise<void> {
  await server?.stop();
}
