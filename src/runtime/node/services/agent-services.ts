// What agents may keep: key-value stores, vectors and SQL databases, all in the data directory unless configured
// otherwise. Owns their end. Nothing is opened before an agent asks for it.
import type { Databases, KeyValueStores, VectorStore } from '../../../operations/operation.ts';
import { AgentsDatabase } from './agents-database.ts';
import { createDatabases, type DatabasesOptions } from './databases.ts';
import { createKeyValueStores } from './key-value-stores.ts';
import { createVectorStore } from './vector-store.ts';

export interface AgentServices {
  readonly keyValue: KeyValueStores;
  readonly vectors: VectorStore;
  readonly databases: Databases;
  /** After the last agent is done. */
  close(): Promise<void>;
}

export interface AgentServicesOptions extends DatabasesOptions {
  readonly clock: { now(): number };
}

export function createAgentServices(options: AgentServicesOptions): AgentServices {
  const database = new AgentsDatabase(options.dataDir);
  const databases = createDatabases(options);
  return {
    keyValue: createKeyValueStores(database, options.clock),
    vectors: createVectorStore(database),
    databases,
    close: async () => {
      await databases.close();
      database.close();
    },
  };
}
