// The measured server, in a process of its own. Answers its parent's questions about CPU and memory.
import { startServer } from '../src/runtime/node/start-server.ts';

const { BENCH_DATA = '', BENCH_DATABASE, BENCH_PROJECT, BENCH_UPSTREAM } = process.env;
/** The same for all servers of one database. */
const MASTER_KEY = Buffer.alloc(32, 7).toString('base64');
const server = await startServer({
  dataDir: BENCH_DATA,
  host: '127.0.0.1',
  port: 0,
  ...(BENCH_DATABASE ? { database: { url: BENCH_DATABASE }, masterKey: MASTER_KEY } : {}),
  ...(BENCH_PROJECT ? { project: { directory: BENCH_PROJECT } } : {}),
  ...(BENCH_UPSTREAM ? { stripeUpstream: BENCH_UPSTREAM, stripeSecret: 'sk_test_bench' } : {}),
});

process.on('message', (question) => {
  if (question === 'cpu') process.send?.({ cpuMicros: cpuMicros() });
  if (question === 'memory') process.send?.({ bytes: settledBytes() });
  if (question === 'stop') void server.close().then(() => process.exit(0));
});
process.once('disconnect', () => process.exit(0));
process.send?.({ url: server.url, key: server.localKey });

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** What is still in use after collection: heap and buffers, not what the allocator keeps for later. */
function settledBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
