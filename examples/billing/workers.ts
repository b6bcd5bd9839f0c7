// The two workers of the billing example, on the official Conductor and Stripe SDKs. They hold no vendor secret: the
// key that a task brings is all they charge with. Nothing here is special to this server but the vault's address.
import { Agent } from 'node:http';
import { type ConductorWorker, NonRetryableException } from '@io-orkes/conductor-javascript';
import Stripe from 'stripe';

export interface BillingWorkerOptions {
  /** Where the vault answers, e.g. `http://127.0.0.1:8080`. */
  readonly vaultUrl: string;
  /** Charge tasks held at once by this process. */
  readonly concurrency: number;
  /** Whether this attempt falls over after the charge and before the report, as a crash or a lost network would. */
  readonly failsAfterCharging: (customerId: string, attempt: number) => boolean;
}

export function billingWorkers(options: BillingWorkerOptions): ConductorWorker[] {
  return [fetchCustomers(), chargeCustomer(options)];
}

/** Makes the list that the fork fans out over: one WorkflowTask and one input for each customer of the plan. */
function fetchCustomers(): ConductorWorker {
  return {
    taskDefName: 'fetch_customers',
    execute: async ({ inputData = {} }) => {
      const customers = customersOf(String(inputData.plan_id));
      const refs = customers.map((_, n) => `charge_customer_task_${n}`);
      // Expressions, filled by the server for each task: `vault_key_from: 'a.b'` becomes `vault_key: '${a.b}'`.
      const inputParameters = Object.fromEntries(
        Object.entries(inputData)
          .filter(([name]) => name.endsWith('_from'))
          .map(([name, path]) => [name.slice(0, -'_from'.length), `\${${path}}`]),
      );
      return {
        status: 'COMPLETED',
        outputData: {
          customers,
          charge_tasks: refs.map((ref) => ({
            name: 'charge_customer',
            taskReferenceName: ref,
            type: 'SIMPLE',
            // A refused charge must not cancel its siblings: who still fits under the cap is charged.
            permissive: true,
            inputParameters,
          })),
          charge_inputs: Object.fromEntries(
            customers.map(({ id, amountCents }, n) => [refs[n], { customer_id: id, amount_cents: amountCents }]),
          ),
        },
      };
    },
  };
}

function chargeCustomer({ vaultUrl, concurrency, failsAfterCharging }: BillingWorkerOptions): ConductorWorker {
  const { protocol, hostname, port } = new URL(vaultUrl);
  // One client for all tasks: each call brings its own key. Any string will do here, it is never sent.
  const stripe = new Stripe('vault_key_from_the_task', {
    host: hostname,
    port,
    protocol: protocol === 'https:' ? 'https' : 'http',
    httpAgent: new Agent({ keepAlive: true, maxSockets: concurrency }),
    telemetry: false,
  });
  return {
    taskDefName: 'charge_customer',
    concurrency,
    execute: async ({ inputData = {}, retryCount = 0 }) => {
      const customerId = String(inputData.customer_id);
      // Without a key of ours the vault makes one of run, task and request: stable over retries just the same.
      const idempotency = inputData.workflow_id ? { idempotencyKey: `${inputData.workflow_id}-${customerId}` } : {};
      try {
        const intent = await stripe.paymentIntents.create(
          { amount: Number(inputData.amount_cents), currency: 'usd', customer: customerId },
          { apiKey: String(inputData.vault_key), ...idempotency },
        );
        if (failsAfterCharging(customerId, retryCount)) throw new Error('the worker fell over after charging');
        return { status: 'COMPLETED', outputData: { charge_id: intent.id } };
      } catch (error) {
        if (String(error).includes('cap_exhausted')) throw new NonRetryableException('Vendor spend cap exhausted');
        throw error;
      }
    },
  };
}

/** The example's customer base: plan `pro-5000-50` has 5,000 customers who pay 50 cents each. */
function customersOf(planId: string): { readonly id: string; readonly amountCents: number }[] {
  const [, name, count, amountCents] = /^(\w+)-(\d+)-(\d+)$/.exec(planId) ?? [];
  if (!name) throw new NonRetryableException(`plan_id must read name-customers-cents, not ${planId}`);
  return Array.from({ length: Number(count) }, (_, n) => ({
    id: `cus_${name}${String(n).padStart(6, '0')}`,
    amountCents: Number(amountCents),
  }));
}
