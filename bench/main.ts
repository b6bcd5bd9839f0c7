// `npm run bench`: every figure that we publish, measured on this machine in one go. The server runs in its own process
// on a fresh database file with durable commits; this process is the load driver.
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endStore, useStore } from './databases.ts';
import { ensembles } from './parts/ensembles.ts';
import { forkCost } from './parts/fork-cost.ts';
import { handOff } from './parts/hand-off.ts';
import { historyCost } from './parts/history.ts';
import { idleRunBytes } from './parts/idle-runs.ts';
import { replicaRates } from './parts/replicas.ts';
import { runsPerSecond } from './parts/runs-per-second.ts';
import { forkTasks } from './parts/tasks-per-second.ts';
import { vaultCalls } from './parts/vault-calls.ts';
import { emptyResults, type Results, table } from './results.ts';

type Part = (quick: boolean, results: Results) => Promise<void>;

const PARTS: Readonly<Record<string, Part>> = {
  tasks: async (quick, results) => {
    Object.assign(results, await forkTasks(quick));
  },
  runs: async (quick, results) => {
    results.runsPerSecond = await runsPerSecond(quick);
  },
  handoff: async (quick, results) => {
    results.handoffMs = await handOff(quick);
  },
  forks: async (quick, results) => {
    results.perTaskCost = await forkCost(quick);
  },
  vault: async (quick, results) => {
    results.vault = await vaultCalls(quick);
  },
  ensemble: async (quick, results) => {
    results.ensemble = await ensembles(quick);
  },
  idle: async (quick, results) => {
    results.idleRunBytes = await idleRunBytes(quick);
  },
  history: async (quick, results) => {
    results.perTaskCostByHistory = await historyCost(quick);
  },
  replicas: async (quick, results) => {
    results.replicas = await replicaRates(quick);
  },
};

/** Run only when named: of no use on the default store; too long for --quick, with over a million rows to make. */
const ON_REQUEST = ['replicas'];
const ON_REQUEST_IF_QUICK = ['replicas', 'history'];

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    store: { type: 'string', default: 'sqlite' },
    only: { type: 'string' },
    out: { type: 'string', default: join('bench', 'results.json') },
  },
});

const left = values.quick ? ON_REQUEST_IF_QUICK : ON_REQUEST;
const chosen = values.only?.split(',') ?? Object.keys(PARTS).filter((name) => !left.includes(name));

const [cpu] = cpus();
console.log(`${cpus().length} cores (${cpu?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GB,`);
console.log(`node ${process.version} on ${process.platform} ${process.arch}${values.quick ? ', quick' : ''}\n`);

await useStore(values.store);
const results = emptyResults();
for (const name of chosen) {
  const part = PARTS[name];
  if (!part) throw new Error(`--only knows ${Object.keys(PARTS).join(', ')}; not ${name}`);
  const startedAt = performance.now();
  await part(values.quick, results);
  console.error(`${name} took ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
}
await endStore();
console.log(`\n${table(results)}`);
writeFileSync(values.out, `${JSON.stringify(results, null, 2)}\n`);
