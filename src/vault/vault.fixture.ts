// For the vault's tests: a real database, a real loop, a Stripe simulator, and an HTTP server that mounts the proxy.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEgress } from '../egress/create-egress.ts';
import type { Egress } from '../egress/egress.ts';
import type { VaultKey } from '../model/vault.ts';
import { Loop } from '../orchestrator/loop.ts';
import { type BrittleStore, brittle } from '../orchestrator/testing/brittle-store.ts';
import { Freshness } from '../store/freshness.ts';
import type { Store } from '../store/port.ts';
import { createSqliteStore } from '../store/sqlite/store.ts';
import { type StripeSimulator, startStripeSimulator } from '../testing/simulators/stripe/index.ts';
import type { IssuedKey } from './control/key-control.ts';
import { createVault, type Vault } from './create-vault.ts';
import type { ProxyReply } from './proxy-api.ts';

export class TestClock {
  /** Added to real time. */
  offsetMs = 0;
  fixedMs: number | undefined;

  now(): number {
    return (this.fixedMs ?? Date.now()) + this.offsetMs;
  }
}

export interface TestVault {
  readonly vault: Vault;
  /** The vault's. */
  readonly loop: Loop;
  /** Where runs start and end; the same one in a store with a single writer. */
  readonly runLoop: Loop;
  readonly store: BrittleStore;
  readonly egress: Egress;
  readonly simulator: StripeSimulator;
  readonly clock: TestClock;
  readonly folder: string;
  /** Origin of the server that mounts the proxy. */
  readonly origin: string;
  readonly host: string;
  readonly port: number;
  readonly defects: string[];
  /** What the HTTP surface asks before each request; null in a store with a single writer. */
  readonly freshness: Freshness | null;
  issue(fields?: Record<string, unknown>, idempotencyKey?: string): Promise<IssuedKey>;
  post(key: string, path: string, body: string, headers?: readonly string[]): Promise<Answer>;
  get(key: string, path: string, headers?: readonly string[]): Promise<Answer>;
  send(method: string, target: string, rawHeaders: readonly string[], body?: string): Promise<Answer>;
  /** Another vault on the same database and simulator, as after a crash: nothing of this one is settled any more. */
  reopen(): Promise<TestVault>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  // Tests look into vendor-shaped bodies by name.
  readonly json: Body;
}

export interface Body {
  readonly id?: string;
  readonly amount?: number;
  readonly error?: { readonly code?: string; readonly message?: string; readonly type?: string };
  readonly keybrake?: Readonly<Record<string, unknown>>;
}

export interface TestVaultOptions {
  readonly simulator?: StripeSimulator;
  /** Somebody else closes it. */
  readonly sharesSimulator?: boolean;
  readonly folder?: string;
  readonly clock?: TestClock;
  readonly masterKey?: Uint8Array;
  readonly inFlightMax?: number;
  readonly upstream?: string;
  /** Absent: an embedded store in the folder. */
  readonly openStore?: () => Promise<Store>;
}

export const MASTER_KEY = new Uint8Array(32).fill(42);
export const TASK = { runId: '0198c000-0000-7000-8000-000000000001', attempt: 0, ref: 'charge_customer_task_1' };

export async function openTestVault(options: TestVaultOptions = {}): Promise<TestVault> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'vault-'));
  const clock = options.clock ?? new TestClock();
  const simulator = options.simulator ?? (await startStripeSimulator());
  const openStore = options.openStore ?? (() => createSqliteStore({ path: join(folder, 'test.db') }));
  const store = brittle(await openStore());
  const loop = new Loop(store, clock);
  const runLoop = store.shared ? new Loop(store, clock) : loop;
  const egress = createEgress();
  const defects: string[] = [];
  const freshness = store.shared && (await Freshness.open(store.shared));
  const vault = await createVault({
    transactor: loop,
    reads: store.reads,
    clock,
    newId: () => crypto.randomUUID(),
    masterKey: options.masterKey ?? MASTER_KEY,
    newChargeRowId: () => store.newRowId('charge'),
    shared: store.shared,
    freshness,
    upstreams: { stripe: options.upstream ?? simulator.origin },
    egress,
    environmentSecrets: { stripe: simulator.secret },
    publicUrl: () => 'http://conductor.test',
    log: (message) => defects.push(message),
    ...(options.inFlightMax === undefined ? {} : { inFlightMax: options.inFlightMax }),
  });
  const server = await mount(vault);
  const send: TestVault['send'] = async (method, target, rawHeaders, body = '') =>
    answer(await vault.proxy.handle({ method, target, rawHeaders, body: new TextEncoder().encode(body) }));
  let closed = false;
  const shut = async () => {
    if (closed) return;
    closed = true;
    await new Promise<void>((resolve) => {
      server.server.close(() => resolve());
      server.server.closeAllConnections();
    });
    await vault.close();
    await loop.drained();
    await runLoop.drained();
    await egress.close();
    await store.close();
  };
  return {
    ...{ vault, loop, runLoop, store, egress, simulator, clock, folder, defects, freshness, send },
    ...{ origin: `http://127.0.0.1:${server.port}`, host: '127.0.0.1', port: server.port },
    issue: (fields = {}, idempotencyKey) =>
      vault.keys.issue({
        body: { vendor: 'stripe', daily_usd_cap: 500, allowed_endpoints: ['*'], expires_in: '2h', ...fields },
        idempotencyKey: idempotencyKey ?? null,
        principal: 'key_test',
      }),
    post: (key, path, body, headers = []) =>
      send(
        'POST',
        path,
        ['Authorization', `Bearer ${key}`, 'Content-Type', 'application/x-www-form-urlencoded', ...headers],
        body,
      ),
    get: (key, path, headers = []) => send('GET', path, ['Authorization', `Bearer ${key}`, ...headers]),
    async reopen() {
      await shut();
      return openTestVault({ ...options, folder, clock, simulator });
    },
    async close() {
      await shut();
      if (!options.sharesSimulator) await simulator.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answer(reply: ProxyReply): Promise<Answer> {
  const text = await textOf(reply.body);
  return { status: reply.status, headers: Object.fromEntries(reply.headers), text, json: parsed(text) };
}

async function textOf(body: ProxyReply['body']): Promise<string> {
  if (typeof body === 'string') return body;
  if (body instanceof Uint8Array) return new TextDecoder().decode(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function parsed(text: string): Body {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

async function mount(vault: Vault): Promise<{ server: Server; port: number }> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = '', url = '', rawHeaders } = request;
    const reply = await vault.proxy.handle({ method, target: url, rawHeaders, body: Buffer.concat(chunks) });
    response.writeHead(reply.status, reply.headers.flat());
    if (typeof reply.body === 'string' || reply.body instanceof Uint8Array) response.end(reply.body);
    else {
      for await (const chunk of reply.body) response.write(chunk);
      response.end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { server, port: typeof address === 'object' && address ? address.port : 0 };
}

/** Counted money of a key, as its rows say. */
export async function rowsOf(test: TestVault, key: VaultKey) {
  await test.loop.settled();
  const rows = await test.store.reads.chargesOf(key.id, 0);
  return { rows, totalMicros: rows.reduce((sum, { amountMicros }) => sum + amountMicros, 0) };
}

/** The text of a key as a task gets it. */
export async function taskKey(test: TestVault, label: string, attempt = 0, ref = TASK.ref): Promise<string> {
  return (await test.vault.keys.resolve({ label, vendor: null, task: { ref, attempt, runId: TASK.runId } })).text;
}
