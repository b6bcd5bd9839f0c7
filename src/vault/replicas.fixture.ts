// For tests of several vaults on one Postgres: each with a store, a loop and a clock of its own, all before one vendor.
import { createServer } from 'node:http';
import { createTestDatabase } from '../../tests/support/postgres-database.ts';
import { createPostgresStore } from '../store/postgres/store.ts';
import { type StripeSimulator, startStripeSimulator } from '../testing/simulators/stripe/index.ts';
import { openTestVault, TestClock, type TestVault, type TestVaultOptions } from './vault.fixture.ts';

export interface Replicas {
  readonly all: readonly TestVault[];
  readonly simulator: StripeSimulator;
  /** The replica of this number, counted round and round. */
  at(number: number): TestVault;
  /** Another one on the same database. */
  open(options?: TestVaultOptions): Promise<TestVault>;
  close(): Promise<void>;
}

export async function openReplicas(count: number, url?: string): Promise<Replicas> {
  const simulator = await startStripeSimulator();
  const database = url ?? (await createTestDatabase());
  const all: TestVault[] = [];
  const open: Replicas['open'] = async (options = {}) => {
    const openStore = () => createPostgresStore({ url: database, poolSize: 4 });
    const clock = new TestClock();
    const opened = await openTestVault({ simulator, sharesSimulator: true, clock, openStore, ...options });
    all.push(opened);
    return opened;
  };
  for (let i = 0; i < count; i += 1) await open();
  return {
    all,
    simulator,
    open,
    at(number) {
      const replica = all[number % all.length];
      if (!replica) throw new Error('There is no replica.');
      return replica;
    },
    async close() {
      // First the vendor: calls that it never answers end with it.
      await simulator.close();
      for (const replica of all) await replica.close();
    },
  };
}

/** Stands before a vendor and holds requests back until it is opened. */
export async function startGate(origin: string) {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  let arrive: () => void = () => undefined;
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    arrive();
    await opened;
    const { host: _, connection: __, 'content-length': ___, ...kept } = request.headers;
    const headers = Object.entries(kept).map(([name, value]): [string, string] => [name, String(value)]);
    const { method = 'GET' } = request;
    const body = method === 'POST' ? Buffer.concat(chunks) : null;
    const answer = await fetch(origin + request.url, { method, headers, body });
    const passed = ['content-type', 'request-id', 'idempotent-replayed'].flatMap((name): [string, string][] => {
      const value = answer.headers.get(name);
      return value === null ? [] : [[name, value]];
    });
    response.writeHead(answer.status, Object.fromEntries(passed)).end(await answer.text());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    origin: `http://127.0.0.1:${port}`,
    arrived,
    open,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
