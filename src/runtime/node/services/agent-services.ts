// What agents may keep: key-value stores, vectors and SQL databases, all in the data directory unless configured
// otherwise; key-value stores in the database that replicas share, where there is one. Owns their end. Nothing is opened
// before an agent asks for it.
import type { Databases, KeyValueStores, VectorStore } from '../../../operations/operation.ts';
import type { SharedStore } from '../../../store/shared-port.ts';
import { AgentsDatabase } from './agents-database.ts';
import { createDatabases, type DatabasesOptions } from './databases.ts';
import { createKeyValueStores } from './key-value-stores.ts';
import { createSharedKeyValueStores } from './shared-key-value-stores.ts';
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
  /** Of many replicas; null or absent: this server is alone. */
  readonly shared?: Pick<SharedStore, 'keyValues'> | null;
}

export function createAgentServices(options: AgentServicesOptions): AgentServices {
  const database = new AgentsDatabase(options.dataDir);
  const databases = createDatabases(options);
  const { clock, shared } = options;
  return {
    keyValue: shared ? createSharedKeyValueStores(shared.keyValues, clock) : createKeyValueStores(database, clock),
    vectors: createVectorStore(database),
    databases,
    close: async () => {
      await databases.close();
      database.close();
    },
  };
}
