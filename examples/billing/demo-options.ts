// The demo's command line. Owns the flags, their defaults and their limits; amounts are exact integers from here on.
import { parseArgs } from 'node:util';

export interface DemoOptions {
  readonly customers: number;
  readonly capUsdMicros: number;
  readonly priceCents: number;
  readonly seed: string;
  /** Null: one of its own, that goes when it ends. */
  readonly dataDir: string | null;
  readonly form: 'budget' | 'seed';
  readonly workerProcesses: number;
  readonly json: boolean;
  readonly keep: boolean;
}

export const USAGE = `npm run demo -- [options]
  --customers N   customers to charge, 0 to 20,000 (5000)
  --cap USD       budget of the run in dollars (500)
  --price USD     charge of each customer, in whole cents (0.50)
  --seed TEXT     decides which charges fall over before they are reported (1)
  --data DIR      where the database file lies, and stays (a temporary one that is removed)
  --form NAME     budget: in the definition; seed: an HTTP task issues the key (budget)
  --workers N     worker processes, 1 to 8 (2)
  --json          quiet; the last line is one JSON object
  --keep          leave the server up until Ctrl-C`;

/** Throws an Error with a message for the user. */
export function demoOptions(args: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      customers: { type: 'string', default: '5000' },
      cap: { type: 'string', default: '500' },
      price: { type: 'string', default: '0.50' },
      seed: { type: 'string', default: '1' },
      data: { type: 'string' },
      form: { type: 'string', default: 'budget' },
      workers: { type: 'string', default: '2' },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  });
  if (values.form !== 'budget' && values.form !== 'seed') throw new Error('--form must be budget or seed');
  return {
    customers: whole('--customers', values.customers, 0, 20_000),
    capUsdMicros: amount('--cap', values.cap, 6),
    priceCents: positive('--price', amount('--price', values.price, 2)),
    seed: values.seed,
    dataDir: values.data ?? null,
    form: values.form,
    workerProcesses: whole('--workers', values.workers, 1, 8),
    json: values.json,
    keep: values.keep,
  };
}

/** What must come out: customers are charged until the next charge would pass the cap. */
export function expectedCharges({ customers, capUsdMicros, priceCents }: DemoOptions): number {
  return Math.min(customers, Math.floor(capUsdMicros / (priceCents * 10_000)));
}

function whole(flag: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Error(`${flag} must be a whole number from ${least} to ${most}, not "${text}"`);
}

/** A decimal dollar amount as an integer count of its last decimal: 2 gives cents, 6 gives micro-dollars. */
function amount(flag: string, text: string, decimals: number): number {
  const match = new RegExp(`^(\\d{1,6})(?:\\.(\\d{1,${decimals}})0*)?$`).exec(text);
  if (!match) throw new Error(`${flag} must be dollars with at most ${decimals} decimals, not "${text}"`);
  return Number(`${match[1]}${(match[2] ?? '').padEnd(decimals, '0')}`);
}

function positive(flag: string, value: number): number {
  if (value > 0) return value;
  throw new Error(`${flag} must be more than 0`);
}
