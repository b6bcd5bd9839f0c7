// Sets the stage: a Stripe simulator, the server on its database file, the definitions, and real worker processes with
// a key that lets them do their two tasks and nothing else.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Stripe from 'stripe';
import { startServer } from '../../src/runtime/node/start-server.ts';
import { DemoApi, type PolledTask } from './demo-api.ts';
import type { DemoOptions } from './demo-options.ts';
import { DemoSimulator } from './demo-simulator.ts';

export interface Stage {
  readonly url: string;
  readonly workflowName: string;
  /** May issue vault keys: what the seed's form passes to its HTTP task. */
  readonly issuerKey: string;
  readonly api: DemoApi;
  readonly simulator: DemoSimulator;
  /** Charges with the key that a polled task brought. Null when it worked, else what the vault answered. */
  chargeBy(task: PolledTask): Promise<string | null>;
  close(): Promise<void>;
}

const WORKER_PERMISSIONS = ['task:fetch_customers:*', 'task:charge_customer:*'];

export async function setStage(options: DemoOptions, dataDir: string, tell: (line?: string) => void): Promise<Stage> {
  const simulator = await DemoSimulator.start();
  const server = await startServer({
    dataDir,
    host: '127.0.0.1',
    port: 0,
    stripeUpstream: simulator.url,
    stripeSecret: simulator.secret,
  });
  tell(`Server      ${server.url}`);
  tell(`  sign in   X-API-Key: ${server.localKey}`);
  tell(`  database  ${dataDir}`);
  tell(`Stripe      ${simulator.url} (a simulator; the vault alone holds its key)`);

  const api = new DemoApi(server.url, server.localKey);
  const definition = readJson(options.form === 'seed' ? 'seed.json' : 'budget.json');
  await api.register(definition, readJson('task-definitions.json'));
  const [worker, issuer] = await Promise.all([
    server.access.generateKey({ name: 'billing workers', permissions: WORKER_PERMISSIONS, expiresMs: 0 }),
    server.access.generateKey({ name: 'billing issuer', permissions: ['vault:stripe:issue'], expiresMs: 0 }),
  ]);
  const workers = await startWorkers(options, server.url, worker.record.id, worker.key);
  tell(`Workers     ${workers.length} processes on the official Conductor and Stripe SDKs`);

  return {
    url: server.url,
    workflowName: definition.name,
    issuerKey: issuer.key,
    api,
    simulator,
    chargeBy: (task) => chargeBy(server.url, task),
    async close() {
      await Promise.all(workers.map(stopWorker));
      await server.access.revokeKey(worker.record.id);
      await server.access.revokeKey(issuer.record.id);
      await server.close();
      await simulator.close();
    },
  };
}

async function startWorkers(
  { workerProcesses, seed }: DemoOptions,
  url: string,
  keyId: string,
  key: string,
): Promise<ChildProcess[]> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const file = fileURLToPath(new URL(`./worker-process.${extension}`, import.meta.url));
  const environment = {
    ...process.env,
    CONDUCTOR_SERVER_URL: url,
    CONDUCTOR_AUTH_KEY: keyId,
    CONDUCTOR_AUTH_SECRET: key,
    DEMO_SEED: seed,
  };
  const start = async () => {
    // The SDK logs each refused task with its stack: too much of a good thing.
    const child = fork(file, { env: environment, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const died = once(child, 'exit').then(() =>
      Promise.reject(new Error('a worker process ended before it was ready')),
    );
    await Promise.race([once(child, 'message'), died]);
    died.catch(() => undefined);
    return child;
  };
  return Promise.all(Array.from({ length: workerProcesses }, start));
}

async function stopWorker(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const impatient = setTimeout(() => child.kill('SIGKILL'), 3000);
  await gone;
  clearTimeout(impatient);
}

async function chargeBy(url: string, { inputData, referenceTaskName }: PolledTask): Promise<string | null> {
  const { hostname, port } = new URL(url);
  const stripe = new Stripe(String(inputData.vault_key), { host: hostname, port, protocol: 'http', telemetry: false });
  try {
    await stripe.paymentIntents.create({
      amount: Number(inputData.amount_cents),
      currency: 'usd',
      customer: String(inputData.customer_id),
    });
    return null;
  } catch (error) {
    return `${referenceTaskName}: ${error}`;
  }
}

function readJson(file: string): { readonly name: string } {
  return JSON.parse(readFileSync(new URL(`./${file}`, import.meta.url), 'utf8'));
}
