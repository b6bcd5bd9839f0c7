// A run's keys: issued by its start, handed to its tasks, revoked by its end; all of it in the run's own transactions.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compileSpelling } from '../../expressions/spelling.ts';
import { AppError } from '../../model/error.ts';
import { EMPTY_OBJECT, Json, type JsonObject } from '../../model/json.ts';
import type { Run, Task } from '../../model/run.ts';
import { type WorkflowDefinition, workflowDefinitionSchema } from '../../model/workflow-definition.ts';
import { openTestVault, type TestVault } from '../vault.fixture.ts';

let t: TestVault;

beforeEach(async () => {
  t = await openTestVault();
});

afterEach(() => t.close());

const CHARGE = 'amount=50&currency=usd';

function definition(budget: unknown): WorkflowDefinition {
  return workflowDefinitionSchema.parse({ name: 'billing', tasks: [{ name: 'a', taskReferenceName: 'a' }], budget });
}

function run(id: string, input: JsonObject = {}, parent: Partial<Run> = {}): Run {
  return {
    ...{ rowId: 1, id, rootId: id, snapshotId: 's', name: 'billing', version: 1, correlationId: null, priority: 0 },
    ...{ taskToDomain: {}, createdBy: null, parent: null, idempotencyKey: null, input: Json.of(input), createdMs: 1 },
    ...{
      status: 'RUNNING',
      output: EMPTY_OBJECT,
      variables: EMPTY_OBJECT,
      reason: null,
      failedRefs: [],
      failedNames: [],
    },
    ...{ updatedMs: 1, endedMs: 0, lastRetriedMs: 0, dueMs: 0, lastSeq: 0, openTasks: 1, sequenceDone: false },
    ...parent,
  };
}

function task(ref: string, attempt: number): Task {
  return {
    ...{
      rowId: 1,
      id: 't',
      runRowId: 1,
      ref,
      step: ref,
      scope: '',
      iteration: 0,
      type: 'SIMPLE',
      defName: 'a',
      queue: 'a',
    },
    ...{ domain: null, seq: 1, attempt, retriedTaskId: null, input: EMPTY_OBJECT, fragment: null, forkRowId: 0 },
    ...{ responseTimeoutSeconds: 0, startDelaySeconds: 0, scheduledMs: 1, firstScheduledMs: 1, status: 'SCHEDULED' },
    ...{ output: EMPTY_OBJECT, reason: null, workerId: null, pollCount: 0, callbackAfterSeconds: 0, startedMs: 0 },
    ...{
      endedMs: 0,
      updatedMs: 0,
      visibleMs: 0,
      dueMs: 0,
      retried: false,
      executed: false,
      waiting: 0,
      subRunId: null,
    },
  };
}

const start = (of: Run, budget: unknown) =>
  t.loop.transact((batch, now) => t.vault.hooks.started(of, definition(budget), batch, now));
const end = (of: Run) =>
  t.loop.transact((batch, now) => {
    t.vault.hooks.ended(of, batch, now);
    return { ...of, endedMs: now };
  });
const goOn = async (of: Run) => {
  const reopen = await t.vault.hooks.reopening(of.id);
  return t.loop.transact((batch, now) => reopen(of, batch, now));
};
const LITERAL_TEXT = '${workflow.vault.stripe.key}';
const LITERAL = Json.of({ key: LITERAL_TEXT });
const SPELLED = compileSpelling(LITERAL.value);
const keyOf = (of: Run, ref = 'a', attempt = 0) =>
  String(t.vault.hooks.fill(LITERAL, of, task(ref, attempt), SPELLED).object.key);
const BUDGET = { stripe: { capUsd: '1.00', allowedEndpoints: ['POST /v1/charges'] } };

