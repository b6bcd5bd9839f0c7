// A billing run that failed half-way goes on where it stood: nobody is charged twice, and the cap holds over both parts.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../src/runtime/node/server-options.ts';
import { startServer } from '../../src/runtime/node/start-server.ts';
import { type StripeSimulator, startStripeSimulator } from '../../src/testing/simulators/stripe/simulator.ts';
import { createTestDatabase } from '../support/postgres-database.ts';

const CUSTOMERS = 12;
const AFFORDABLE = 10;
const MASTER_KEY = Buffer.alloc(32, 7).toString('base64');
const DEFINITION = {
  name: 'bill',
  budget: { stripe: { capUsd: AFFORDABLE / 2, allowedEndpoints: ['POST /v1/payment_intents'] } },
  tasks: [
    {
      name: 'fork',
      taskReferenceName: 'fork',
      type: 'FORK_JOIN_DYNAMIC',
      inputParameters: { forkTaskName: 'charge', forkTaskInputs: '${workflow.input.customers}' },
    },
    { name: 'join', taskReferenceName: 'join', type: 'JOIN' },
  ],
};
const TASK = {
  name: 'charge',
  retryCount: 0,
  timeoutSeconds: 0,
  inputTemplate: { stripeKey: '${workflow.vault.stripe.key}' },
};

interface Polled {
  readonly taskId: string;
  readonly workflowInstanceId: string;
  readonly inputData: { readonly customer: string; readonly stripeKey: string };
}

describe.each(['embedded', 'postgres'])('on the %s store', (store) => {
  let folder: string;
  let stripe: StripeSimulator;
  let server: RunningServer;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conductor-retry-'));
    stripe = await startStripeSimulator();
    server = await startServer({
      ...{ dataDir: folder, port: 0, stripeUpstream: stripe.origin, stripeSecret: stripe.secret },
      ...(store === 'postgres' && { database: { url: await createTestDatabase() }, masterKey: MASTER_KEY }),
    });
    await call('POST', '/api/metadata/taskdefs', [TASK]);
    await call('POST', '/api/metadata/workflow', DEFINITION);
  });
  afterEach(async () => {
    await server.close();
    await stripe.close();
    await rm(folder, { recursive: true });
  });

  async function call(method: string, path: string, body?: unknown) {
    const response = await fetch(server.url + path, {
      method,
      headers: { 'x-api-key': server.localKey, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text;
  }

  const poll = async (count: number): Promise<Polled[]> =>
    JSON.parse(await call('GET', `/api/tasks/poll/batch/charge?count=${count}&timeout=1000`));
  const report = ({ taskId, workflowInstanceId }: Polled, status: string) =>
    call('POST', '/api/tasks', { taskId, workflowInstanceId, status });
  const runOf = async (id: string) => JSON.parse(await call('GET', `/api/workflow/${id}`));

  async function charge({ inputData: { customer, stripeKey } }: Polled): Promise<number> {
    const response = await fetch(`${server.url}/stripe/v1/payment_intents`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stripeKey}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: `amount=50&currency=usd&customer=${customer}&confirm=true`,
    });
    await response.text();
    return response.status;
  }

  const start = () => {
    const customers = Array.from({ length: CUSTOMERS }, (_, n) => ({ customer: `cus_${n}` }));
    return call('POST', '/api/workflow/bill', { customers });
  };

  async function finishAll(): Promise<number[]> {
    const statuses: number[] = [];
    for (let tasks = await poll(100); tasks.length > 0; tasks = await poll(100)) {
      for (const task of tasks) {
        const status = await charge(task);
        statuses.push(status);
        await report(task, status === 200 ? 'COMPLETED' : 'FAILED_WITH_TERMINAL_ERROR');
        if (status !== 200) return statuses;
      }
    }
    return statuses;
  }

  test('a retried run charges each customer once, those of before included, and no more than its cap in all', async () => {
    const id = await start();
    const [first, second, third, ...others] = await poll(6);
    if (!first || !second || !third) throw new Error('no tasks');
    for (const task of [first, second, third]) expect(await charge(task)).toBe(200);
    await report(first, 'COMPLETED');
    // The second was charged and never reported; the third was charged, and its report says that it failed.
    await report(third, 'FAILED_WITH_TERMINAL_ERROR');
    expect((await runOf(id)).status).toBe('FAILED');
    for (const late of [second, ...others]) expect(await charge(late)).toBe(401);

    await call('POST', `/api/workflow/${id}/retry`);
    const statuses = await finishAll();
    // Eleven are left to do, of which two had been charged: so ten fit under the cap.
    expect(statuses).toEqual([...Array(AFFORDABLE - 1).fill(200), 429]);
    expect(await runOf(id)).toMatchObject({ status: 'FAILED' });
    const charged = stripe.paymentIntents.map(({ customer }) => customer);
    expect(charged).toHaveLength(AFFORDABLE);
    expect(new Set(charged).size).toBe(AFFORDABLE);
    expect(JSON.parse(await call('GET', `/vault/spend?workflowId=${id}`))).toMatchObject({
      total_usd: AFFORDABLE / 2,
    });
  });

  test('a run key that was revoked by hand stays revoked after a retry', async () => {
    const id = await start();
    const [task, other] = await poll(2);
    if (!task || !other) throw new Error('no tasks');
    const [key] = JSON.parse(await call('GET', `/vault/keys?agent_run_label=conductor/${id}`)).keys;
    await call('DELETE', `/vault/keys/${key.id}`);
    await report(task, 'FAILED_WITH_TERMINAL_ERROR');
    await call('POST', `/api/workflow/${id}/retry`);
    const [again] = await poll(1);
    if (!again) throw new Error('no task');
    expect(await charge(again)).toBe(401);
    expect(stripe.paymentIntents.length).toBe(0);
  });
});
