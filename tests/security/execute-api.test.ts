// The seed page's execute API, its permissions and its configuration, over HTTP.
import { describe, expect, test } from 'vitest';
import { bodyOf, openSite, type Site } from './project.fixture.ts';

const HELLO = {
  'ensembles/invoice-pdf.yaml': `name: invoice-pdf
flow:
  - name: make
    agent: echo
    input:
      data: \${input.orderId}
output:
  order: \${make.output.echo}
`,
  'agents/greet/agent.yaml': 'name: greet\noperation: code\nhandler: ./index.ts\n',
  'agents/greet/index.ts':
    'export default (context) => ({ hello: context.input.name, loud: context.config.loud ?? false })\n',
};

const config = (text: string) => ({ 'conductor.config.ts': `export default ${text}\n` });

async function statuses(site: Site, key: string | null) {
  const headers: Record<string, string> = key === null ? {} : { 'x-api-key': key };
  const ensemble = await site.post('/api/v1/execute/ensemble/invoice-pdf', { input: {} }, headers);
  const agent = await site.post('/api/v1/execute/agent/greet', { input: {} }, headers);
  return [ensemble.status, agent.status];
}

describe('the execute API', () => {
  test('S4, S27: an ensemble and an agent are executed with X-API-Key or Bearer, and answer as printed', async () => {
    const site = await openSite(HELLO);
    const key = await site.key('ensemble:*:execute');
    const answer = await site.post(
      '/api/v1/execute/ensemble/invoice-pdf',
      { input: { orderId: '12345' } },
      { 'x-api-key': key },
    );
    expect(answer.status).toBe(200);
    const body = await bodyOf(answer);
    expect(body).toEqual({
      success: true,
      output: { order: '12345' },
      metadata: {
        executionId: expect.stringMatching(/^req_[0-9a-f]{32}$/),
        duration: expect.any(Number),
        timestamp: expect.any(Number),
      },
    });
    const agent = await site.post(
      '/api/v1/execute/agent/greet',
      { input: { name: 'Ada' } },
      { authorization: `Bearer ${key}` },
    );
    expect(agent.status).toBe(200);
    expect(await agent.json()).toMatchObject({
      success: true,
      data: { hello: 'Ada' },
      metadata: { executionId: expect.any(String) },
    });
    const history = await fetch(`${site.url}/api/workflow/${body.metadata?.executionId}`, {
      headers: { 'x-api-key': await site.key('*') },
    });
    expect(await history.json()).toMatchObject({
      status: 'COMPLETED',
      workflowName: 'invoice-pdf',
      output: { order: '12345' },
    });
  });

  test('S5: every /api/v1 route asks for a credential, whatever it is about', async () => {
    const site = await openSite(HELLO);
    for (const path of [
      '/api/v1/agents',
      '/api/v1/ensembles',
      '/api/v1/ensembles/invoice-pdf',
      '/api/v1/executions/req_0',
    ]) {
      expect((await site.get(path)).status).toBe(401);
    }
    for (const path of [
      'execute/ensemble/invoice-pdf',
      'execute/ensemble/none',
      'execute/agent/greet',
      'execute',
      'execute/invoice-pdf',
    ]) {
      const answer = await site.post(`/api/v1/${path}`, { input: {} });
      expect(answer.status).toBe(401);
      expect(await answer.json()).toMatchObject({
        success: false,
        error: 'Unauthorized',
        requestId: expect.any(String),
      });
    }
    expect(await statuses(site, 'cnd_live_wrong')).toEqual([401, 401]);
  });

  test('S6, S15: static keys of the configuration work, and only they', async () => {
    process.env.PAGE_API_KEY = 'a-static-key-for-simple-setups';
    const site = await openSite({
      ...HELLO,
      ...config('{ auth: { requireAuth: true, apiKeys: [process.env.PAGE_API_KEY], allowAnonymous: false } }'),
    });
    expect(await statuses(site, process.env.PAGE_API_KEY)).toEqual([200, 200]);
    expect(await statuses(site, 'another')).toEqual([401, 401]);
    expect(await statuses(site, null)).toEqual([401, 401]);
  });

  test('S12: with autoPermissions each ensemble and agent asks for its own permission', async () => {
    const site = await openSite({ ...HELLO, ...config('{ security: { autoPermissions: true } }') });
    expect(await statuses(site, await site.key('ensemble:invoice-pdf:execute'))).toEqual([200, 403]);
    expect(await statuses(site, await site.key('agent:greet:execute'))).toEqual([403, 200]);
    expect(await statuses(site, await site.key('ensemble:billing-*:execute'))).toEqual([403, 403]);
    const refused = await site.post('/api/v1/execute/ensemble/nobody', {}, { 'x-api-key': await site.key('agent:*') });
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({
      error: 'Forbidden',
      message: 'Missing required permission: ensemble:nobody:execute',
    });
  });

  test('S13: direct agent execution can be switched off', async () => {
    const site = await openSite({ ...HELLO, ...config('{ security: { allowDirectAgentExecution: false } }') });
    const key = await site.key('*');
    expect(await statuses(site, key)).toEqual([200, 403]);
    const refused = await site.post('/api/v1/execute/agent/greet', { input: {} }, { 'x-api-key': key });
    expect((await bodyOf(refused)).message).toBe('Direct agent execution is disabled. Use ensembles instead.');
  });

  test.each([
    [false, undefined, 200],
    [false, true, 200],
    [false, false, 403],
    [true, undefined, 403],
    [true, true, 200],
    [true, false, 403],
  ])(
    'S14: requireExplicit %s with apiExecutable %s gives %i, for ensembles and agents',
    async (requireExplicit, flag, status) => {
      const line = flag === undefined ? '' : `apiExecutable: ${flag}\n`;
      const site = await openSite({
        'ensembles/e.yaml': `name: e\n${line}flow:\n  - agent: echo\n`,
        'agents/a/agent.yaml': `name: a\noperation: code\nhandler: ./index.ts\n${line}`,
        'agents/a/index.ts': 'export default () => 1\n',
        ...config(
          `{ api: { execution: { agents: { requireExplicit: ${requireExplicit} }, ensembles: { requireExplicit: ${requireExplicit} } } } }`,
        ),
      });
      const headers = { 'x-api-key': await site.key('*') };
      expect((await site.post('/api/v1/execute/ensemble/e', {}, headers)).status).toBe(status);
      expect((await site.post('/api/v1/execute/agent/a', { input: {} }, headers)).status).toBe(status);
      const builtIn = await site.post('/api/v1/execute/agent/echo', { input: { data: 1 } }, headers);
      expect(builtIn.status).toBe(requireExplicit ? 403 : 200);
    },
  );

  test('S28: an agent needs an input, and takes overrides of its config', async () => {
    const site = await openSite(HELLO);
    const headers = { 'x-api-key': await site.key('*') };
    const without = await site.post('/api/v1/execute/agent/greet', {}, headers);
    expect(without.status).toBe(400);
    expect((await bodyOf(without)).message).toContain('Input is required');
    const loud = await site.post(
      '/api/v1/execute/agent/greet',
      { input: { name: 'x' }, config: { loud: true } },
      headers,
    );
    expect((await bodyOf(loud)).data).toEqual({ hello: 'x', loud: true });
    const late = await site.post('/api/v1/execute/agent/delay', { input: {}, config: { ms: 'soon' } }, headers);
    expect(late.status).toBe(400);
    expect((await site.post('/api/v1/execute/agent/nobody', { input: {} }, headers)).status).toBe(404);
    expect((await site.post('/api/v1/execute/ensemble/nobody', {}, headers)).status).toBe(404);
  });

  test('S29: requireAuth false opens the execute API and nothing else; the old routes still work', async () => {
    const site = await openSite({ ...HELLO, ...config('{\n  auth: {\n    requireAuth: false,\n  },\n}') });
    expect(await statuses(site, null)).toEqual([200, 200]);
    expect(await statuses(site, 'a-bad-key')).toEqual([401, 401]);
    const old = await site.post('/api/v1/execute', { ensemble: 'invoice-pdf', input: { orderId: 'o' } });
    expect((await bodyOf(old)).output).toEqual({ order: 'o' });
    expect((await site.post('/api/v1/execute/invoice-pdf', { input: {} })).status).toBe(200);
    for (const path of ['/api/metadata/workflow', '/api/admin/keys', '/api/vault/keys']) {
      expect([401, 403, 404, 405]).toContain((await site.get(path)).status);
    }
    expect((await site.post('/api/workflow/anything', {})).status).toBeGreaterThanOrEqual(401);
  });

  test('a failed execution answers 500 with its id, and tells nothing that was not meant to be told', async () => {
    const site = await openSite({
      'agents/bad/agent.yaml': 'name: bad\noperation: code\nhandler: ./index.ts\n',
      'agents/bad/index.ts': "export default () => { throw new Error('at /srv/secret/path') }\n",
      'ensembles/fails.yaml': 'name: fails\nflow:\n  - agent: bad\n',
    });
    const answer = await site.post('/api/v1/execute/ensemble/fails', {}, { 'x-api-key': await site.key('*') });
    expect(answer.status).toBe(500);
    const text = await answer.text();
    expect(JSON.parse(text)).toMatchObject({
      success: false,
      error: 'ExecutionError',
      executionId: expect.stringMatching(/^req_/),
    });
    expect(text).not.toContain('/srv/secret');
  });

  test('100 concurrent requests over one ensemble each see their own input, and nobody else’s', async () => {
    const site = await openSite({
      'agents/slow/agent.yaml': 'name: slow\noperation: code\nhandler: ./index.ts\n',
      'agents/slow/index.ts': `export default async ({ input, setState, state }) => {
  setState({ seen: input.n })
  await new Promise((resolve) => setTimeout(resolve, input.n % 7))
  return { n: input.n, before: state.seen ?? null }
}
`,
      'ensembles/two.yaml': `name: two
flow:
  - name: first
    agent: slow
    input: { n: "\${input.n}" }
  - name: second
    agent: slow
    input: { n: "\${first.output.n}" }
output:
  n: \${second.output.n}
  first: \${first.output.before}
  seen: \${second.output.before}
  mark: \${input.mark}
`,
    });
    const headers = { 'x-api-key': await site.key('*') };
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        const answer = await site.post(
          '/api/v1/execute/ensemble/two',
          { input: { n, mark: `\${input.n}{{input.n}}${n}` } },
          headers,
        );
        return (await bodyOf(answer)).output;
      }),
    );
    expect(answers).toEqual(answers.map((_, n) => ({ n, first: null, seen: n, mark: `\${input.n}{{input.n}}${n}` })));
  });
});
