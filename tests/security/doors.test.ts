// What stands between a stranger and a route: guards that survive a broken reload, stealth, one credential at a time, keys
// that cannot make themselves stronger, limits that cannot be walked around.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bodyOf, openSite, type Site } from './project.fixture.ts';

const guarded = (trigger: string, more = '') => `name: guarded
trigger:
  - type: http
    path: /guarded
${trigger}
flow:
  - agent: echo
    input: { data: in }
${more}`;
const GUARD = '    auth:\n      type: apiKey';

describe('reloading', () => {
  let site: Site;
  let key: string;

  beforeAll(async () => {
    site = await openSite({
      'ensembles/guarded.yaml': guarded(GUARD),
      'agents/version/agent.yaml': 'name: version\noperation: code\nhandler: ./index.ts\n',
      'agents/version/index.ts': 'export default () => 0\n',
      'ensembles/version.yaml': `name: version
trigger:
  - type: http
    path: /version
    public: false
flow:
  - agent: version
`,
    });
    key = await site.key('*');
  });

  test.each([
    ['no guard at all', ''],
    ['public: maybe', '    public: maybe'],
    ['public and guarded at once', '    public: true\n    auth:\n      type: apiKey'],
    ['a guard of an unknown kind', '    auth:\n      type: nothing'],
    ['a guard whose secret is not set', '    auth:\n      type: bearer\n      secret: ${env.DOORS_NOT_SET}'],
    ['a guard with an empty secret', '    auth:\n      type: bearer\n      secret: ""'],
    [
      'a validator that nobody registered',
      '    auth:\n      requirement: required\n      methods: [custom]\n      customValidator: gone',
    ],
    ['middleware that nobody registered', `${GUARD}\n    middleware: [gone]`],
    ['a misspelled guard', '    auht:\n      type: apiKey'],
    ['broken YAML', '    public: true\n  bad: [\n'],
  ])('%s changes nothing: the route stays shut to strangers, and open to those who may', async (_what, trigger) => {
    site.write('ensembles/guarded.yaml', guarded(trigger));
    const problems = await site.server.reload();
    expect(problems.filter(({ severity }) => severity === 'error')).not.toEqual([]);
    expect((await site.get('/guarded')).status).toBe(401);
    expect((await site.get('/guarded', { 'x-api-key': key })).status).toBe(200);
    // And at a start, where there is nothing to go on with, it is not there at all.
    const fresh = await openSite({
      'ensembles/guarded.yaml': guarded(trigger),
      'ensembles/ok.yaml': guarded('    public: true').replaceAll('guarded', 'ok'),
    });
    expect((await fresh.get('/guarded')).status).toBe(404);
    expect((await fresh.get('/ok')).status).toBe(200);
    await fresh.close();
  });

  test('while requests run, each is answered by a whole project, and none slips past the guard', async () => {
    site.write('ensembles/guarded.yaml', guarded(GUARD));
    let reloading = true;
    const statuses = new Set<number>();
    const versions = new Set<unknown>();
    const strangers = new Set<number>();
    const lane = async () => {
      for (let n = 0; reloading && n < 5_000; n += 1) {
        const [known, stranger] = await Promise.all([site.get('/version', { 'x-api-key': key }), site.get('/version')]);
        statuses.add(known.status);
        versions.add(await known.json());
        strangers.add(stranger.status);
      }
    };
    const lanes = Promise.all(Array.from({ length: 4 }, lane));
    for (let version = 1; version <= 10; version += 1) {
      site.write('agents/version/index.ts', `export default () => ${version}\n`);
      expect(await site.server.reload()).toEqual([]);
      expect(await (await site.get('/version', { 'x-api-key': key })).json()).toBe(version);
    }
    reloading = false;
    await lanes;
    expect([...statuses]).toEqual([200]);
    expect([...strangers]).toEqual([401]);
    for (const version of versions) expect(version).toEqual(expect.any(Number));
  });
});

