// The vault's control API over HTTP requests: what the seed prints, and who may do what.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Access } from '../../../access/access.ts';
import { openTestVault, type TestVault } from '../../../vault/vault.fixture.ts';
import { accessWith, ROOT } from '../../access.fixture.ts';
import { createDispatcher, type Dispatcher } from '../../dispatch.ts';
import { vaultRoutes } from './vault-routes.ts';

let t: TestVault;
let access: Access;
let dispatcher: Dispatcher;

beforeEach(async () => {
  t = await openTestVault();
  access = await accessWith(
    {
      issuer: ['vault:stripe:issue'],
      reader: ['vault:stripe:read'],
      revoker: ['vault:stripe:revoke'],
      worker: ['vault:stripe:resolve'],
      twilio: ['vault:twilio:*'],
      manager: ['vault:stripe:manage'],
    },
    t.clock,
  );
  dispatcher = createDispatcher(vaultRoutes(t.vault), access);
});

afterEach(() => t.close());

const ISSUE = {
  vendor: 'stripe',
  daily_usd_cap: '500',
  allowed_endpoints: ['POST /v1/payment_intents'],
  expires_in: '2h',
  agent_run_label: 'conductor/run-1',
};

interface Reply {
  readonly status: number;
  // Tests look into answers by name.
  readonly body: Record<string, unknown> & { error?: { code: string; message: string; fields?: { path: string }[] } };
  readonly text: string;
}

async function call(
  method: string,
  target: string,
  body?: unknown,
  key = ROOT,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const [path = '', search = ''] = target.split('?');
  const sent: Record<string, string> = { authorization: `Bearer ${key}`, ...headers };
  const reply = await dispatcher.dispatch({
    id: 'r',
    method,
    path,
    search,
    header: (name) => sent[name],
    signal: new AbortController().signal,
    text: () => Promise.resolve(body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)),
  });
  const text = typeof reply.body === 'string' ? reply.body : '';
  return { status: reply.status, text, body: text === '' ? {} : JSON.parse(text) };
}

