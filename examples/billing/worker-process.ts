// One worker process of the billing example: `demo.ts` forks some of these, a deployment would run them as services.
// Reads its settings from the environment, polls until it is told to stop.
import { noopLogger, orkesConductorClient, TaskManager } from '@io-orkes/conductor-javascript';
import { seededChance } from './seeded-chance.ts';
import { billingWorkers } from './workers.ts';

const { CONDUCTOR_SERVER_URL, DEMO_SEED = '1', DEMO_CONCURRENCY = '32' } = process.env;
if (!CONDUCTOR_SERVER_URL) throw new Error('CONDUCTOR_SERVER_URL is not set');

const workers = billingWorkers({
  vaultUrl: CONDUCTOR_SERVER_URL,
  concurrency: Number(DEMO_CONCURRENCY),
  failsAfterCharging: (customerId, attempt) => attempt === 0 && seededChance(`${DEMO_SEED}:${customerId}`) < 0.1,
});
// Signs in with CONDUCTOR_AUTH_KEY and CONDUCTOR_AUTH_SECRET.
const client = await orkesConductorClient({ logger: noopLogger });
const manager = new TaskManager(client, workers, {
  logger: noopLogger,
  options: { workerID: `billing-${process.pid}`, pollInterval: 50, batchPollingTimeout: 1000 },
});
manager.startPolling();
process.send?.('ready');

process.once('SIGTERM', () => void manager.stopPolling().then(() => process.exit(0)));
process.once('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole group: the parent decides when the workers go.
process.on('SIGINT', () => undefined);
