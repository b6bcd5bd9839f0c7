// The execute API as the security page prints it. Access is real; what runs is not the subject and is a fake.
import { beforeEach, describe, expect, it, test } from 'vitest';
import type { Access } from '../../../access/access.ts';
import { Json } from '../../../model/json.ts';
import type { Run } from '../../../model/run.ts';
import { accessWith, NOW_MS, ROOT } from '../../access.fixture.ts';
import { createApp } from '../../app.ts';
import { agent, completed, EXECUTION_ID, ensemble, FakeExecutor, project, VISITOR } from '../../project.fixture.ts';
import type { EnsembleDeps, ExecutePolicy } from './deps.ts';
import { ensembleRoutes } from './ensemble-routes.ts';

const POLICY: ExecutePolicy = {
  autoPermissions: false,
  allowDirectAgentExecution: true,
  requireExplicit: { agents: false, ensembles: false },
};
const PROJECT = project(
  [
    ensemble('invoice-pdf', { description: 'Makes invoices' }),
    ensemble('billing-run'),
    ensemble('docs-serve', { origin: 'built-in' }),
  ],
  [
    agent('http', { origin: 'built-in', operation: 'http' }),
    agent('mine'),
    agent('invoice-pdf/inner', { origin: 'inline' }),
  ],
);

let access: Access;
let executor: FakeExecutor;
let runs: Map<string, Run>;
let terminated: string[];
let readers: string[];

beforeEach(async () => {
  access = await accessWith({
    billing: ['ensemble:billing-*:execute'],
    agents: ['agent:http:execute'],
    nobody: [],
    reader: ['workflow:*:read'],
  });
  executor = new FakeExecutor();
  runs = new Map();
  terminated = [];
  readers = [];
});

function app(policy: Partial<ExecutePolicy> = {}, rest: Partial<EnsembleDeps> = {}) {
  let now = NOW_MS;
  const deps: EnsembleDeps = {
    project: () => PROJECT,
    executor,
    access,
    policy: { ...POLICY, ...policy },
    visitor: VISITOR,
    orchestrator: { terminate: async (id) => void terminated.push(id) },
    reads: {
      async run(id) {
        const run = runs.get(id);
        return run ? { run, tasks: [] } : null;
      },
    },
    recordRead: async (principal, id) => void readers.push(`${principal} ${id}`),
    clock: {
      now() {
        now += 5;
        return now;
      },
    },
    version: '1.2.3',
    ...rest,
  };
  const made = createApp({ routes: ensembleRoutes(deps), access, dialect: 'ensemble', clock: { now: () => NOW_MS } });
  return async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = { 'x-api-key': ROOT },
  ) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await made.request(path, { method, headers, ...(body === undefined ? {} : { body: text }) });
    const answer = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text: answer,
      get body() {
        return JSON.parse(answer);
      },
    };
  };
}

const as = (key: string) => ({ 'x-api-key': key });

describe('S4: ensembles and agents are executed by name, with Bearer or X-API-Key', () => {
  test.each(['authorization', 'x-api-key'])('with %s', async (name) => {
    const headers = { [name]: name === 'authorization' ? `Bearer ${ROOT}` : ROOT };
    const call = app();
    const ran = await call('POST', '/api/v1/execute/ensemble/invoice-pdf', { input: { orderId: '12345' } }, headers);
    expect(ran.status).toBe(200);
    expect(ran.body.output).toEqual({ echo: { orderId: '12345' } });
    const agentRan = await call(
      'POST',
      '/api/v1/execute/agent/http',
      { input: { url: 'https://api.example.com/data' } },
      headers,
    );
    expect(agentRan.body.data).toEqual({ echo: { url: 'https://api.example.com/data' } });
    expect(executor.asked.map(({ what }) => what)).toEqual(['ensemble invoice-pdf', 'agent http']);
  });

  it('tells the executor who calls and from where, and no credential', async () => {
    await app()(
      'POST',
      '/api/v1/execute/ensemble/invoice-pdf',
      {},
      { ...as('billing'), 'x-test-country': 'DE', 'x-request-id': 'mine-1' },
    );
    const [asked] = executor.asked;
    expect(asked?.call).toEqual({
      requestId: 'mine-1',
      auth: {
        authenticated: true,
        method: 'apiKey',
        userId: 'key_billing',
        user: { id: 'key_billing', roles: [], permissions: ['ensemble:billing-*:execute'], metadata: {} },
      },
      visitor: { country: 'DE' },
      trigger: 'api',
    });
  });
});

