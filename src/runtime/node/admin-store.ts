// The admin routes over a data directory that no server holds, dispatched in process: what `keys` and `secrets` use when
// nothing runs. The vault, and so the master key, is opened only for a command that needs it.
import type { Access, HeaderLookup } from '../../access/access.ts';
import type { ApiKeys } from '../../access/api-keys.ts';
import { createAccess } from '../../access/create-access.ts';
import type { Connection } from '../../cli/host.ts';
import { createEgress } from '../../egress/create-egress.ts';
import { createDispatcher, type RawRequest } from '../../http/dispatch.ts';
import type { Route } from '../../http/route.ts';
import { historyReadRoutes } from '../../http/routes/admin/history-reads.ts';
import { keyRoutes } from '../../http/routes/admin/keys.ts';
import { vaultRoutes } from '../../http/routes/vault/vault-routes.ts';
import { Loop } from '../../orchestrator/loop.ts';
import type { Store } from '../../store/port.ts';
import { createSqliteStore } from '../../store/sqlite/store.ts';
import { bodyOf } from './admin-reply.ts';
import { silentLog } from './log.ts';
import { databasePath, openVault, systemClock, Undo } from './parts.ts';
import { localKeyOf, makeDataDir, masterKeyOf } from './secret-files.ts';

interface Opened {
  readonly store: Store;
  readonly loop: Loop;
  readonly access: Access & ApiKeys;
}

/** Throws AppError store_unavailable while a server holds the directory. `masterKey`: base64, or undefined for the file's. */
export async function openAdminStore(dataDir: string, masterKey: string | undefined): Promise<Connection> {
  makeDataDir(dataDir);
  const undo = new Undo();
  const localKey = localKeyOf(dataDir);
  const header: HeaderLookup = (name) => (name === 'x-api-key' ? localKey : undefined);
  const opened = await open(dataDir, localKey, undo);
  return {
    where: dataDir,
    async call(method, path, body) {
      const routes = path.startsWith('/vault/')
        ? await routesWithVault(opened, dataDir, masterKey, undo)
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

async function open(dataDir: string, localKey: string, undo: Undo): Promise<Opened> {
  const store = await createSqliteStore({ path: databasePath(dataDir) });
  undo.add(() => store.close());
  const loop = new Loop(store, systemClock);
  undo.add(() => loop.drained());
  const access = await createAccess({
    transactor: loop,
    reads: store.reads,
    clock: systemClock,
    // No token that is made here is ever asked for again.
    tokenSecret: crypto.getRandomValues(new Uint8Array(32)),
    localKey,
  });
  return { store, loop, access };
}

function plainRoutes({ access, loop, store }: Opened): Route[] {
  return [...keyRoutes(access, systemClock), ...historyReadRoutes(store.reads, loop)];
}

async function routesWithVault(
  { store, loop }: Opened,
  dataDir: string,
  masterKey: string | undefined,
  undo: Undo,
): Promise<Route[]> {
  const egress = createEgress();
  undo.add(() => egress.close());
  const vault = await openVault(
    {
      masterKey: masterKeyOf(dataDir, masterKey, false),
      publicUrl: 'http://localhost',
      stripeUpstream: 'https://api.stripe.com',
      stripeSecret: undefined,
      log: silentLog,
    },
    { store, loop, egress },
  );
  undo.add(() => vault.close());
  return vaultRoutes(vault);
}
