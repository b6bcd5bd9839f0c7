// A run that a schedule starts has a budget like one that a person starts: a key of its own, which ends with it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { RunningServer } from '../../src/runtime/node/server-options.ts';
import { startServer } from '../../src/runtime/node/start-server.ts';
import { type StripeSimulator, startStripeSimulator } from '../../src/testing/simulators/stripe/simulator.ts';
import { createTestDatabase } from '../support/postgres-database.ts';

const MASTER_KEY = Buffer.alloc(32, 7).toString('base64');
const DEFINITION = {
  name: 'bill',
  budget: { stripe: { capUsd: 5, allowedEndpoints: ['POST /v1/payment_intents'] } },
  tasks: [
    {
      name: 'charge',
      taskReferenceName: 'charge',
      type: 'SIMPLE',
      inputParameters: { stripeKey: '${workflow.vault.stripe.key}' },
    },
  ],
};
const SCHEDULE = { name: 'billing', cronExpression: '* * * * * *', startWorkflowRequest: { name: 'bill' } };
const polledSchema = z.array(
  z.object({ workflowInstanceId: z.string(), inputData: z.object({ stripeKey: z.string() }) }),
);

describe.each(['embedded', 'postgres'])('on the %s store', (store) => {
  let folder: string;
  let stripe: StripeSimulator;
  let server: RunningServer;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conductor-schedule-'));
    stripe = await startStripeSimulator();
    server = await startServer({
      ...{ dataDir: folder, port: 0, stripeUpstream: stripe.origin, stripeSecret: stripe.secret },
      ...(store === 'postgres' && { database: { url: await createTestDatabase() }, masterKey: MASTER_KEY }),
    });
  });
  afterEach(async () => {
    await server.close();
    await stripe.close();
    await rm(folder, { recursive: true });
  });

  const call = (method: string, path: string, body?: unknown) =>
    fetch(server.url + path, {
      method,
      headers: { 'x-api-key': server.localKey, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const charge = async (key: string) => {
    const { status } = await fetch(`${server.url}/v1/payment_intents`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: 'amount=50&currency=usd&confirm=true',
    });
    return status;
  };

  test('a scheduled run charges with its key until it ends, and no schedule keeps a key', async () => {
    await call('POST', '/api/metadata/workflow', DEFINITION);
    expect((await call('POST', '/api/scheduler/schedules', SCHEDULE)).status).toBe(200);
    const polled = await call('GET', '/api/tasks/poll/batch/charge?count=1&timeout=5000');
    const [task] = polledSchema.parse(await polled.json());
    await call('DELETE', '/api/scheduler/schedules/billing');
    const key = task?.inputData.stripeKey ?? '';
    expect(await charge(key)).toBe(200);
    const leaking = { ...SCHEDULE, startWorkflowRequest: { name: 'bill', input: { key } } };
    const refused = await call('POST', '/api/scheduler/schedules', leaking);
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('holds a vault key')]);
    await call('DELETE', `/api/workflow/${task?.workflowInstanceId}`);
    expect(await charge(key)).toBe(401);
  });
});
