// The Node runtime as the command line sees it: serves, calls a server over HTTP, or answers the admin routes itself over
// a data directory that no server holds. One set of routes behind all three, so the commands cannot tell. Also the project
// on disk: its configuration, its files, and one execution over them. What a command needs is loaded when it needs it: the
// server is most of this package, and most commands do without.
import { accessSync, constants, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { redactor } from '../../cli/database-url.ts';
import { CliError, type CliHost, type Connection, UnreachableError } from '../../cli/host.ts';
import { ConfigError } from '../../config/config-error.ts';
import type { Egress } from '../../egress/egress.ts';
import { jsonLog } from '../log.ts';
import { bodyOf } from './admin-reply.ts';
import { findConfig } from './find-config.ts';
import { hasProjectFolders, isDirectory } from './project-folders.ts';
import { runWrangler } from './run-wrangler.ts';
import { hasMasterKey, masterKeyPath, readLocalKey } from './secret-files.ts';
import { readServerRecord } from './server-record.ts';
import { packageDependency, packageVersion } from './version.ts';
import { watchProject } from './watch-project.ts';

const TIMEOUT_MS = 30_000;
const RESPONSE_BYTES_MAX = 16 * 1024 * 1024;

export function nodeHost(): CliHost {
  return {
    version: packageVersion(),
    dependency: packageDependency(),
    async serve({ writeLog, ...options }) {
      // No password is logged on purpose; this is for what a driver may put into an error one day.
      const redacted = redactor(options.database);
      const { startServer } = await import('./start-server.ts');
      const server = await startServer({
        ...options,
        logProblems: options.production,
        log: jsonLog((line) => writeLog(redacted(line))),
      });
      return {
        url: server.url,
        problems: server.project().problems,
        reload: () => server.reload(),
        connection: connect(server.url, server.localKey),
        close: () => server.close(),
      };
    },
    connect,
    running(dataDir) {
      const record = readServerRecord(dataDir);
      const localKey = record && readLocalKey(dataDir);
      return localKey ? { url: record.url, database: record.database, localKey } : undefined;
    },
    openStore: async (target) => (await import('./admin-store.ts')).openAdminStore(target),
    checkDatabase: async (settings) => (await import('./database-check.ts')).checkDatabase(settings),
    masterKeyFile: (dataDir) => (hasMasterKey(dataDir) ? masterKeyPath(dataDir) : null),
    writable,
    isProject,
    loadConfig: async (...given) => (await import('./load-config.ts')).loadConfig(...given),
    async loadProject(directory, { settings }) {
      const { LiveProject } = await import('./live-project.ts');
      const { readProject } = await import('./project-files.ts');
      const live = await LiveProject.open({ directory, settings });
      const { files } = await readProject(directory, settings.discovery);
      return { project: live.project(), files };
    },
    async handlerFault(directory, agent) {
      const { createHandlerLoader } = await import('./handler-loader.ts');
      try {
        await createHandlerLoader(directory).handler(agent);
        return null;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
    watch: (directory, ignore, onChange) => watchProject(directory, onChange, { ignore }),
    execute: async (...given) => (await import('./execute-once.ts')).execute(...given),
    writeFiles,
    buildCloudflare: async (directory, out) => (await import('./build-cloudflare.ts')).buildCloudflare(directory, out),
    wrangler: runWrangler,
  };
}

function isProject(directory: string): boolean {
  try {
    return hasProjectFolders(directory) || findConfig(directory) !== null;
  } catch (error) {
    // Two configurations are a project too: its loading says what is wrong.
    return error instanceof ConfigError && isDirectory(directory);
  }
}

/** Nothing is written before it is known that everything may be. */
function writeFiles(directory: string, files: ReadonlyMap<string, string>, force: boolean): readonly string[] {
  const there = existsSync(directory) ? readdirSync(directory).filter((name) => name !== '.git') : [];
  if (there.length > 0 && !force) {
    throw new CliError(`${directory} is not empty. Choose another directory, or add --force to write into this one.`);
  }
  for (const [path, text] of files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return [...files.keys()];
}

/** Admin calls over HTTP. */
function connect(url: string, apiKey: string): Connection {
  const base = url.replace(/\/+$/, '').replace(/\/api$/, '');
  if (!URL.canParse(base)) throw new CliError(`"${url}" is not a URL.`);
  let opened: Promise<Egress> | undefined;
  const door = () => {
    opened ??= import('../../egress/create-egress.ts').then(({ createEgress }) =>
      createEgress({ allowOrigins: () => [base] }),
    );
    return opened;
  };
  return {
    where: base,
    async call(method, path, body) {
      const egress = await door();
      const response = await egress
        .request({
          url: base + path,
          method,
          headers: { 'x-api-key': apiKey, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
          body: body === undefined ? null : JSON.stringify(body),
          connectTimeoutMs: 5_000,
          timeoutMs: TIMEOUT_MS,
          responseBytesMax: RESPONSE_BYTES_MAX,
          signal: AbortSignal.timeout(TIMEOUT_MS),
        })
        .catch((error: unknown) => {
          throw new UnreachableError(`${base} does not answer: ${error instanceof Error ? error.message : error}`);
        });
      return bodyOf(response.status, response.body);
    },
    close: async () => (await opened)?.close(),
  };
}

function writable(dataDir: string): boolean {
  for (let folder = resolve(dataDir); ; folder = dirname(folder)) {
    if (!existsSync(folder) && folder !== dirname(folder)) continue;
    try {
      accessSync(folder, constants.W_OK | constants.X_OK);
      return isDirectory(folder);
    } catch {
      return false;
    }
  }
}
