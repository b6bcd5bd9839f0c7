// A server from options to a listening address, and back. Owns the files of the data directory while it runs and the
// order of start and end. Must never answer a request before everything behind it stands.
import { databaseName } from '../../cli/database-url.ts';
import { problemMessage } from '../../cli/ui/problems.ts';
import type { Settings } from '../../config/config-schema.ts';
import { type ResolvedConfig, resolveConfig } from '../../config/resolve-config.ts';
import type { Problem } from '../../ensembles/project.ts';
import { type ServerLog, silentLog } from '../log.ts';
import { makeDataDir } from './data-dir.ts';
import { createNodeHandler } from './fast-routes.ts';
import { type Listener, listen } from './listener.ts';
import { loadConfig } from './load-config.ts';
import { openParts, type Parts, type PartsOptions, Undo } from './parts.ts';
import { localKeyOf, masterKeyOf } from './secret-files.ts';
import { ConfigurationError, checkOptions, type RunningServer, type ServerOptions } from './server-options.ts';
import { removeServerRecord, writeServerRecord } from './server-record.ts';
import { serverRoutes } from './server-routes.ts';
import { visitorSourceOf } from './visitor-files.ts';

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
  const { settings } = await configOf(options);
  makeDataDir(dataDir);
  const masterKey = masterKeyOf(dataDir, options.masterKey, options.production ?? false);
  const localKey = localKeyOf(dataDir);
  const undo = new Undo();
  try {
    const listener = await listen(options.host ?? '127.0.0.1', options.port ?? 8080);
    undo.add(() => listener.close(0));
    const partsOf = partsOptions(options, settings, listener, masterKey, localKey);
    const parts = await openParts(partsOf, undo);
    const { publicUrl } = partsOf;
    const visitor = visitorSourceOf(settings, options.project?.directory ?? '.');
    const routes = serverRoutes(parts, { settings, visitor, publicUrl, middleware: options.middleware ?? {}, log });
    tellProblems(parts.project.project().problems, options, log);
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

/** Without a project nothing is configured by files, nor by an environment that was meant for one. */
async function configOf({ config, project }: ServerOptions): Promise<ResolvedConfig> {
  return config ?? (project ? loadConfig(project.directory, process.env) : resolveConfig(null, {}));
}

/** In production a project with errors is not served at all: half of it may be the half that guards the other. */
function tellProblems(
  problems: readonly Problem[],
  { logProblems = true, production = false }: ServerOptions,
  log: ServerLog,
): void {
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (production && errors.length > 0) {
    const lines = errors.map((problem) => {
      const { column, file, line } = problem.position;
      return `${file}:${line}:${column}: ${problemMessage(problem)}`;
    });
    throw new ConfigurationError(`The project has errors:\n${lines.join('\n')}`);
  }
  if (!logProblems) return;
  for (const { severity, position, message, hint } of problems) {
    const { file, line, column } = position;
    log[severity === 'error' ? 'error' : 'warn'](message, { file, line, column, ...(hint && { hint }) });
  }
}

function partsOptions(
  options: ServerOptions,
  settings: Settings,
  listener: Listener,
  masterKey: Uint8Array,
  localKey: string,
): PartsOptions {
  const publicUrl = options.publicUrl ?? settings.server.publicUrl ?? listener.url;
  return {
    dataDir: options.dataDir,
    masterKey,
    localKey,
    open: options.open ?? false,
    publicUrl,
    allowOrigins: [...(options.allowOrigins ?? []), ...settings.egress.allowOrigins],
    // HTTP tasks issue vault keys here.
    ownOrigins: [listener.url, publicUrl],
    stripeUpstream: options.stripeUpstream ?? STRIPE_UPSTREAM,
    stripeSecret: options.stripeSecret,
    database: options.database,
    keepRunsMs: options.keepRunsMs ?? 0,
    keepAuditMs: options.keepAuditMs ?? 0,
    settings,
    projectDirectory: options.project?.directory ?? null,
    validators: new Map(Object.entries(options.validators ?? {})),
    stopHttp: () => listener.close(CLOSE_GRACE_MS),
    log: options.log ?? silentLog,
  };
}

function runningServer(parts: Parts, url: string, localKey: string, undo: Undo, log: ServerLog): RunningServer {
  const { access, executor, orchestrator, project, store, vault } = parts;
  let closed: Promise<void> | undefined;
  return {
    url,
    localKey,
    access,
    orchestrator,
    store,
    vault,
    executor,
    project: project.project,
    reload: () => project.reload(),
    close() {
      closed ??= undo.run().then(() => log.info('stopped', { url }));
      return closed;
    },
  };
}