describe('S5: /api/v1/* asks for a credential by default', () => {
  const paths = [
    'execute',
    'execute/x',
    'execute/ensemble/invoice-pdf',
    'execute/agent/http',
    'executions/a/cancel',
  ].map((path) => ['POST', path]);
  const reads = [
    'agents',
    'agents/http',
    'ensembles',
    'ensembles/x',
    'executions/a',
    'executions/a/status',
    'executions/a/result',
  ].map((path) => ['GET', path]);
  test.each([...paths, ...reads])('%s /api/v1/%s', async (method, path) => {
    const call = app();
    const { body, headers, status } = await call(method ?? '', `/api/v1/${path}`, undefined, {});
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).not.toBeNull();
    expect(body).toMatchObject({
      success: false,
      error: 'Unauthorized',
      code: 'unauthenticated',
      retryable: false,
      timestamp: NOW_MS,
    });
    expect(body.requestId).toBe(headers.get('x-request-id'));
    expect((await call(method ?? '', `/api/v1/${path}`, undefined, as('wrong'))).status).toBe(401);
    expect(executor.asked).toEqual([]);
  });
});

describe('S13: direct execution of agents can be disabled', () => {
  it('answers 403 for every agent, known or not, and leaves ensembles alone', async () => {
    const call = app({ allowDirectAgentExecution: false });
    for (const [path, body] of [
      ['agent/http', { input: 1 }],
      ['agent/none', { input: 1 }],
      ['', { agent: 'http', input: 1 }],
    ] as const) {
      const refused = await call('POST', `/api/v1/execute/${path}`.replace(/\/$/, ''), body);
      expect(refused.status).toBe(403);
      expect(refused.body).toMatchObject({
        error: 'Forbidden',
        message: 'Direct agent execution is disabled. Use ensembles instead.',
      });
    }
    expect(executor.asked).toEqual([]);
    expect((await call('POST', '/api/v1/execute/ensemble/invoice-pdf')).status).toBe(200);
  });

  it('is decided after the credential and before the permission', async () => {
    const call = app({ allowDirectAgentExecution: false, autoPermissions: true });
    expect((await call('POST', '/api/v1/execute/agent/http', {}, {})).status).toBe(401);
    expect((await call('POST', '/api/v1/execute/agent/http', {}, as('nobody'))).body.message).toContain('disabled');
  });
});

describe('S14: requireExplicit and apiExecutable, for every origin', () => {
  const matrix = [
    [false, undefined, 200],
    [false, true, 200],
    [false, false, 403],
    [true, undefined, 403],
    [true, true, 200],
    [true, false, 403],
  ] as const;
  const origins = ['file', 'inline', 'built-in'] as const;
  const rows = matrix.flatMap(([explicit, flag, status]) =>
    origins.map((origin) => ({ explicit, flag, origin, status })),
  );

  test.each(rows)(
    'agents: requireExplicit $explicit, apiExecutable $flag, $origin -> $status',
    async ({ explicit, flag, origin, status }) => {
      const id = origin === 'inline' ? 'own/a' : 'a';
      const one = project([], [agent(id, { origin, apiExecutable: flag })]);
      const call = app({ requireExplicit: { agents: explicit, ensembles: false } }, { project: () => one });
      for (const path of [`/api/v1/execute/agent/${encodeURIComponent(id)}`, '/api/v1/execute']) {
        const answer = await call('POST', path, { input: {}, ...(path.endsWith('execute') ? { agent: id } : {}) });
        expect(answer.status).toBe(status);
        if (status === 403)
          expect(answer.body).toMatchObject({ error: 'Forbidden', code: 'forbidden', reason: 'EXECUTION_NOT_ALLOWED' });
      }
    },
  );

  test.each(rows.filter(({ origin }) => origin !== 'inline'))(
    'ensembles: requireExplicit $explicit, apiExecutable $flag, $origin -> $status',
    async ({ explicit, flag, origin, status }) => {
      const one = project([
        ensemble('e', { origin: origin === 'built-in' ? 'built-in' : 'file', apiExecutable: flag }),
      ]);
      const call = app({ requireExplicit: { agents: false, ensembles: explicit } }, { project: () => one });
      const answers = [
        await call('POST', '/api/v1/execute/ensemble/e'),
        await call('POST', '/api/v1/execute/e'),
        await call('POST', '/api/v1/execute', { ensemble: 'e' }),
      ];
      for (const answer of answers) expect(answer.status).toBe(status);
      expect(executor.asked).toHaveLength(status === 200 ? 3 : 0);
    },
  );
});