describe('K30: a budget in the definition', () => {
  test('issues the key with the start and lets tasks spend it, each on its own account', async () => {
    const of = run('run-1', { budget: 1 });
    await start(of, {
      stripe: { capUsd: '${workflow.input.budget}', allowedEndpoints: ['POST /v1/charges'], expiresIn: '2h' },
    });
    expect((await t.post(keyOf(of, 'a'), '/v1/charges', CHARGE)).status).toBe(200);
    expect((await t.post(keyOf(of, 'b'), '/v1/charges', CHARGE)).status).toBe(200);
    expect((await t.post(keyOf(of, 'c'), '/v1/charges', CHARGE)).status).toBe(429);
    expect((await t.post(keyOf(of, 'c'), '/v1/payouts', CHARGE)).status).toBe(403);
    const rows = await t.vault.reads.spend('run-1');
    expect(rows.map(({ ref, costMicros }) => [ref, costMicros])).toEqual(
      expect.arrayContaining([
        ['a', 500_000],
        ['b', 500_000],
        ['c', 0],
      ]),
    );
    const [listed] = await t.vault.keys.list({ limit: 10, runLabel: 'conductor/run-1' });
    expect(listed?.key).toMatchObject({
      issuedBy: 'budget',
      capWindow: 'lifetime',
      capMicros: 1_000_000,
      runId: 'run-1',
    });
  });

  test('keys may be issued for a run that has begun again, though it ended a moment ago', async () => {
    const of = run('run-1');
    await end(of);
    expect(t.vault.hooks.endedLately('run-1', t.clock.now())).toBe(true);
    await start(of, undefined);
    expect(t.vault.hooks.endedLately('run-1', t.clock.now())).toBe(false);
  });

  test.each([
    [{ stripe: { capUsd: '${workflow.input.missing}', allowedEndpoints: ['*'] } }, 'budget.stripe.capUsd'],
    [{ stripe: { capUsd: '${workflow.input.nothing}', allowedEndpoints: ['*'] } }, 'budget.stripe.capUsd'],
    [{ stripe: { capUsd: 'a lot', allowedEndpoints: ['*'] } }, 'budget.stripe.capUsd'],
    [{ stripe: { capUsd: -1, allowedEndpoints: ['*'] } }, 'budget.stripe.capUsd'],
    [{ stripe: { capUsd: 1, allowedEndpoints: ['*'], expiresIn: '90d' } }, 'budget.stripe.expiresIn'],
    [{ stripe: { capUsd: 1, allowedEndpoints: ['payouts'] } }, 'budget.stripe.allowedEndpoints'],
    [
      { stripe: { capUsd: 1, allowedEndpoints: ['*'] }, paypal: { capUsd: 1, allowedEndpoints: ['*'] } },
      'budget.paypal',
    ],
  ])('%j is refused at the start, and leaves no key', async (budget, path) => {
    const error = await start(run('run-2', { nothing: null }), budget).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: 'invalid_request', fields: [{ path }] });
    expect(await t.vault.keys.list({ limit: 10 })).toHaveLength(0);
  });

  test('ends with the run, in the same transaction: run keys and keys under its label', async () => {
    const of = run('run-3');
    await start(of, BUDGET);
    const labelled = await t.issue({ agent_run_label: 'conductor/run-3' });
    const held = keyOf(of);
    expect((await t.post(held, '/v1/charges', CHARGE)).status).toBe(200);
    await end(of);
    for (const key of [held, labelled.text]) {
      const denied = await t.post(key, '/v1/charges', CHARGE);
      expect([denied.status, denied.json.error?.code]).toEqual([401, 'key_revoked']);
    }
    await expect(t.issue({ agent_run_label: 'conductor/run-3' })).rejects.toMatchObject({ code: 'conflict' });
    t = await t.reopen();
    expect((await t.post(held, '/v1/charges', CHARGE)).status).toBe(401);
  });

  test('a run that goes on spends what is left of it; what was revoked before its end stays revoked', async () => {
    const of = run('run-5');
    await start(of, BUDGET);
    const [labelled, revoked] = await Promise.all([
      t.issue({ agent_run_label: 'conductor/run-5' }),
      t.issue({ agent_run_label: 'conductor/run-5' }),
    ]);
    const held = keyOf(of);
    expect((await t.post(held, '/v1/charges', CHARGE)).status).toBe(200);
    await t.vault.keys.revoke(revoked.key.id);
    t.clock.offsetMs += 1000;
    let ended = await end(of);
    t = await t.reopen();
    t.clock.offsetMs += 30 * 3_600_000;
    await goOn(ended);
    expect((await t.post(labelled.text, '/v1/charges', CHARGE)).status).toBe(200);
    expect((await t.post(revoked.text, '/v1/charges', CHARGE)).status).toBe(401);
    expect((await t.post(keyOf(of, 'b'), '/v1/charges', CHARGE)).status).toBe(200);
    expect((await t.post(keyOf(of, 'c'), '/v1/charges', CHARGE)).status).toBe(429);
    ended = await end(of);
    expect((await t.post(keyOf(of, 'c'), '/v1/charges', CHARGE)).status).toBe(401);
    await goOn({ ...ended, endedMs: ended.endedMs - 1 });
    expect((await t.post(keyOf(of, 'c'), '/v1/charges', CHARGE)).status).toBe(401);
    await goOn(ended);
    t = await t.reopen();
    expect((await t.post(keyOf(of, 'c'), '/v1/charges', CHARGE)).status).toBe(429);
  });

  test('a run that starts and ends in one transaction leaves one revoked row', async () => {
    const of = run('run-4');
    await t.loop.transact((batch, now) => {
      t.vault.hooks.started(of, definition(BUDGET), batch, now);
      t.vault.hooks.ended(of, batch, now);
      expect(batch.vaultKeys).toHaveLength(1);
    });
    expect((await t.post(keyOf(of), '/v1/charges', CHARGE)).status).toBe(401);
  });

  test('a lost commit takes the key back, and a lost end leaves it alive', async () => {
    const [lost, kept] = [run('run-5'), run('run-6')];
    await start(kept, BUDGET);
    t.store.failing = () => 'before writing';
    await expect(start(lost, BUDGET)).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(end(kept)).rejects.toMatchObject({ code: 'store_unavailable' });
    t.store.failing = () => null;
    expect(keyOf(lost)).toBe(LITERAL_TEXT);
    expect((await t.post(keyOf(kept), '/v1/charges', CHARGE)).status).toBe(200);
    await end(kept);
    expect((await t.post(keyOf(kept), '/v1/charges', CHARGE)).status).toBe(401);
  });

  test('a run that goes on after its end spends what is left of the same cap', async () => {
    const of = run('run-7');
    await start(of, BUDGET);
    await t.post(keyOf(of), '/v1/charges', 'amount=80&currency=usd');
    await end(of);
    await start(of, BUDGET);
    expect((await t.post(keyOf(of, 'b'), '/v1/charges', CHARGE)).status).toBe(429);
    expect((await t.post(keyOf(of, 'b'), '/v1/charges', 'amount=20&currency=usd')).status).toBe(200);
  });

  test("a sub-workflow without a budget spends its parent's", async () => {
    const parent = run('run-8');
    await start(parent, BUDGET);
    const parentOf = { runId: 'run-8', taskId: 't', runRowId: 1, taskRowId: 1, notify: true };
    const child = run('run-9', {}, { rootId: 'run-8', parent: parentOf });
    expect((await t.post(keyOf(child, 'inner'), '/v1/charges', CHARGE)).status).toBe(200);
    expect((await t.vault.reads.spend('run-9'))[0]).toMatchObject({ ref: 'inner', costMicros: 500_000 });
  });

  test('spends from the nearest budget of its line, never from one further out', async () => {
    const outer = run('run-o');
    await start(outer, { stripe: { capUsd: '1000.00', allowedEndpoints: ['POST /v1/charges'] } });
    const payers = { stripe: 'run-m' };
    await start(run('run-m', {}, { rootId: 'run-o', payers }), BUDGET);
    const parent = { runId: 'run-p', taskId: 't', runRowId: 1, taskRowId: 1, notify: true };
    const inner = run('run-i', {}, { rootId: 'run-o', parent, payers });
    expect((await t.post(keyOf(inner), '/v1/charges', 'amount=100&currency=usd')).status).toBe(200);
    expect((await t.post(keyOf(inner), '/v1/charges', 'amount=1&currency=usd')).status).toBe(429);
    const elsewhere = run('run-e', {}, { rootId: 'run-o', parent, payers: { twilio: 'run-o' } });
    expect(keyOf(elsewhere)).toBe(LITERAL_TEXT);
  });

  test("the same text in a run's data is data: no key is put there", async () => {
    const of = run('run-data');
    await start(of, BUDGET);
    expect(t.vault.hooks.fill(LITERAL, of, task('a', 0), null)).toBe(LITERAL);
  });

  test('without a budget the text stays as it is', () => {
    expect(t.vault.hooks.fill(LITERAL, run('run-10'), task('a', 0), SPELLED)).toBe(LITERAL);
  });
});

