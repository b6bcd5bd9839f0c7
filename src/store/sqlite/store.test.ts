import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeConformance } from '../conformance.ts';
import { createSqliteStore } from './store.ts';

storeConformance('sqlite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'store-'));
  const path = join(folder, 'conductor.db');
  let store = await createSqliteStore({ path });
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await createSqliteStore({ path, readers: 2 });
      return store;
    },
    dispose: async () => {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
});