describe('S27: bodies and statuses', () => {
  it('an ensemble answers {success, output, metadata}', async () => {
    const { body } = await app()('POST', '/api/v1/execute/ensemble/invoice-pdf', { input: {} });
    expect(body).toEqual({
      success: true,
      output: { echo: {} },
      metadata: { executionId: EXECUTION_ID, duration: 5, timestamp: NOW_MS + 10 },
    });
  });

  it('an agent answers {success, data, metadata}', async () => {
    const { body } = await app()('POST', '/api/v1/execute/agent/mine', { input: 'x' });
    expect(body).toEqual({
      success: true,
      data: { echo: 'x' },
      metadata: { executionId: EXECUTION_ID, duration: 5, timestamp: NOW_MS + 10 },
    });
  });

  it('an ensemble needs no body, an agent an input: 0, "", false and null are some', async () => {
    const call = app();
    expect((await call('POST', '/api/v1/execute/ensemble/invoice-pdf')).status).toBe(200);
    for (const body of [undefined, {}, { config: {} }]) {
      const refused = await call('POST', '/api/v1/execute/agent/mine', body);
      expect(refused.status).toBe(400);
      expect(refused.body).toMatchObject({
        error: 'ValidationError',
        message: 'Input is required',
        fields: [{ path: 'input' }],
      });
    }
    for (const input of [0, '', false, null, []]) {
      expect((await call('POST', '/api/v1/execute/agent/mine', { input })).body.data).toEqual({ echo: input });
    }
  });

  test.each([
    ['{"input":', 'malformed_json'],
    ['[1]', 'invalid_request'],
    ['"x"', 'invalid_request'],
    ['{"input":[1]}', 'invalid_request'],
    ['{"input":"x"}', 'invalid_request'],
  ])('400: %s', async (body, code) => {
    const answer = await app()('POST', '/api/v1/execute/ensemble/invoice-pdf', body);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ success: false, error: 'ValidationError', code });
    expect(executor.asked).toEqual([]);
  });

  it('404 names what is not there', async () => {
    const call = app();
    expect((await call('POST', '/api/v1/execute/ensemble/none')).body).toMatchObject({
      error: 'NotFound',
      message: 'Ensemble not found: none',
    });
    expect((await call('POST', '/api/v1/execute/agent/none', { input: 1 })).body).toMatchObject({
      message: 'Agent not found: none',
    });
    for (const name of ['constructor', '__proto__', 'toString']) {
      expect((await call('POST', `/api/v1/execute/ensemble/${name}`)).status).toBe(404);
    }
  });

  it('500 says which execution failed and why, and no more', async () => {
    executor.answer = () => ({
      kind: 'failed',
      executionId: EXECUTION_ID,
      message: 'the invoice has no lines',
      agent: 'pdf',
    });
    const answer = await app()('POST', '/api/v1/execute/ensemble/invoice-pdf');
    expect(answer.status).toBe(500);
    expect(answer.body).toMatchObject({
      success: false,
      error: 'ExecutionError',
      message: 'the invoice has no lines',
      executionId: EXECUTION_ID,
      agent: 'pdf',
    });
    executor.answer = () => Promise.reject(new Error('boom at /srv/secret/place.ts'));
    const broken = await app()('POST', '/api/v1/execute/ensemble/invoice-pdf');
    expect(broken.body).toMatchObject({ error: 'InternalError', code: 'internal' });
    expect(broken.text).not.toContain('boom');
  });

  it('a suspended execution is 202, with what it waits for', async () => {
    executor.answer = () => ({
      kind: 'running',
      executionId: EXECUTION_ID,
      suspended: { approvalUrl: '/a', success: false },
    });
    const answer = await app()('POST', '/api/v1/execute/ensemble/invoice-pdf');
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({
      success: true,
      status: 'suspended',
      executionId: EXECUTION_ID,
      approvalUrl: '/a',
    });
    expect(answer.headers.get('location')).toBe(`/api/v1/executions/${EXECUTION_ID}`);
  });

  it('a block gives the envelope its status and headers; redirects and raw bodies go out alone', async () => {
    const call = app();
    executor.answer = () =>
      completed({ id: 7 }, { status: 201, headers: { 'X-Made': 'yes', 'content-type': 'text/html' } });
    const made = await call('POST', '/api/v1/execute/ensemble/invoice-pdf');
    expect([made.status, made.headers.get('x-made'), made.headers.get('content-type')]).toEqual([
      201,
      'yes',
      'application/json',
    ]);
    expect(made.body.output).toEqual({ id: 7 });
    executor.answer = () => completed({}, { redirect: { url: 'https://example.com/x', status: 303 } });
    const moved = await call('POST', '/api/v1/execute/ensemble/invoice-pdf');
    expect([moved.status, moved.headers.get('location')]).toEqual([303, 'https://example.com/x']);
    executor.answer = () => completed('plain', { raw: true });
    expect((await call('POST', '/api/v1/execute/ensemble/invoice-pdf')).text).toBe('plain');
  });
});