describe('stealth mode', () => {
  let site: Site;

  beforeAll(async () => {
    site = await openSite({
      'ensembles/guarded.yaml': guarded(
        `    methods: [GET, POST]\n${GUARD}\n    cors: { origin: https://app.example }`,
      ),
      'ensembles/params.yaml': guarded(GUARD).replaceAll('guarded', 'deep').replace('/deep', '/deep/:id/x'),
      'conductor.config.ts':
        'export default { security: { stealthMode: true, stealthDelayMs: 5, autoPermissions: true } }\n',
    });
  });

  /** An answer without what no two answers share. */
  async function look(method: string, path: string, headers: Record<string, string> = {}, body?: string) {
    const answer = await fetch(site.url + path, {
      method,
      headers,
      redirect: 'manual',
      ...(body !== undefined && { body }),
    });
    const own = new Set(['date', 'x-request-id']);
    const text = (await answer.text())
      .replaceAll(path, '<path>')
      .replace(/"(requestId|timestamp)":("[^"]*"|\d+)/g, '"$1":"…"');
    return { status: answer.status, headers: [...answer.headers].filter(([name]) => !own.has(name)).sort(), text };
  }

  const BAD = { 'x-api-key': 'cnd_live_0000000000000000000000000000000000000000000000000' };
  const json = { 'content-type': 'application/json' };

  test.each([
    // Of equal length, so that Content-Length says nothing either.
    ['GET', '/guarded', '/nothing', {}, undefined],
    ['GET', '/guarded', '/nothing', BAD, undefined],
    ['GET', '/guarded', '/nothing', { authorization: 'Basic OjpAOg==' }, undefined],
    ['GET', '/guarded', '/nothing', { authorization: 'Nonsense' }, undefined],
    ['HEAD', '/guarded', '/nothing', {}, undefined],
    ['POST', '/guarded', '/nothing', json, '{"a":'],
    ['POST', '/guarded', '/nothing', { ...json, ...BAD }, '{}'],
    ['DELETE', '/guarded', '/nothing', {}, undefined],
    ['GET', '/deep/%ff/x', '/none/%ff/x', {}, undefined],
    ['GET', '/deep/1/x', '/none/1/x', BAD, undefined],
    ['POST', '/api/v1/execute/ensemble/guarded', '/api/v1/execute/ensemble/nothing', json, '{}'],
    ['POST', '/api/v1/execute/ensemble/guarded', '/api/v1/execute/ensemble/nothing', { ...json, ...BAD }, '{}'],
    ['POST', '/api/v1/execute/agent/echo', '/api/v1/execute/agent/none', json, '{"input":1}'],
    ['POST', '/api/v1/execute/agent/echo', '/api/v1/exequte/agent/echo', json, '{"input":1}'],
    ['GET', '/api/v1/agents', '/api/v1/agenda', BAD, undefined],
  ])('%s %s looks like %s, with headers %j', async (method, there, nowhere, headers, body) => {
    const seen = await look(method, there, headers, body);
    expect(seen).toEqual(await look(method, nowhere, headers, body));
    expect(seen.status).toBe(404);
  });

  test('who may come in sees everything', async () => {
    const headers = { 'x-api-key': await site.key('ensemble:guarded:execute') };
    expect((await site.get('/guarded', headers)).status).toBe(200);
    expect((await site.post('/api/v1/execute/ensemble/guarded', {}, headers)).status).toBe(200);
  });
});

describe('credentials', () => {
  let site: Site;

  beforeAll(async () => {
    site = await openSite({ 'ensembles/guarded.yaml': guarded('    public: false') });
  });

  test('a bad one is never passed over for a good one', async () => {
    const good = await site.key('*');
    const bad = `${good.slice(0, -4)}0000`;
    const status = async (headers: Record<string, string>) => [
      (await site.get('/guarded', headers)).status,
      (await site.post('/api/v1/execute/agent/echo', { input: { data: 1 } }, headers)).status,
      (await site.get('/api/metadata/workflow', headers)).status,
    ];
    expect(await status({ 'x-api-key': good })).toEqual([200, 200, 200]);
    expect(await status({ authorization: `Bearer ${good}` })).toEqual([200, 200, 200]);
    const attempts: Record<string, string>[] = [
      { 'x-api-key': bad, authorization: `Bearer ${good}` },
      { 'x-api-key': bad, 'x-authorization': good },
      { 'x-api-key': `${bad}, ${good}` },
      { authorization: `Bearer ${bad}, Bearer ${good}` },
      { authorization: `Basic ${good}` },
      { authorization: good },
      { 'x-api-key': '' },
    ];
    for (const headers of attempts) {
      expect([headers, await status(headers)]).toEqual([headers, [401, 401, 401]]);
    }
    for (const path of [`/guarded?api_key=${good}`, `/guarded?x-api-key=${good}&token=${good}`]) {
      expect((await site.get(path)).status).toBe(401);
    }
    expect((await site.get('/guarded', { cookie: `session_token=${good}; api_key=${good}` })).status).toBe(401);
  });

  test('a key makes no key that may more than itself, by no way', async () => {
    const superuser = await site.server.access.generateKey({ name: 'root', permissions: ['*'], expiresMs: 0 });
    const narrow = { 'x-api-key': await site.key('keys:*:manage', 'ensemble:billing-*:execute') };
    const grant = async (...permissions: string[]) =>
      (await site.post('/api/v1/admin/keys', { name: 'made', permissions }, narrow)).status;
    for (const more of [
      '*',
      '*:*',
      '*:*:*',
      'ensemble:*',
      'ensemble:*:execute',
      'ensemble:billing*:execute',
      'agent:*:execute',
      'ensemble:billing-*:*',
      'ensemble:billing-*',
      'keys:*',
      'keys:*:*',
    ]) {
      expect([more, await grant(more)]).toEqual([more, 403]);
      expect([more, await grant('ensemble:billing-a:execute', more)]).toEqual([more, 403]);
    }
    expect(await grant('ensemble:billing-a:execute')).toBe(201);
    expect(await grant('ensemble:billing-*:execute')).toBe(201);
    const rotate = `/api/v1/admin/keys/${superuser.record.id}/rotate`;
    expect((await site.post(rotate, {}, narrow)).status).toBe(403);
    expect((await site.get('/guarded', { 'x-api-key': superuser.key })).status).toBe(200);
    const powerless = { 'x-api-key': await site.key('ensemble:*') };
    for (const [method, path] of [
      ['GET', '/api/v1/admin/keys'],
      ['POST', '/api/v1/admin/keys'],
      ['DELETE', `/api/v1/admin/keys/${superuser.record.id}`],
      ['POST', rotate],
    ] as const) {
      const body = method === 'POST' ? { body: '{"name":"x","permissions":["ensemble:*"]}' } : {};
      const headers = { ...powerless, 'content-type': 'application/json' };
      expect((await fetch(site.url + path, { method, headers, ...body })).status).toBe(403);
    }
  });
});

describe('a workflow of one’s own', () => {
  const agent = (name: string, more = '') => ({
    [`agents/${name}/agent.yaml`]: `name: ${name}\noperation: code\nhandler: ./index.ts\n${more}`,
    [`agents/${name}/index.ts`]: "export default () => 'ran'\n",
  });
  const FILES = {
    ...agent('plain'),
    ...agent('open', 'apiExecutable: true\n'),
    ...agent('shut', 'apiExecutable: false\n'),
  };

  async function outcomes(config: string): Promise<string[]> {
    const site = await openSite({ ...FILES, 'conductor.config.ts': `export default ${config}\n` });
    const headers = { 'x-api-key': await site.key('workflow:*') };
    const statuses = ['plain', 'open', 'shut'].map(async (name) => {
      const tasks = [{ type: 'AGENT', name, taskReferenceName: 'it', inputParameters: { agent: name, input: {} } }];
      const workflowDef = { name: 'around', version: 1, schemaVersion: 2, tasks };
      const id = await (await site.post('/api/workflow', { name: 'around', workflowDef, input: {} }, headers)).text();
      let status = 'RUNNING';
      await expect
        .poll(async () => {
          status = JSON.parse(await (await site.get(`/api/workflow/${id}`, headers)).text()).status;
          return status;
        })
        .not.toBe('RUNNING');
      return status;
    });
    const all = await Promise.all(statuses);
    await site.close();
    return all;
  }

  test('S13, S14: is no way around the rules for executing agents', async () => {
    expect(await outcomes('{}')).toEqual(['COMPLETED', 'COMPLETED', 'FAILED']);
    const explicit = '{ api: { execution: { agents: { requireExplicit: true } } } }';
    expect(await outcomes(explicit)).toEqual(['FAILED', 'COMPLETED', 'FAILED']);
    const none = '{ security: { allowDirectAgentExecution: false } }';
    expect(await outcomes(none)).toEqual(['FAILED', 'FAILED', 'FAILED']);
  });

  test('S12: with autoPermissions runs only agents that whoever started it may execute', async () => {
    const site = await openSite({
      ...FILES,
      'conductor.config.ts': 'export default { security: { autoPermissions: true } }\n',
      'ensembles/inside.yaml': 'name: inside\nflow:\n  - agent: plain\n',
    });
    const step = { type: 'AGENT', name: 'it', taskReferenceName: 'it' };
    const around = (agent: string) => ({
      ...{ name: 'around', version: 1, schemaVersion: 2, variables: { agentGrants: ['*'] } },
      tasks: [{ ...step, inputParameters: { agent, input: {} } }],
    });
    const fixed = around('plain');
    const named = around('${workflow.input.agent}');
    const child = { type: 'SUB_WORKFLOW', name: 'sub', taskReferenceName: 'sub', inputParameters: { agent: 'plain' } };
    const nested = {
      ...fixed,
      name: 'nested',
      tasks: [{ ...child, subWorkflowParam: { name: 'around', workflowDefinition: named } }],
    };
    const headersOf = async (...grants: string[]) => ({ 'x-api-key': await site.key('workflow:*', ...grants) });
    const outcome = async (workflowDef: { name: string }, headers: Record<string, string>, input = {}) => {
      const start = { name: workflowDef.name, workflowDef, input, createdBy: 'local', agentGrants: ['*'] };
      const id = await (await site.post('/api/workflow', start, headers)).text();
      let run: { status: string; reasonForIncompletion?: string } = { status: 'RUNNING' };
      await expect
        .poll(async () => {
          run = JSON.parse(await (await site.get(`/api/workflow/${id}`, headers)).text());
          return run.status;
        })
        .not.toBe('RUNNING');
      return run.reasonForIncompletion ?? run.status;
    };
    const lacking = expect.stringContaining('Missing required permission: agent:plain:execute');
    for (const grants of [[], ['agent:other:execute'], ['ensemble:*', 'metadata:*:write'], ['agent:plain:read']]) {
      const headers = await headersOf(...grants);
      expect(await outcome(fixed, headers)).toEqual(lacking);
      expect(await outcome(named, headers, { agent: 'plain' })).toEqual(lacking);
      expect(await outcome(nested, headers)).toEqual(lacking);
    }
    for (const grants of [['agent:plain:execute'], ['agent:*'], ['agent:p*n:execute'], ['*']]) {
      const headers = await headersOf(...grants);
      expect(await outcome(fixed, headers)).toBe('COMPLETED');
      expect(await outcome(named, headers, { agent: 'plain' })).toBe('COMPLETED');
      expect(await outcome(nested, headers)).toBe('COMPLETED');
    }
    // Whether there is such an agent is not told to whoever may not execute it; what the project runs asks nobody.
    const narrow = await headersOf('agent:plain:execute', 'ensemble:inside:execute');
    for (const agent of ['shut', 'nobody']) {
      expect(await outcome(named, narrow, { agent })).toContain(`Missing required permission: agent:${agent}:execute`);
    }
    const inside = { 'x-api-key': await site.key('ensemble:inside:execute') };
    expect((await site.post('/api/v1/execute/ensemble/inside', {}, inside)).status).toBe(200);
    await site.close();
  });
});

describe('rate limits', () => {
  let site: Site;
  const limited = (name: string, key: string) => `name: ${name}
trigger:
  - type: http
    path: /${name}
    auth:
      type: apiKey
    rateLimit: { requests: 3, window: 3600, key: ${key} }
flow:
  - agent: echo
    input: { data: in }
`;

  beforeAll(async () => {
    site = await openSite({
      'ensembles/by-ip.yaml': limited('by-ip', 'ip'),
      'ensembles/by-user.yaml': limited('by-user', 'user'),
      'agents/who/agent.yaml': 'name: who\noperation: code\nhandler: ./index.ts\n',
      'agents/who/index.ts': 'export default ({ auth }) => ({ userId: auth.userId, id: auth.user?.id })\n',
    });
  });

  test('by address hold before a credential is looked at, and no header changes the address', async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 6; n += 1) {
      const spoofed = {
        'x-forwarded-for': `203.0.113.${n}`,
        'cf-connecting-ip': `203.0.113.${n}`,
        'x-real-ip': `203.0.113.${n}`,
      };
      statuses.push((await site.get('/by-ip', { ...spoofed, 'x-api-key': `cnd_live_guess${n}` })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429, 429]);
    expect((await site.get('/by-ip', { 'x-api-key': await site.key('*') })).status).toBe(429);
  });

  test('by user hold after it: strangers use up nobody’s, and each user has their own', async () => {
    const [ada, bob] = [{ 'x-api-key': await site.key('*') }, { 'x-api-key': await site.key('*') }];
    for (let n = 0; n < 5; n += 1) expect((await site.get('/by-user')).status).toBe(401);
    const statuses: number[] = [];
    for (let n = 0; n < 4; n += 1) statuses.push((await site.get('/by-user', ada)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect((await site.get('/by-user', bob)).status).toBe(200);
    expect((await site.get('/by-user')).status).toBe(401);
  });

  test('by user count all keys of one user together; agents see the user, and nothing is allowed by it', async () => {
    const keyOf = async (userId?: string) => {
      const body = { name: 'svc', permissions: ['agent:*:execute'], ...(userId === undefined ? {} : { userId }) };
      const made = await site.post('/api/v1/admin/keys', body, { 'x-api-key': site.server.localKey });
      expect(made.status).toBe(201);
      const { key, keyId } = JSON.parse(await made.text());
      return { keyId, headers: { 'x-api-key': String(key) } };
    };
    const [one, other, third] = [await keyOf('zoe'), await keyOf('zoe'), await keyOf()];
    const statuses: number[] = [];
    for (const { headers } of [one, other, one, other]) statuses.push((await site.get('/by-user', headers)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect((await site.get('/by-user', third.headers)).status).toBe(200);
    for (const [{ headers, keyId }, userId] of [
      [one, 'zoe'],
      [third, third.keyId],
    ] as const) {
      const answer = await site.post('/api/v1/execute/agent/who', { input: {} }, headers);
      expect(JSON.parse(await answer.text()).data).toEqual({ userId, id: keyId });
    }
    const { metadata } = await bodyOf(await site.post('/api/v1/execute/agent/who', { input: {} }, one.headers));
    const path = `/api/v1/executions/${metadata?.executionId}`;
    expect((await site.get(path, one.headers)).status).toBe(200);
    expect((await site.get(path, other.headers)).status).toBe(404);
  });
});

afterAll(() => {
  delete process.env.DOORS_NOT_SET;
});
