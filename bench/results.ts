// What a bench run reports: the shape of bench/results.json, and the table that people read.

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

/** Parts that were not run are null. */
export interface Results {
  tasksPerSecond: number | null;
  /** Of the same tasks: scheduled, handed out, completed; their scheduling is in the time. */
  transitionsPerSecond: number | null;
  runsPerSecond: number | null;
  /** From sending the request that schedules a task to holding that task in a waiting poller. */
  handoffMs: Percentiles | null;
  /** Microseconds of server CPU for each task of a fork, by number of branches. */
  perTaskCost: { '10': number; '100': number; '1000': number; '10000': number } | null;
  vault: VaultResults | null;
  /** A two-step ensemble over HTTP, each request a durable execution. */
  ensemble: EnsembleResults | null;
  /** The same load over so many server processes on one Postgres. */
  replicas: { '1': ReplicaRates; '2': ReplicaRates; '4': ReplicaRates } | null;
  /** Microseconds for each task of three-step runs, by the task rows of ended runs that the database held at first. */
  perTaskCostByHistory: { '1000': TaskCost; '100000': TaskCost; '1000000': TaskCost } | null;
  /** Bytes of server memory for each run that waits for a worker. */
  idleRunBytes: number | null;
}

export interface ReplicaRates {
  readonly runsPerSecond: number;
  readonly tasksPerSecond: number;
}

export interface TaskCost {
  /** Of the load: what the database takes is in it, on every store. */
  readonly wallMicros: number;
  /** Of the server process: on Postgres, the database's own work is not in it. */
  readonly cpuMicros: number;
}

export interface VaultResults {
  readonly callsPerSecond: number;
  /** A bare undici proxy in front of the same upstream, in the same bench run. */
  readonly passThroughPerSecond: number;
  /** Vault minus pass-through, one call at a time. */
  readonly addedMs: Percentiles;
  /** The same of a pass-through that makes one durable insert, by the same means: as little as can be on this machine. */
  readonly insertAddedMs: Percentiles;
}

export interface EnsembleResults {
  readonly perSecond: number;
  /** A bare Hono JSON route on the same kind of server, in the same bench run. */
  readonly barePerSecond: number;
  readonly p99Ms: number;
}

export function emptyResults(): Results {
  return {
    tasksPerSecond: null,
    transitionsPerSecond: null,
    runsPerSecond: null,
    handoffMs: null,
    perTaskCost: null,
    vault: null,
    ensemble: null,
    replicas: null,
    perTaskCostByHistory: null,
    idleRunBytes: null,
  };
}

export function percentiles(samplesMs: readonly number[]): Percentiles {
  const sorted = [...samplesMs].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: round(at(0.5)), p99: round(at(0.99)) };
}

export function table(results: Results): string {
  const { ensemble, handoffMs, perTaskCost, vault } = results;
  const rows: [string, string | null][] = [
    ['tasks/s, polled in batches, updated one by one', plain(results.tasksPerSecond)],
    ['  transitions/s, their scheduling included', plain(results.transitionsPerSecond)],
    ['three-step runs/s, started to completed', plain(results.runsPerSecond)],
    ['hand-off to a waiting poller, ms', handoffMs && `p50 ${handoffMs.p50}   p99 ${handoffMs.p99}`],
  ];
  for (const [branches, micros] of Object.entries(perTaskCost ?? {})) {
    rows.push([`server CPU per task, fork of ${branches}, µs`, String(micros)]);
  }
  if (perTaskCost) rows.push(['  10,000 branches against 10', ratio(perTaskCost['10000'], perTaskCost['10'])]);
  if (vault) {
    rows.push(['vault calls/s, reserved and settled durably', plain(vault.callsPerSecond)]);
    rows.push(['  bare undici pass-through calls/s', plain(vault.passThroughPerSecond)]);
    rows.push(['  vault against pass-through', ratio(vault.callsPerSecond, vault.passThroughPerSecond)]);
    rows.push(['  added by the vault, ms', `p50 ${vault.addedMs.p50}   p99 ${vault.addedMs.p99}`]);
    rows.push(['  by one durable insert alone, ms', `p50 ${vault.insertAddedMs.p50}   p99 ${vault.insertAddedMs.p99}`]);
  }
  if (ensemble) {
    rows.push(['two-step ensembles/s over HTTP', plain(ensemble.perSecond)]);
    rows.push(['  bare Hono JSON route/s', plain(ensemble.barePerSecond)]);
    rows.push(['  ensemble against bare', ratio(ensemble.perSecond, ensemble.barePerSecond)]);
    rows.push(['  p99 of an ensemble, 64 at a time, ms', String(ensemble.p99Ms)]);
  }
  rows.push(...replicaRows(results), ...historyRows(results));
  rows.push(['memory per idle run, bytes', plain(results.idleRunBytes)]);
  return rows
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name.padEnd(48)}${value}`)
    .join('\n');
}

function replicaRows({ replicas }: Results): [string, string][] {
  return Object.entries(replicas ?? {}).flatMap(([servers, { runsPerSecond, tasksPerSecond }]) => [
    [`three-step runs/s, replicas: ${servers}`, runsPerSecond.toLocaleString('en')],
    [`tasks/s, replicas: ${servers}`, tasksPerSecond.toLocaleString('en')],
  ]);
}

function historyRows({ perTaskCostByHistory: costs }: Results): [string, string][] {
  if (!costs) return [];
  const rows = Object.entries(costs).map(([tasks, { wallMicros, cpuMicros }]): [string, string] => [
    `a task after ${Number(tasks).toLocaleString('en')} past ones, µs`,
    `wall ${wallMicros}   server CPU ${cpuMicros}`,
  ]);
  const { '1000': first, '1000000': last } = costs;
  const wall = ratio(last.wallMicros, first.wallMicros);
  return [
    ...rows,
    ['  1,000,000 against 1,000', `wall ${wall}   server CPU ${ratio(last.cpuMicros, first.cpuMicros)}`],
  ];
}

export function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function plain(value: number | null): string | null {
  return value === null ? null : value.toLocaleString('en');
}

function ratio(value: number, base: number): string {
  return `${(value / base).toFixed(2)}x`;
}