describe('S28: config overrides of an agent', () => {
  it('reach the executor, and must be an object', async () => {
    const call = app();
    await call('POST', '/api/v1/execute/agent/mine', { input: {}, config: { retries: 2 } });
    expect(executor.asked[0]?.options).toEqual({ config: { retries: 2 } });
    for (const config of [[], 'x', 5]) {
      const refused = await call('POST', '/api/v1/execute/agent/mine', { input: {}, config });
      expect([refused.status, refused.body.fields[0].path]).toEqual([400, 'config']);
    }
  });
});

describe('S29: migrating', () => {
  it('the legacy body names an ensemble or an agent', async () => {
    const call = app();
    expect((await call('POST', '/api/v1/execute', { ensemble: 'invoice-pdf', input: { a: 1 } })).body.output).toEqual({
      echo: { a: 1 },
    });
    expect((await call('POST', '/api/v1/execute', { agent: 'mine', input: 1, config: { b: 2 } })).body.data).toEqual({
      echo: 1,
    });
    expect((await call('POST', '/api/v1/execute/invoice-pdf', { input: { a: 1 } })).body.output).toEqual({
      echo: { a: 1 },
    });
    for (const body of [{}, { agent: 'mine', ensemble: 'invoice-pdf' }, { ensemble: 5 }, { ensemble: '' }]) {
      expect((await call('POST', '/api/v1/execute', body)).status).toBe(400);
    }
    expect((await call('POST', '/api/v1/execute', '{')).body.code).toBe('malformed_json');
  });

  it('the legacy body asks for the same permission as the new path', async () => {
    const call = app({ autoPermissions: true });
    expect((await call('POST', '/api/v1/execute', { ensemble: 'invoice-pdf' }, as('billing'))).status).toBe(403);
    expect((await call('POST', '/api/v1/execute', { ensemble: 'billing-run' }, as('billing'))).status).toBe(200);
  });

  it('requireAuth: false lets in who sends no credential, and still refuses a wrong one', async () => {
    access = await accessWith({}, undefined, { requireAuth: false });
    const call = app();
    expect((await call('POST', '/api/v1/execute/ensemble/invoice-pdf', {}, {})).status).toBe(200);
    expect(executor.asked[0]?.call.auth).toEqual({ authenticated: false, method: null, user: null });
    expect((await call('POST', '/api/v1/execute/ensemble/invoice-pdf', {}, as('wrong'))).status).toBe(401);
  });
});

describe('S12: autoPermissions', () => {
  it('asks for the permission of the very thing, whether it exists or not', async () => {
    const call = app({ autoPermissions: true });
    for (const [path, wanted] of [
      ['ensemble/invoice-pdf', 'ensemble:invoice-pdf:execute'],
      ['ensemble/none', 'ensemble:none:execute'],
      ['agent/mine', 'agent:mine:execute'],
    ]) {
      const refused = await call('POST', `/api/v1/execute/${path}`, { input: {} }, as('billing'));
      expect([refused.status, refused.body.message]).toEqual([403, `Missing required permission: ${wanted}`]);
    }
    expect((await call('POST', '/api/v1/execute/ensemble/billing-run', {}, as('billing'))).status).toBe(200);
    expect((await call('POST', '/api/v1/execute/ensemble/billing-none', {}, as('billing'))).status).toBe(404);
    expect((await call('POST', '/api/v1/execute/agent/http', { input: 1 }, as('agents'))).status).toBe(200);
  });

  it('lists and describes only what the caller may execute', async () => {
    const call = app({ autoPermissions: true });
    const { body } = await call('GET', '/api/v1/ensembles', undefined, as('billing'));
    expect(body).toMatchObject({ count: 1, ensembles: [{ name: 'billing-run' }] });
    const hidden = await call('GET', '/api/v1/ensembles/invoice-pdf', undefined, as('billing'));
    const absent = await call('GET', '/api/v1/ensembles/none', undefined, as('billing'));
    expect([hidden.status, absent.status]).toEqual([404, 404]);
    expect(hidden.body.message.replace('invoice-pdf', 'none')).toBe(absent.body.message);
  });
});

