// The billing demo: a run of 5,000 charges that cannot overspend, then a second run that is ended while tasks are held.
// Owns the story; the stage is set in demo-stage.ts, and every figure is read from the server or from the simulator.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DemoOptions, demoOptions, expectedCharges, USAGE } from './demo-options.ts';
import { dollars, Progress, printSpend, say } from './demo-output.ts';
import { endRun, outcomeOf, startRun } from './demo-run.ts';
import { type Stage, setStage } from './demo-stage.ts';

/** Exactly the keys of `--json`. */
interface DemoResult {
  readonly customers: number;
  readonly charged: number;
  readonly refused: number;
  readonly capUsd: number;
  readonly spentUsd: number;
  readonly doubleCharges: number;
  readonly chargedAfterTermination: number;
  readonly durationMs: number;
  readonly tasksPerSecond: number;
}

/** Charge tasks that the demo polls for itself and holds while their run is terminated. */
const HELD_TASKS = 25;
const HALTED_CUSTOMERS_MIN = 60;
const HALTED_CUSTOMERS_MAX = 400;

async function main(): Promise<void> {
  const options = readOptions();
  const tell = options.json ? () => undefined : say;
  const stage = await setStage(options, options.dataDir ?? scratchDir(), tell);
  try {
    const run = await billingRun(stage, options, tell);
    const chargedAfterTermination = await haltedRun(stage, options, tell);
    const { durationMs, tasksPerSecond, ...money } = run;
    const result: DemoResult = { ...money, chargedAfterTermination, durationMs, tasksPerSecond };
    const wrong = whatIsWrong(result, options);
    for (const line of wrong) console.error(`WRONG: ${line}`);
    if (wrong.length > 0) process.exitCode = 1;
    if (options.json) say(JSON.stringify(result));
    if (options.keep) await keepUntilInterrupted(stage, tell);
  } finally {
    await stage.close();
  }
}

async function billingRun(
  stage: Stage,
  options: DemoOptions,
  tell: (line?: string) => void,
): Promise<Omit<DemoResult, 'chargedAfterTermination'>> {
  const { customers, capUsdMicros, priceCents } = options;
  tell();
  tell(`Charging ${customers.toLocaleString('en')} customers ${dollars(priceCents * 10_000)} each,`);
  tell(`under a budget of ${dollars(capUsdMicros)}. One charge in ten falls over before it is reported.`);
  const startedAt = performance.now();
  const run = await startRun(stage, { plan: 'main', customers, priceCents, capUsdMicros, form: options.form });
  const progress = new Progress(stage, run, !options.json);
  await endRun(stage, run, () => progress.show());
  const durationMs = Math.round(performance.now() - startedAt);
  progress.end();

  const outcome = await outcomeOf(stage, run);
  const ledger = stage.simulator.ledger('main');
  const spend = await stage.api.spend(run.id);
  tell(`${outcome.status} in ${(durationMs / 1000).toFixed(1)} s`);
  const tooMany = customers - expectedCharges(options);
  const intended = outcome.status === 'FAILED' && tooMany > 0 && outcome.refused === tooMany;
  if (intended) tell(`The run ended FAILED, as it should: ${unfit(tooMany)}.`);
  tell(`  charged  ${String(ledger.customers).padStart(6)}`);
  tell(`  refused  ${String(outcome.refused).padStart(6)}  (FAILED_WITH_TERMINAL_ERROR)`);
  tell(`  spent    ${dollars(Math.round(spend.total_usd * 1_000_000))} of ${dollars(capUsdMicros)}`);
  tell(`  double charges ${ledger.doubleCharges}, although ${outcome.retried} charges were reported by a retry`);
  if (!options.json) printSpend(spend);
  return {
    customers,
    charged: ledger.customers,
    refused: outcome.refused,
    capUsd: capUsdMicros / 1_000_000,
    spentUsd: spend.total_usd,
    doubleCharges: ledger.doubleCharges,
    durationMs,
    tasksPerSecond: Math.round((customers / durationMs) * 1000),
  };
}

function unfit(customers: number): string {
  const noun = customers === 1 ? 'customer' : 'customers';
  return `${customers.toLocaleString('en')} ${noun} did not fit under the cap`;
}

/** Holds some polled tasks, ends their run, and then tries to charge with them. Returns how many charges got through. */
async function haltedRun(stage: Stage, options: DemoOptions, tell: (line?: string) => void): Promise<number> {
  const { priceCents } = options;
  const customers = Math.max(HALTED_CUSTOMERS_MIN, Math.min(HALTED_CUSTOMERS_MAX, options.customers));
  tell();
  tell(`A second run, ended while workers are charging and ${HELD_TASKS} polled tasks are held back:`);
  // The poll waits before the run starts, so that it gets its tasks before the workers have them all.
  const polling = stage.api.poll('charge_customer', HELD_TASKS);
  const run = await startRun(stage, {
    plan: 'halted',
    customers,
    priceCents,
    capUsdMicros: customers * priceCents * 10_000,
    form: options.form,
  });
  const held = await polling;
  if (held.length === 0) throw new Error('the demo got no task to hold back');
  await stage.simulator.charged('halted', 20);
  await stage.api.terminate(run.id, 'the operator pulled the plug');
  const answers = await Promise.all(held.map((task) => stage.chargeBy(task)));
  const refusals = answers.filter((answer) => answer !== null);
  tell(`  terminated after ${stage.simulator.ledger('halted').charges} charges`);
  tell(`  ${refusals.length} of the ${held.length} held tasks were refused by the vault when they tried to charge:`);
  tell(`  ${refusals[0] ?? 'nobody was refused'}`);
  return held.length - refusals.length;
}

function whatIsWrong(result: DemoResult, options: DemoOptions): string[] {
  const charged = expectedCharges(options);
  const checks: readonly (readonly [string, number, number])[] = [
    ['charged', result.charged, charged],
    ['refused', result.refused, options.customers - charged],
    ['spentUsd', result.spentUsd, (charged * options.priceCents) / 100],
    ['doubleCharges', result.doubleCharges, 0],
    ['chargedAfterTermination', result.chargedAfterTermination, 0],
  ];
  return checks.filter(([, got, want]) => got !== want).map(([what, got, want]) => `${what} is ${got}, not ${want}`);
}

async function keepUntilInterrupted(stage: Stage, tell: (line?: string) => void): Promise<void> {
  tell();
  tell(`The server stays up at ${stage.url}. Ctrl-C ends it.`);
  process.off('SIGINT', interrupt);
  await new Promise((resolve) => process.once('SIGINT', resolve));
}

/** Of this run alone, so that the project's own data stays as it is; goes when the process ends, also by a signal that it can hear. */
function scratchDir(): string {
  const path = mkdtempSync(join(tmpdir(), 'conductor-demo-'));
  process.once('exit', () => rmSync(path, { recursive: true, force: true }));
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', () => process.exit(143));
  return path;
}

function interrupt(): void {
  process.exit(130);
}

function readOptions(): DemoOptions {
  try {
    return demoOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    process.exit(2);
  }
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
