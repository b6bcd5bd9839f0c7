// What the demo prints for people: amounts, the live line, the spend summary.
import type { Spend } from './demo-api.ts';
import type { BillingRun } from './demo-run.ts';
import type { Stage } from './demo-stage.ts';

const SPEND_ROWS_SHOWN = 5;

export function say(line = ''): void {
  console.log(line);
}

/** 500_000_000 -> "$500.00"; more decimals only where there are any. */
export function dollars(micros: number): string {
  const fraction = String(micros % 1_000_000).padStart(6, '0');
  const whole = Math.floor(micros / 1_000_000).toLocaleString('en');
  return `$${whole}.${fraction.replace(/0{1,4}$/, '')}`;
}

/** One line, written over itself on a terminal and left out elsewhere. */
export class Progress {
  readonly #stage: Stage;
  readonly #run: BillingRun;
  readonly #live: boolean;

  constructor(stage: Stage, run: BillingRun, wanted: boolean) {
    this.#stage = stage;
    this.#run = run;
    this.#live = wanted && process.stdout.isTTY === true;
  }

  async show(): Promise<void> {
    if (!this.#live) return;
    const { api, simulator } = this.#stage;
    const refused = await api.count(this.#run.id, 'FAILED_WITH_TERMINAL_ERROR');
    const { customers, spentUsdMicros } = simulator.ledger(this.#run.plan);
    const total = this.#run.customers;
    const done = Math.min(total, customers + refused);
    const bar = '#'.repeat(Math.round((20 * done) / Math.max(1, total))).padEnd(20, '.');
    process.stdout.write(
      `\r  [${bar}] ${done}/${total} done  ${customers} charged  ${refused} refused  ` +
        `${dollars(spentUsdMicros)} of ${dollars(this.#run.capUsdMicros)}  `,
    );
  }

  end(): void {
    if (this.#live) process.stdout.write('\n');
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
