// The Node runtime as the command line sees it: serves, calls a server over HTTP, or answers the admin routes itself over
// a data directory that no server holds. One set of routes behind all three, so the commands cannot tell.
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { redactor } from '../../cli/database-url.ts';
import { CliError, type CliHost, type Connection, UnreachableError } from '../../cli/host.ts';
import { createEgress } from '../../egress/create-egress.ts';
import { bodyOf } from './admin-reply.ts';
import { openAdminStore } from './admin-store.ts';
import { jsonLog } from './log.ts';
import { localKeyPath } from './secret-files.ts';
import { readServerRecord } from './server-record.ts';
import { startServer } from './start-server.ts';
import { packageVersion } from './version.ts';

const TIMEOUT_MS = 30_000;
const RESPONSE_BYTES_MAX = 16 * 1024 * 1024;

export function nodeHost(): CliHost {
  return {
    version: packageVersion(),
    async serve({ writeLog, ...options }) {
      // No password is logged on purpose; this is for what a driver may put into an error one day.
      const redacted = redactor(options.database);
      const server = await startServer({ ...options, log: jsonLog((line) => writeLog(redacted(line))) });
      return { url: server.url, connection: connect(server.url, server.localKey), close: () => server.close() };
    },
    connect,
    running(dataDir) {
      const record = readServerRecord(dataDir);
      const path = localKeyPath(dataDir);
      if (!record || !existsSync(path)) return undefined;
      const { url, database } = record;
      return { url, database, localKey: readFileSync(path, 'utf8').trim() };
    },
    openStore: openAdminStore,
    checkDatabase: async (settings) => (await import('./database-check.ts')).checkDatabase(settings),
    writable,
  };
}

/** Admin calls over HTTP. */
function connect(url: string, apiKey: string): Connection {
  const base = url.replace(/\/+$/, '').replace(/\/api$/, '');
  if (!URL.canParse(base)) throw new CliError(`"${url}" is not a URL.`);
  const egress = createEgress({ allowOrigins: () => [base] });
  return {
    where: base,
    async call(method, path, body) {
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
    close: () => egress.close(),
  };
}

function writable(dataDir: string): boolean {
  for (let folder = resolve(dataDir); ; folder = dirname(folder)) {
    if (!existsSync(folder) && folder !== dirname(folder)) continue;
    try {
      accessSync(folder, constants.W_OK);
      return true;
    } catch {
      return false;
    }
  }
}
