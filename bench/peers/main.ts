// `npm run bench:peers`: the same work on other engines and gateways and on us, in one run on one machine, each with
// durable commits. Peers are installed into a temporary folder, which goes away with everything that was started.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Entry } from './contender.ts';
import { chosen, PEER_NAMES } from './entries.ts';
import { type Line, measureField } from './field.ts';
import type { Turns } from './measure.ts';
import { PostgresServer } from './postgres.ts';
import { report } from './report.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: PEER_NAMES.join(',') },
    stores: { type: 'string', default: 'sqlite,postgres' },
    out: { type: 'string', default: join('bench', 'peers.json') },
  },
});
const TURNS: Turns = values.quick
  ? { rounds: 2, sliceMs: 2000, warmUpMs: 1000 }
  : { rounds: 5, sliceMs: 6000, warmUpMs: 5000 };

const [cpu] = cpus();
const machine = {
  cores: cpus().length,
  cpu: cpu?.model.trim() ?? 'unknown',
  memoryGb: Math.round(totalmem() / 2 ** 30),
  node: process.version,
};
const entries = chosen(values.only.split(','), values.stores.split(','));
const lines = await inFolder((folder) => measureAll(entries, folder));
const results = { machine, quick: values.quick, ...TURNS, lines };
writeFileSync(values.out, `${JSON.stringify(results, null, 2)}\n`);
if (values.json) console.log(JSON.stringify(results, null, 2));
else {
  console.log(`${machine.cores} cores (${machine.cpu}), ${machine.memoryGb} GB, node ${machine.node}`);
  console.log(`${TURNS.rounds} rounds of ${TURNS.sliceMs / 1000} s, medians\n\n${report(lines)}`);
}
// Keep-alive sockets to servers that are gone may linger for some seconds.
process.exit(0);

async function measureAll(all: readonly Entry[], folder: string): Promise<Line[]> {
  let server: Promise<PostgresServer> | null = null;
  const postgres = () => {
    server ??= PostgresServer.start();
    return server;
  };
  const found: Line[] = [];
  try {
    for (const work of ['runs', 'calls']) {
      const field = all.filter((entry) => entry.work === work);
      found.push(...(await measureField(field, folder, postgres, TURNS, (text) => console.error(text))));
    }
  } finally {
    await stopPostgres(server);
  }
  return found;
}

async function stopPostgres(server: Promise<PostgresServer> | null): Promise<void> {
  const started = await server?.catch(() => null);
  await started?.stop();
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'conductor-peers-'));
  const clean = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  // The keepers see our end and take their groups along.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      clean();
      process.exit(1);
    });
  }
  try {
    return await work(folder);
  } finally {
    clean();
  }
}
