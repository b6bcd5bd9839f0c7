// What the demo prints for people: amounts, the live line, the spend summary.
import type { Spend } from './demo-api.ts';
import type { BillingRun } from './demo-run.ts';
import type { Stage } from './demo-stage.ts';

const SPEND_ROWS_SHOWN = 5;
const LINE_EVERY_MS = 2000;

export function say(line = ''): void {
  console.log(line);
}

/** 500_000_000 -> "$500.00"; more decimals only where there are any. */
export function dollars(micros: number): string {
  const fraction = String(micros % 1_000_000).padStart(6, '0');
  const whole = Math.floor(micros / 1_000_000).toLocaleString('en');
  return `$${whole}.${fraction.replace(/0{1,4}$/, '')}`;
}

/** One line, written over itself on a terminal; elsewhere a line now and then. */
export class Progress {
  readonly #stage: Stage;
  readonly #run: BillingRun;
  readonly #wanted: boolean;
  readonly #overwrites = process.stdout.isTTY === true;
  #shownMs = 0;

  constructor(stage: Stage, run: BillingRun, wanted: boolean) {
    this.#stage = stage;
    this.#run = run;
    this.#wanted = wanted;
  }

  async show(): Promise<void> {
    if (!this.#wanted || (!this.#overwrites && performance.now() - this.#shownMs < LINE_EVERY_MS)) return;
    this.#shownMs = performance.now();
    const { api, simulator } = this.#stage;
    const refused = await api.count(this.#run.id, 'FAILED_WITH_TERMINAL_ERROR');
    const { customers, spentUsdMicros } = simulator.ledger(this.#run.plan);
    const total = this.#run.customers;
    const done = Math.min(total, customers + refused);
    const bar = '#'.repeat(Math.round((20 * done) / Math.max(1, total))).padEnd(20, '.');
    const line =
      `  [${bar}] ${done}/${total} done  ${customers} charged  ${refused} refused  ` +
      `${dollars(spentUsdMicros)} of ${dollars(this.#run.capUsdMicros)}`;
    process.stdout.write(this.#overwrites ? `\r${line}  ` : `${line}\n`);
  }

  end(): void {
    if (this.#wanted && this.#overwrites) process.stdout.write('\n');
  }
}

/** The run's spend by task, as the audit log has it. */
export function printSpend(spend: Spend): void {
  say('  Spend by task, from the audit log:');
  const spenders = spend.tasks.filter((task) => task.spent_usd > 0);
  for (const task of spenders.slice(0, SPEND_ROWS_SHOWN)) {
    const calls = `${task.calls} ${task.calls === 1 ? 'call ' : 'calls'}`;
    say(
      `    ${task.task_reference_name.padEnd(26)} ${calls}  $${task.spent_usd.toFixed(2)}  ${task.vendor_object_ids}`,
    );
  }
  const rest = spenders.length - SPEND_ROWS_SHOWN;
  if (rest > 0) say(`    … and ${rest.toLocaleString('en')} more tasks that spent`);
  const refused = spend.tasks.filter((task) => task.allowed === 0).length;
  if (refused > 0) say(`    … and ${refused.toLocaleString('en')} tasks that were refused and spent nothing`);
}
