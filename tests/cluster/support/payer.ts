// A task that spends its run's budget: three charges of which the cap lets two pass. Repeats each under its own
// idempotency key, at one replica after another, until the answer is definite, as an agent does that has to know.

import type { VendorCalls } from './vendor-calls.ts';
import type { HandedTask } from './wire.ts';

export const CAP_USD = 1;
export const CHARGE_CENTS = 40;
export const CHARGES = 3;
/** So many of them fit under the cap. */
export const CHARGES_ALLOWED = 2;

const PATIENCE_MS = 2_000;
const PAUSE_MS = 50;
/** The outcome is not known, or the replica cannot say: the call is to be repeated. */
const REPEATED = new Set([409, 502, 503, 504]);

/** How many charges passed. Rejects with what no agent should ever get. */
export async function pay(calls: VendorCalls, task: HandedTask, first: number): Promise<number> {
  let passed = 0;
  for (let charge = 0; charge < CHARGES; charge += 1) {
    const status = await chargeOnce(calls, task, charge, first);
    if (status === 200) passed += 1;
  }
  return passed;
}

async function chargeOnce(calls: VendorCalls, task: HandedTask, charge: number, first: number): Promise<number> {
  const { workflowInstanceId: customer, inputData } = task;
  const { key = '' } = inputData;
  const call = { key, customer, cents: CHARGE_CENTS, idempotencyKey: `${customer}-${charge}`, patienceMs: PATIENCE_MS };
  for (let at = first; ; at += 1) {
    const answer = await calls.charge(at, call).catch(() => null);
    // 401: the run has ended meanwhile, with the result of another attempt.
    if (answer && [200, 401, 429].includes(answer.status)) return answer.status;
    if (answer && !REPEATED.has(answer.status)) throw new Error(`charge ${customer}: ${answer.status} ${answer.code}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
