// A server from options to a listening address, and back. Owns the files of the data directory while it runs and the
// order of start and end. Must never answer a request before everything behind it stands.
import { hostname } from 'node:os';
import { databaseName } from '../../cli/database-url.ts';
import { BODY_BYTES_MAX, createApp } from '../../http/app.ts';
import { createDispatcher } from '../../http/dispatch.ts';
import { createHistoryReads } from '../../http/history-reads.ts';
import { HttpMetrics, metricsRoutes } from '../../http/metrics.ts';
import { openapiRoutes } from '../../http/openapi.ts';
import type { Route } from '../../http/route.ts';
import { adminRoutes } from '../../http/routes/admin/index.ts';
import { conductorRoutes } from '../../http/routes/conductor/conductor-routes.ts';
import { vaultRoutes } from '../../http/routes/vault/vault-routes.ts';
import { createNodeHandler, type NodeHandlerOptions } from './fast-routes.ts';
import { type Listener, listen } from './listener.ts';
import { type ServerLog, silentLog } from './log.ts';
import { openParts, type Parts, type PartsOptions, Undo, VAULT_BODY_BYTES_MAX } from './parts.ts';
import { localKeyOf, makeDataDir, masterKeyOf } from './secret-files.ts';
import { checkOptions, type RunningServer, type ServerOptions } from './server-options.ts';
import { removeServerRecord, writeServerRecord } from './server-record.ts';
import { packageVersion } from './version.ts';

export { ConfigurationError, type RunningServer, type ServerOptions } from './server-options.ts';

const STRIPE_UPSTREAM = 'https://api.stripe.com';
/** Longest poll is 5 s; a vendor call may take 80 s, and is settled by the vault even when its caller is cut off. */
const CLOSE_GRACE_MS = 15_000;

/**
 * Starts a server. Resolves when it answers requests.
 * Throws ConfigurationError for options that must not be started with, and AppError store_unavailable.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  checkOptions(options);
  const { dataDir, log = silentLog } = options;
  makeDataDir(dataDir);
  const masterKey = masterKeyOf(dataDir, options.masterKey, options.production ?? false);
  const localKey = localKeyOf(dataDir);
  const undo = new Undo();
  try {
    const listener = await listen(options.host ?? '127.0.0.1', options.port ?? 8080);
    undo.add(() => listener.close(0));
    const parts = await openParts(partsOptions(options, listener, masterKey, localKey), undo);
    const routes = routesOf(parts, log);
    listener.serve(createNodeHandler(routes));
    const database = options.database && databaseName(options.database.url);
    writeServerRecord(dataDir, { pid: process.pid, url: listener.url, database });
    undo.add(() => removeServerRecord(dataDir));
    // Charges that a crash left open are asked about beside the work: a vendor that hangs must not hold up the start.
    void parts.vault.recover().catch((error: unknown) => log.error('open charges could not be read', { error }));
    if (options.open) log.warn('authentication is off (--open)', { url: listener.url });
    if (database && !options.masterKey) {
      log.warn('this server made a master key of its own; others that share the database need the same one', {
        dataDir,
      });
    }
    log.info('started', { url: listener.url, dataDir, database });
    return runningServer(parts, listener.url, localKey, undo, log);
  } catch (error) {
    await undo.run().catch(() => undefined);
    throw error;
  }
}

function partsOptions(
  options: ServerOptions,
  listener: Listener,
  masterKey: Uint8Array,
  localKey: string,
): PartsOptions {
  const publicUrl = options.publicUrl ?? listener.url;
  return {
    dataDir: options.dataDir,
    masterKey,
    localKey,
    open: options.open ?? false,
    publicUrl,
    // HTTP tasks issue vault keys here.
    allowOrigins: [...(options.allowOrigins ?? []), listener.url, publicUrl],
    stripeUpstream: options.stripeUpstream ?? STRIPE_UPSTREAM,
    stripeSecret: options.stripeSecret,
    database: options.database,
    keepRunsMs: options.keepRunsMs ?? 0,
    keepAuditMs: options.keepAuditMs ?? 0,
    stopHttp: () => listener.close(CLOSE_GRACE_MS),
    log: options.log ?? silentLog,
  };
}

function routesOf(
  { access, clock, freshness, loop, orchestrator, store, vault }: Parts,
  log: ServerLog,
): NodeHandlerOptions {
  const version = packageVersion();
  const { reads } = store;
  const metrics = new HttpMetrics();
  const api: Route[] = [
    ...conductorRoutes({ orchestrator, reads, access, recordRead: createHistoryReads(loop), version }),
    ...vaultRoutes(vault),
    ...adminRoutes({ keys: access, clock, reads, transactor: loop }),
    ...metricsRoutes(orchestrator, metrics),
  ];
  const routes = [...api, ...openapiRoutes(api, version)];
  const context = { log, observer: metrics, instance: hostname(), freshness };
  return {
    routes,
    dispatcher: createDispatcher(routes, access, context),
    // The proxy is not mounted here: node's raw target decides what is the vault's, before any URL parser touches it.
    app: createApp({ routes, access, bodyBytesMax: BODY_BYTES_MAX, ...context }),
    proxy: vault.proxy,
    bodyBytesMax: BODY_BYTES_MAX,
    vaultBodyBytesMax: VAULT_BODY_BYTES_MAX,
  };
}

function runningServer(parts: Parts, url: string, localKey: string, undo: Undo, log: ServerLog): RunningServer {
  const { access, orchestrator, store, vault } = parts;
  let closed: Promise<void> | undefined;
  return {
    url,
    localKey,
    access,
    orchestrator,
    store,
    vault,
    close() {
      closed ??= undo.run().then(() => log.info('stopped', { url }));
      return closed;
    },
  };
}
