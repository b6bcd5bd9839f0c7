// Finds whom an admin command talks to: the named server, the running server of the data directory, or the store.
import type { Context, Input } from './command.ts';
import { databaseOf } from './database.ts';
import { databaseName } from './database-url.ts';
import { CliError, type Connection, UnreachableError } from './host.ts';
import { dataDirOf, masterKeyOf } from './settings.ts';

/** Runs `work` against the target and closes it whatever happens. */
export async function withConnection<T>(
  context: Context,
  input: Input,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await findConnection(context, input);
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

/** The same with a server alone: the named one, or the running one of the data directory. Throws CliError without one. */
export async function withServer<T>(
  context: Context,
  input: Input,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await findServer(context, input);
  if (!connection) throw new CliError('No server is running here: name one with --url, or start one.');
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

async function findConnection(context: Context, input: Input): Promise<Connection> {
  const server = await findServer(context, input);
  if (server) return server;
  const target = { masterKey: masterKeyOf(context, input), database: databaseOf(context, input) };
  return context.host.openStore({ dataDir: dataDirOf(context, input), ...target });
}

async function findServer(context: Context, input: Input): Promise<Connection | undefined> {
  const { host, io } = context;
  const dataDir = dataDirOf(context, input);
  const url = input.text('url') ?? io.env.CONDUCTOR_URL;
  const apiKey = input.text('apiKey') ?? io.env.CONDUCTOR_API_KEY;
  const running = host.running(dataDir);
  if (url) {
    // The operator's local key opens everything: it goes to the server that owns it, and to no other address.
    const key = apiKey ?? (running && sameOrigin(running.url, url) ? running.localKey : undefined);
    if (!key) throw new CliError(`${url} needs a credential: set CONDUCTOR_API_KEY.`);
    return host.connect(url, key);
  }
  const database = databaseOf(context, input);
  // A server on another database is not the one that is meant.
  const meant = database === undefined || running?.database === databaseName(database.url);
  return running && meant ? reach(host.connect(running.url, apiKey ?? running.localKey)) : undefined;
}

/** Undefined when nobody answers: the server ended without removing its record. */
async function reach(connection: Connection): Promise<Connection | undefined> {
  try {
    await connection.call('GET', '/health');
    return connection;
  } catch (error) {
    if (!(error instanceof UnreachableError)) return connection;
    await connection.close();
    return undefined;
  }
}

function sameOrigin(a: string, b: string): boolean {
  return URL.canParse(a) && URL.canParse(b) && new URL(a).origin === new URL(b).origin;
}
