import { createTestDatabase } from '../../../tests/support/postgres-database.ts';
import { storeConformance } from '../conformance.ts';
import { sharedStoreConformance, type TwoStores } from '../conformance-shared.ts';
import { createPostgresStore, type PostgresStoreOptions } from './store.ts';

storeConformance('postgres', async () => {
  const url = await createTestDatabase();
  let store = await createPostgresStore({ url });
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await createPostgresStore({ url });
      return store;
    },
    dispose: () => store.close(),
  };
});

sharedStoreConformance('postgres', () => openTwo({}));
sharedStoreConformance('postgres without prepared statements', () => openTwo({ prepared: false }));

async function openTwo(options: Omit<PostgresStoreOptions, 'url'>): Promise<TwoStores> {
  const url = await createTestDatabase();
  const [first, second] = await Promise.all([1, 2].map(() => createPostgresStore({ url, ...options })));
  if (!first || !second) throw new Error('Two stores are expected.');
  return { first, second, dispose: async () => void (await Promise.all([first.close(), second.close()])) };
}
