// The admin routes over a store, dispatched in process: what `keys` and `secrets` use on a shared database, and on a data
// directory that no server holds. The vault, and so the master key, is opened only for a command that needs it.
import type { Access, HeaderLookup } from '../../access/access.ts';
import type { ApiKeys } from '../../access/api-keys.ts';
import { createAccess } from '../../access/create-access.ts';
import { databaseName } from '../../cli/database-url.ts';
import type { Connection, StoreTarget } from '../../cli/host.ts';
import { createEgress } from '../../egress/create-egress.ts';
import { createDispatcher, type RawRequest } from '../../http/dispatch.ts';
import type { Route } from '../../http/route.ts';
import { historyReadRoutes } from '../../http/routes/admin/history-reads.ts';
import { keyRoutes } from '../../http/routes/admin/keys.ts';
import { vaultRoutes } from '../../http/routes/vault/vault-routes.ts';
import { silentLog } from '../log.ts';
import { bodyOf } from './admin-reply.ts';
import { makeDataDir } from './data-dir.ts';
import { type Ground, openGround, openVault, systemClock, Undo } from './parts.ts';
import { hasMasterKey, localKeyOf, masterKeyOf } from './secret-files.ts';

interface Opened extends Ground {
  readonly access: Access & ApiKeys;
}

/** Commands come one after another; a pool of a server's size would take its connections from servers. */
const POOL_SIZE = 4;

/**
 * Throws AppError store_unavailable while a server holds the directory, or when the database does not answer.
 * `masterKey`: base64, or undefined for the file's.
 */
export async function openAdminStore({ dataDir, masterKey, database }: StoreTarget): Promise<Connection> {
  makeDataDir(dataDir);
  const undo = new Undo();
  const localKey = localKeyOf(dataDir);
  const header: HeaderLookup = (name) => (name === 'x-api-key' ? localKey : undefined);
  const pool = database && { ...database, poolSize: POOL_SIZE };
  const opened = await open(dataDir, pool, localKey, undo).catch(async (error: unknown) => {
    await undo.run().catch(() => undefined);
    throw error;
  });
  return {
    where: database ? databaseName(database.url) : dataDir,
    async call(method, path, body) {
      const routes = path.startsWith('/vault/')
        ? await routesWithVault(opened, masterKeyFor({ dataDir, masterKey, database }), undo)
        : plainRoutes(opened);
      const raw: RawRequest = {
        id: 'cli',
        method,
        path,
        search: '',
        header,
        signal: new AbortController().signal,
        text: () => Promise.resolve(body === undefined ? '' : JSON.stringify(body)),
      };
      const reply = await createDispatcher(routes, opened.access).dispatch(raw);
      return bodyOf(reply.status, typeof reply.body === 'string' ? reply.body : '');
    },
    close: () => undo.run(),
  };
}

async function open(dataDir: string, database: StoreTarget['database'], localKey: string, undo: Undo): Promise<Opened> {
  const ground = await openGround({ dataDir, database, log: silentLog }, undo);
  const access = await createAccess({
    transactor: ground.loop,
    reads: ground.store.reads,
    clock: systemClock,
    freshness: ground.freshness,
    // No token that is made here is ever asked for again.
    tokenSecret: crypto.getRandomValues(new Uint8Array(32)),
    localKey,
  });
  return { ...ground, access };
}

function plainRoutes({ access, loop, store }: Opened): Route[] {
  return [...keyRoutes(access, systemClock), ...historyReadRoutes(store.reads, loop)];
}

/** One made up here would seal secrets that no server on the shared database could open. */
function masterKeyFor({ dataDir, masterKey, database }: StoreTarget): Uint8Array {
  return masterKeyOf(dataDir, masterKey, database !== undefined && !hasMasterKey(dataDir));
}

async function routesWithVault(opened: Opened, masterKey: Uint8Array, undo: Undo): Promise<Route[]> {
  const egress = createEgress();
  undo.add(() => egress.close());
  const vault = await openVault(
    {
      masterKey,
      publicUrl: 'http://localhost',
      stripeUpstream: 'https://api.stripe.com',
      stripeSecret: undefined,
      log: silentLog,
    },
    opened,
    egress,
  );
  undo.add(() => vault.close());
  return vaultRoutes(vault);
}