test('K22: a key that a task output would hold is stored as a placeholder, and comes back for the next task', async () => {
  const of = run('run-11');
  const { text } = await t.issue({ agent_run_label: 'conductor/run-11' });
  const stored = t.vault.hooks.conceal(Json.of({ body: { vault_key: text } }), of.rootId);
  expect(stored.text).not.toContain('vault_key_');
  const filled = t.vault.hooks.fill(stored, of, task('charge', 0), SPELLED);
  const key = (filled.object.body as { vault_key: string }).vault_key;
  expect(key).not.toBe(text);
  expect((await t.post(key, '/v1/charges', CHARGE)).status).toBe(200);
  expect((await t.vault.reads.spend('run-11'))[0]).toMatchObject({ ref: 'charge', costMicros: 500_000 });
  expect(t.vault.hooks.fill(stored, run('run-12'), task('charge', 0), SPELLED)).toBe(stored);
});

test('K30: a budget that cannot be kept is refused when its definition is registered', () => {
  const check = (budget: unknown) => () => t.vault.hooks.check(definition(budget));
  const part = { capUsd: 5, allowedEndpoints: ['POST /v1/charges'] };
  expect(check({ stripe: part })).not.toThrow();
  expect(check({ stripe: { ...part, capUsd: '${workflow.input.budget}' } })).not.toThrow();
  expect(check({ stripes: part })).toThrow(/budget\.stripes: .*known: stripe/);
  expect(check({ stripe: { ...part, capUsd: 'much' } })).toThrow(/budget\.stripe\.capUsd: "much"/);
  expect(check({ stripe: { ...part, expiresIn: 'soon' } })).toThrow(/budget\.stripe\.expiresIn: "soon"/);
  expect(check({ stripe: { ...part, allowedEndpoints: ['TEAPOT /'] } })).toThrow(/allowedEndpoints/);
});