describe('the catalog', () => {
  it('describes agents and ensembles, but never a config', async () => {
    const call = app();
    const agents = await call('GET', '/api/v1/agents', undefined, as('nobody'));
    expect(agents.body.count).toBe(3);
    expect(agents.body.agents[0]).toEqual({
      name: 'http',
      operation: 'http',
      description: null,
      builtIn: true,
      apiExecutable: true,
    });
    const one = await call('GET', '/api/v1/agents/invoice-pdf%2Finner');
    expect(one.body.agent).toMatchObject({ name: 'invoice-pdf/inner', schema: { input: null, output: null } });
    expect(one.text + agents.text).not.toContain('SECRET');
    expect((await call('GET', '/api/v1/ensembles/invoice-pdf')).body.ensemble).toMatchObject({
      description: 'Makes invoices',
      inputs: [],
      triggers: [],
    });
  });
});

describe('executions', () => {
  const run = (rest: Partial<Run>): Run => ({
    rowId: 1,
    id: EXECUTION_ID,
    rootId: EXECUTION_ID,
    snapshotId: 's',
    name: 'invoice-pdf',
    version: 1,
    correlationId: null,
    priority: 0,
    taskToDomain: {},
    createdBy: 'key_billing',
    parent: null,
    idempotencyKey: null,
    input: Json.of({}),
    createdMs: 100,
    status: 'COMPLETED',
    output: Json.of({ done: true, _response: { status: 201 } }),
    variables: Json.of({}),
    reason: null,
    failedRefs: [],
    failedNames: [],
    updatedMs: 150,
    endedMs: 150,
    lastRetriedMs: 0,
    dueMs: 0,
    lastSeq: 1,
    openTasks: 0,
    sequenceDone: true,
    ...rest,
  });
  const path = `/api/v1/executions/${EXECUTION_ID}`;

  it('are shown to who started them and to who may read them; to others they do not exist', async () => {
    runs.set(EXECUTION_ID, run({}));
    const call = app();
    for (const key of ['billing', 'reader', ROOT]) {
      expect((await call('GET', path, undefined, as(key))).body).toEqual({
        success: true,
        executionId: EXECUTION_ID,
        name: 'invoice-pdf',
        status: 'completed',
        startedAt: 100,
        completedAt: 150,
        duration: 50,
        output: { done: true },
      });
    }
    expect(readers).toHaveLength(3);
    const hidden = await call('GET', path, undefined, as('nobody'));
    expect([hidden.status, hidden.body.message]).toEqual([404, `Execution not found: ${EXECUTION_ID}`]);
    expect((await call('GET', `${path}/status`, undefined, as('nobody'))).status).toBe(404);
    expect((await call('POST', `${path}/cancel`, undefined, as('reader'))).status).toBe(404);
    expect((await call('GET', path, undefined, {})).status).toBe(401);
  });

  it('have a result when they have ended, and can be cancelled before', async () => {
    const call = app();
    runs.set(EXECUTION_ID, run({ status: 'RUNNING', endedMs: 0 }));
    expect((await call('GET', `${path}/status`)).body).toMatchObject({ status: 'running' });
    expect((await call('GET', `${path}/result`)).body).toMatchObject({ error: 'Conflict' });
    expect((await call('POST', `${path}/cancel`, undefined, as('billing'))).body).toEqual({
      success: true,
      executionId: EXECUTION_ID,
      status: 'cancelled',
    });
    expect(terminated).toEqual([EXECUTION_ID]);
    runs.set(EXECUTION_ID, run({ status: 'FAILED', reason: 'no lines' }));
    expect((await call('GET', `${path}/result`)).body).toMatchObject({
      success: false,
      status: 'failed',
      message: 'no lines',
    });
    expect((await call('POST', `${path}/cancel`)).status).toBe(409);
  });

  it('of nobody are not open to nobody who may read something', async () => {
    runs.set(EXECUTION_ID, run({ createdBy: 'key_billing' }));
    access = await accessWith({}, undefined, { requireAuth: false, anonymousPermissions: ['ensemble:*'] });
    expect((await app()('GET', path, undefined, {})).status).toBe(404);
  });
});