describe('K15: POST /vault/keys', () => {
  test.each(['/vault/keys', '/v1/keys'])('%s issues a key that works', async (path) => {
    const { status, body } = await call('POST', path, ISSUE, ROOT, {
      'content-type': 'application/json, application/json',
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      vendor: 'stripe',
      daily_usd_cap: 500,
      cap_window: 'lifetime',
      cap_status: 429,
      allowed_endpoints: ['POST /v1/payment_intents'],
      agent_run_label: 'conductor/run-1',
      workflow_id: 'run-1',
      status: 'active',
      proxy_base_url: 'http://conductor.test/stripe/v1',
    });
    expect(body.key_id).toBe(body.id);
    expect(body.token).toBe(body.vault_key);
    expect(body.vault_key).toMatch(/^vault_key_/);
    const paid = await t.post(String(body.vault_key), '/stripe/v1/payment_intents', 'amount=50&currency=usd');
    expect(paid.status).toBe(200);
  });

  test.each([
    ['daily_usd_cap', { daily_usd_cap: null }],
    ['daily_usd_cap', { daily_usd_cap: undefined }],
    ['daily_usd_cap', { daily_usd_cap: 'unlimited' }],
    ['daily_usd_cap', { daily_usd_cap: -1 }],
    ['daily_usd_cap', { daily_usd_cap: '1e3' }],
    ['daily_usd_cap', { daily_usd_cap: '0.0000001' }],
    ['cap_usd', { cap_usd: 3 }],
    ['allowed_endpoints', { allowed_endpoints: undefined }],
    ['allowed_endpoints.0', { allowed_endpoints: ['payouts'] }],
    ['expires_in', { expires_in: '60d' }],
    ['expires_in', { expires_in: 'soon' }],
    ['expires_at', { expires_at: '2030-01-01T00:00:00Z' }],
    ['expires_at', { expires_in: undefined, expires_at: '2001-01-01T00:00:00Z' }],
    ['vendor', { vendor: 'paypal' }],
    ['cap_status', { cap_status: 200 }],
    ['agent_run_label', { agent_run_label: undefined, unique_label: true }],
    ['agent_run_label', { agent_run_label: 'x'.repeat(256) }],
    ['alowed_endpoints', { alowed_endpoints: [] }],
  ])('refuses by naming %s: %j', async (path, change) => {
    const { status, body } = await call('POST', '/vault/keys', { ...ISSUE, ...change });
    expect([status, body.error?.code]).toEqual([400, 'invalid_request']);
    expect(body.error?.message).toContain(path);
  });

  test('suggests the field that was meant', async () => {
    const { body } = await call('POST', '/vault/keys', { ...ISSUE, daily_usd_cpa: 5 });
    expect(body.error?.message).toContain('did you mean daily_usd_cap?');
  });

  test.each(['[]', '7', '"x"', '', '{'])('refuses %j', async (text) => {
    expect((await call('POST', '/vault/keys', text)).status).toBe(400);
  });

  test('the same Idempotency-Key gives the same key, ever after; another request under it is a conflict', async () => {
    const headers = { 'idempotency-key': 'step-1' };
    const answers = await Promise.all([1, 2, 3].map(() => call('POST', '/vault/keys', ISSUE, ROOT, headers)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
    expect(new Set(answers.map(({ body }) => body.vault_key)).size).toBe(1);
    const other = await call('POST', '/vault/keys', { ...ISSUE, daily_usd_cap: 5 }, ROOT, headers);
    expect([other.status, other.body.error?.code]).toEqual([409, 'conflict']);
    const elsewhere = await call('POST', '/vault/keys', ISSUE, 'issuer', headers);
    expect(elsewhere.status).toBe(201);
    expect(elsewhere.body.key_id).not.toBe(answers[0]?.body.key_id);
    await t.vault.keys.revoke(String(answers[0]?.body.key_id));
    t = await t.reopen();
    dispatcher = createDispatcher(vaultRoutes(t.vault), access);
    const again = await call('POST', '/vault/keys', ISSUE, ROOT, headers);
    expect([again.status, again.body.key_id, again.body.status]).toEqual([200, answers[0]?.body.key_id, 'revoked']);
  });

  test('a unique label stands for one live key', async () => {
    const unique = { ...ISSUE, unique_label: true };
    const first = await call('POST', '/vault/keys', unique);
    expect((await call('POST', '/vault/keys', unique)).body.key_id).toBe(first.body.key_id);
    expect((await call('POST', '/vault/keys', { ...unique, daily_usd_cap: 1 })).status).toBe(409);
    await call('DELETE', `/vault/keys/${first.body.key_id}`);
    expect((await call('POST', '/vault/keys', unique)).status).toBe(201);
  });
});

describe('reading and changing', () => {
  test('shows what was spent, and takes a new cap', async () => {
    const { body } = await call('POST', '/vault/keys', { ...ISSUE, daily_usd_cap: 1 });
    await t.post(String(body.vault_key), '/v1/payment_intents', 'amount=60&currency=usd');
    const shown = await call('GET', `/vault/keys/${body.key_id}`);
    expect(shown.body).toMatchObject({ spent_usd: 0.6, reserved_usd: 0, remaining_usd: 0.4, cap_usd: 1 });
    expect(shown.text).not.toContain('vault_key_');
    const patched = await call('PATCH', `/vault/keys/${body.key_id}`, { total_usd_cap: '2.50', expires_in: '1h' });
    expect(patched.body).toMatchObject({ cap_usd: 2.5, spent_usd: 0.6, remaining_usd: 1.9 });
    expect((await call('PATCH', `/vault/keys/${body.key_id}`, {})).status).toBe(400);
    expect((await call('PATCH', `/vault/keys/${body.key_id}`, { vendor: 'x' })).status).toBe(400);
    const listed = await call('GET', '/vault/keys?agent_run_label=conductor/run-1');
    expect(listed.body.keys).toHaveLength(1);
    expect(listed.text).not.toContain('vault_key_');
    const self = await call('GET', '/vault/keys/self', undefined, String(body.vault_key));
    expect(self.body).toMatchObject({ key_id: body.key_id, remaining_usd: 1.9 });
  });

  test('K23: a spend summary is one request, and sees the calls that came before it', async () => {
    const { body } = await call('POST', '/vault/keys', ISSUE);
    const task = { workflow_id: 'run-1', task: { task_reference_name: 'charge_1', attempt: 1 } };
    const resolved = await call('POST', '/vault/keys/resolve', task, 'worker');
    const paid = await t.post(String(resolved.body.vault_key), '/v1/payment_intents', 'amount=60&currency=usd');
    await t.post(String(body.vault_key), '/v1/payment_intents', 'amount=40&currency=usd');
    const spend = await call('GET', '/vault/spend?workflowId=run-1');
    expect(spend.body).toMatchObject({ workflow_id: 'run-1', total_usd: 1, calls: 2 });
    expect(spend.body.tasks).toContainEqual(
      expect.objectContaining({ task_reference_name: 'charge_1', spent_usd: 0.6, vendor_object_ids: [paid.json.id] }),
    );
    const audit = await call('GET', '/vault/audit?workflowId=run-1&limit=1');
    expect(audit.body.entries).toMatchObject([
      { operation: 'payment_intents.create', policy_verdict: 'allowed', attempt: 1 },
    ]);
    const next = await call('GET', `/vault/audit?workflowId=run-1&after=${audit.body.next}`);
    expect(next.body.entries).toHaveLength(1);
  });

  test('K26: a worker gets its run key with its own credential, by workflow id or label', async () => {
    const issued = await call('POST', '/vault/keys', ISSUE);
    const byId = await call('POST', '/vault/keys/resolve', { workflow_id: 'run-1', task: 'a' }, 'worker');
    expect([byId.status, byId.body.key_id]).toEqual([200, issued.body.key_id]);
    expect(byId.body.vault_key).not.toBe(issued.body.vault_key);
    const byLabel = await call('POST', '/vault/keys/resolve', { agent_run_label: 'conductor/run-1' }, 'worker');
    expect(byLabel.body.vault_key).toBe(issued.body.vault_key);
    expect((await call('POST', '/vault/keys/resolve', { workflow_id: 'run-2' }, 'worker')).status).toBe(404);
    expect((await call('POST', '/vault/keys/resolve', {}, 'worker')).status).toBe(400);
  });
});

describe('K21: DELETE /vault/keys', () => {
  test('by id, by key, and by label, as often as one likes', async () => {
    const issued = await Promise.all([1, 2, 3].map(() => call('POST', '/vault/keys', ISSUE)));
    const [first, second, third] = issued.map(({ body }) => ({ id: String(body.key_id), key: String(body.vault_key) }));
    const once = await call('DELETE', `/vault/keys/${first?.id}`);
    expect(once.body).toMatchObject({ key_id: first?.id, revoked: true });
    expect((await call('DELETE', `/vault/keys/${first?.id}`)).body).toEqual(once.body);
    expect((await call('DELETE', `/v1/keys/${second?.key}`)).body).toMatchObject({ key_id: second?.id, revoked: true });
    expect((await call('DELETE', '/vault/keys?agent_run_label=conductor/run-1')).body).toMatchObject({ revoked: 1 });
    for (const each of [first, second, third]) {
      expect((await t.post(each?.key ?? '', '/v1/payment_intents', 'amount=5&currency=usd')).status).toBe(401);
    }
    expect((await call('DELETE', '/vault/keys/vk_nothing')).status).toBe(404);
    expect((await call('DELETE', '/vault/keys')).status).toBe(400);
  });
});

describe('who may', () => {
  test.each([
    ['POST', '/vault/keys', ISSUE, 'issuer'],
    ['GET', '/vault/keys', undefined, 'reader'],
    ['GET', '/vault/keys/:id', undefined, 'reader'],
    ['GET', '/vault/audit', undefined, 'reader'],
    ['GET', '/vault/spend?workflowId=run-1', undefined, 'reader'],
    ['PATCH', '/vault/keys/:id', { cap_usd: 5 }, 'issuer'],
    ['POST', '/vault/keys/resolve', { workflow_id: 'run-1' }, 'worker'],
    ['DELETE', '/vault/keys/:id', undefined, 'revoker'],
    ['DELETE', '/vault/keys?agent_run_label=conductor/run-1', undefined, 'revoker'],
    ['PUT', '/vault/secrets/stripe', { secret: 'sk_test_other_one' }, 'manager'],
    ['GET', '/vault/secrets/stripe', undefined, 'manager'],
    ['GET', '/vault/secrets', undefined, 'manager'],
  ])('%s %s %j: only %s', async (method, path, body, allowed) => {
    const { key, text } = await t.issue({ agent_run_label: 'conductor/run-1' });
    const target = path.replace(':id', key.id);
    for (const name of ['issuer', 'reader', 'revoker', 'worker', 'twilio', 'manager']) {
      if (name !== allowed) expect((await call(method, target, body, name)).status).toBe(403);
    }
    // K29: a vault key opens no control route.
    expect((await call(method, target, body, text)).status).toBe(401);
    expect((await call(method, target, body, allowed)).status).toBeLessThan(300);
  });
});

describe('secrets', () => {
  test('K22: go in, are used, and never come out', async () => {
    const secret = 'sk_test_replaced_by_hand';
    const put = await call('PUT', '/vault/secrets/stripe', { secret });
    const shown = await call('GET', '/vault/secrets');
    expect(put.text + shown.text).not.toContain(secret);
    expect(shown.body.secrets).toMatchObject([{ vendor: 'stripe', source: 'store' }]);
    const { text } = await t.issue();
    await t.get(text, '/v1/charges');
    expect(t.simulator.requests.at(-1)?.headers.authorization).toBe(`Bearer ${secret}`);
    t = await t.reopen();
    await t.get(text, '/v1/charges');
    expect(t.simulator.requests.at(-1)?.headers.authorization).toBe(`Bearer ${secret}`);
    const { readFileSync, readdirSync } = await import('node:fs');
    for (const file of readdirSync(t.folder)) expect(readFileSync(`${t.folder}/${file}`).includes(secret)).toBe(false);
    await t.vault.secrets.remove('stripe');
    await t.get(text, '/v1/charges');
    expect(t.simulator.requests.at(-1)?.headers.authorization).toBe(`Bearer ${t.simulator.secret}`);
  });

  test('are refused where they are no secret, without being repeated', async () => {
    for (const secret of ['short', 'with space inside', 'line\nbreak....']) {
      const refused = await call('PUT', '/vault/secrets/stripe', { secret });
      expect(refused.status).toBe(400);
      expect(refused.text).not.toContain(secret);
    }
    expect((await call('PUT', '/vault/secrets/paypal', { secret: 'sk_test_12345' })).status).toBe(404);
    expect((await call('DELETE', '/vault/secrets/stripe')).status).toBe(404);
  });
});
