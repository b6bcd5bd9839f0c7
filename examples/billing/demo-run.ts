// One execution of the billing workflow: started, followed to its end, and counted from its history.
import type { DemoOptions } from './demo-options.ts';
import type { Stage } from './demo-stage.ts';

export interface BillingRun {
  readonly id: string;
  readonly plan: string;
  readonly customers: number;
  readonly capUsdMicros: number;
}

export interface RunRequest {
  /** Names the made-up customer base, and so which charges at the simulator are this run's. */
  readonly plan: string;
  readonly customers: number;
  readonly priceCents: number;
  readonly capUsdMicros: number;
  readonly form: DemoOptions['form'];
}

export interface Outcome {
  readonly status: string;
  /** Charge tasks that ended with FAILED_WITH_TERMINAL_ERROR. */
  readonly refused: number;
  /** Charge tasks that were completed by a second attempt. */
  readonly retried: number;
}

const PROGRESS_EVERY_MS = 250;

export async function startRun(stage: Stage, request: RunRequest): Promise<BillingRun> {
  const { plan, customers, priceCents, capUsdMicros, form } = request;
  const input = {
    plan_id: `${plan}-${customers}-${priceCents}`,
    budget_usd: usdText(capUsdMicros),
    ...(form === 'seed' ? { vault_url: stage.url, keybrake_api_key: stage.issuerKey } : {}),
  };
  const id = await stage.api.start(stage.workflowName, input);
  return { id, plan, customers, capUsdMicros };
}

/** Resolves when the run has ended; calls `tick` a few times a second until then. */
export async function endRun(stage: Stage, run: BillingRun, tick: () => Promise<void>): Promise<void> {
  while ((await stage.api.status(run.id)) === 'RUNNING') {
    await tick();
    await new Promise((resolve) => setTimeout(resolve, PROGRESS_EVERY_MS));
  }
  await tick();
}

/** Counts the charge tasks of a run's whole history. */
export async function outcomeOf(stage: Stage, run: BillingRun): Promise<Outcome> {
  const { status, tasks } = await stage.api.run(run.id, true);
  const charges = tasks.filter(({ referenceTaskName }) => referenceTaskName.startsWith('charge_customer_task_'));
  return {
    status,
    refused: charges.filter((task) => task.status === 'FAILED_WITH_TERMINAL_ERROR').length,
    retried: charges.filter((task) => task.status === 'COMPLETED' && task.retryCount > 0).length,
  };
}

/** A decimal string, as a budget accepts it: never an exponent, never a rounded float. */
function usdText(micros: number): string {
  return `${Math.floor(micros / 1_000_000)}.${String(micros % 1_000_000).padStart(6, '0')}`;
}
