// The Stripe of the demo, and what it really charged: the one witness that neither the server nor a worker can sway.
import { type StripeSimulator, startStripeSimulator } from '../../src/testing/simulators/stripe/index.ts';

export interface ChargeLedger {
  readonly charges: number;
  /** Who was charged at least once. */
  readonly customers: number;
  /** Charges beyond the first of each customer. */
  readonly doubleCharges: number;
  readonly spentUsdMicros: number;
}

const LOOK_EVERY_MS = 10;

export class DemoSimulator {
  readonly #simulator: StripeSimulator;

  private constructor(simulator: StripeSimulator) {
    this.#simulator = simulator;
  }

  static async start(): Promise<DemoSimulator> {
    return new DemoSimulator(await startStripeSimulator());
  }

  get url(): string {
    return this.#simulator.url;
  }

  get secret(): string {
    return this.#simulator.secret;
  }

  /** What was charged to the customers of a plan. */
  ledger(plan: string): ChargeLedger {
    const intents = this.#simulator.paymentIntents.filter(({ customer }) => customer?.startsWith(`cus_${plan}`));
    const customers = new Set(intents.map(({ customer }) => customer)).size;
    const cents = intents.reduce((sum, { amount }) => sum + amount, 0);
    return {
      charges: intents.length,
      customers,
      doubleCharges: intents.length - customers,
      spentUsdMicros: cents * 10_000,
    };
  }

  /** Resolves when so many charges of a plan have been made. */
  async charged(plan: string, count: number): Promise<void> {
    while (this.ledger(plan).charges < count) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }

  async close(): Promise<void> {
    await this.#simulator.close();
  }
}
