// Secrets of the environment, filled in where an author wrote `${env.X}`: they reach the agent, and no history, log,
// answer or error, whatever becomes of the call.
import { createServer, type Server } from 'node:http';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSite, type Site } from './project.fixture.ts';

const SECRET = 'sk_live_5f2e8c1b9a7d4e6f';
const OWN = 'own-master-secret-778899';

let vendor: Server;
let site: Site;
let key: string;
const seen: (string | undefined)[] = [];

const flow = (agent: string, more: string) => `flow:\n  - name: call\n    agent: ${agent}\n${more}`;

function files(origin: string): Record<string, string> {
  return {
    'conductor.config.ts': `export default { security: { debugHeaders: true }, egress: { allowOrigins: ['${origin}'] } }\n`,
    'agents/uses/agent.yaml': `name: uses
operation: code
handler: ./index.ts
config:
  own: \${env.PAGE_SECRET}
`,
    'agents/uses/index.ts': `export default ({ input, config, env, logger }) => {
  const known = [input.token, config.token, config.own].every((text) => text.endsWith(env.PAGE_SECRET))
  logger.info('called', { known })
  if (input.fail === 'throw') throw new Error('refused with ' + config.token + ' at /srv/app')
  if (input.fail === 'read') throw new Error('refused with ' + encodeURIComponent(env.PAGE_SECRET_OF_HANDLERS))
  if (input.fail === 'own') throw new Error('refused with ' + config.own)
  return { known, master: env.CONDUCTOR_TEST_MASTER ?? null }
}
`,
    'ensembles/uses.yaml': `name: uses
trigger:
  - type: http
    path: /uses
    methods: [POST]
    public: true
${flow(
  'uses',
  `    input:
      token: "Bearer \${env.PAGE_SECRET}"
      fail: \${input.fail}
    config:
      token: \${env.PAGE_SECRET}
`,
)}`,
    'ensembles/vendor.yaml': `name: vendor
${flow(
  'http',
  `    config:
      url: ${origin}/\${input.path}
      headers:
        authorization: "Bearer \${env.PAGE_SECRET}"
`,
)}output:
  status: \${call.output.status}
`,
    'ensembles/in-url.yaml': `name: in-url
${flow('fetch', `    config:\n      url: http://10.0.0.1/?key=\${env.PAGE_SECRET}\n      retry: 0\n`)}`,
    'ensembles/bad-config.yaml': `name: bad-config
${flow('delay', '    config:\n      ms: ${env.PAGE_SECRET}\n')}`,
    'ensembles/in-name.yaml': `name: in-name
${flow('http', `    config:\n      url: ${origin}/ok\n      method: \${env.PAGE_SECRET}\n`)}`,
    'ensembles/unset.yaml': `name: unset
${flow('echo', '    input:\n      data: ${env.PAGE_SECRET_THAT_IS_NOT_SET}\n')}`,
  };
}

beforeAll(async () => {
  vendor = createServer((request, response) => {
    seen.push(request.headers.authorization);
    // As some vendors do: says back what it does not like.
    response.writeHead(request.url === '/ok' ? 200 : 403, { 'content-type': 'text/plain' });
    response.end(request.url === '/ok' ? 'ok' : `bad token ${request.headers.authorization}`);
  });
  await new Promise<void>((resolve) => vendor.listen(0, '127.0.0.1', resolve));
  const address = vendor.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  process.env.PAGE_SECRET = SECRET;
  process.env.PAGE_SECRET_OF_HANDLERS = 'a secret of/handlers';
  process.env.CONDUCTOR_TEST_MASTER = OWN;
  site = await openSite(files(`http://127.0.0.1:${port}`));
  key = await site.key('*');
});

afterAll(() => {
  vendor.closeAllConnections();
  vendor.close();
});

/** Everything that can be seen of an execution from outside. */
async function tracesOf(executionId: string): Promise<string> {
  const paths = [
    `/api/workflow/${executionId}?includeTasks=true`,
    `/api/v1/executions/${executionId}`,
    `/api/v1/executions/${executionId}/status`,
    `/api/v1/executions/${executionId}/result`,
  ];
  const answers = await Promise.all(paths.map((path) => site.get(path, { 'x-api-key': key })));
  expect(answers[0]?.status).toBe(200);
  return (await Promise.all(answers.map((answer) => answer.text()))).join('\n');
}

async function run(name: string, input: object) {
  const answer = await site.post(`/api/v1/execute/ensemble/${name}`, { input }, { 'x-api-key': key });
  const text = await answer.text();
  const id = answer.headers.get('x-conductor-execution-id') ?? JSON.parse(text).executionId;
  const headers = JSON.stringify([...answer.headers]);
  const everything = [text, headers, await tracesOf(id), inspect(site.log, { depth: 10 })].join('\n');
  return { status: answer.status, text, everything };
}

describe('a secret of the environment', () => {
  test('reaches the agent that it was written for, in input and config, and stands nowhere afterwards', async () => {
    const { status, text, everything } = await run('uses', {});
    expect(status).toBe(200);
    expect(JSON.parse(text).output).toEqual({ known: true, master: null });
    expect(everything).toContain('${env.PAGE_SECRET}');
    expect(everything).not.toContain(SECRET);
    const triggered = await site.post('/uses', {});
    expect(await triggered.json()).toEqual({ known: true, master: null });
  });

  test.each([
    ['uses', { fail: 'throw' }],
    ['uses', { fail: 'own' }],
    ['uses', { fail: 'read' }],
    ['vendor', { path: 'refused' }],
    ['in-url', {}],
    ['bad-config', {}],
    ['in-name', {}],
    ['unset', {}],
  ])('stands nowhere when %s fails with %j', async (name, input) => {
    const { status, text, everything } = await run(name, input);
    expect(status).toBe(500);
    expect(text).not.toContain('/srv/app');
    // What failed is still to be read.
    if (name === 'vendor') expect(text).toContain('bad token Bearer ***');
    expect(everything).not.toContain(SECRET);
    expect(everything).not.toContain('a secret of');
    expect(everything).not.toContain('a%20secret');
  });

  test('goes to the vendor as it was written', async () => {
    expect((await run('vendor', { path: 'ok' })).status).toBe(200);
    expect(seen.at(-1)).toBe(`Bearer ${SECRET}`);
  });

  test('of the server itself is no part of what agents see', async () => {
    const answer = await site.post('/api/v1/execute/agent/inspect-context', { input: {} }, { 'x-api-key': key });
    expect(await answer.text()).not.toContain(OWN);
  });

  test('cannot be asked for by a caller: input, config and names stay texts', async () => {
    const text = '${env.PAGE_SECRET}';
    const headers = { 'x-api-key': key };
    const answers = await Promise.all([
      site.post('/api/v1/execute/agent/echo', { input: { data: text } }, headers),
      site.post('/api/v1/execute/agent/uses', { input: { token: text }, config: { token: text, own: text } }, headers),
      site.post('/api/v1/execute/agent/http', { input: { url: text } }, headers),
      site.post(`/api/v1/execute/ensemble/${encodeURIComponent(text)}`, { input: {} }, headers),
      site.post('/api/workflow', { name: text, input: { text } }, headers),
      site.post('/uses', { fail: text, env: { '/input/fail': [text] } }),
    ]);
    for (const answer of answers) expect(await answer.text()).not.toContain(SECRET);
  });

  test.each([
    ['a map of their own', {}, { '/input/data': ['${env.PAGE_SECRET}'] }, {}],
    ['one that is data', {}, '${workflow.input.map}', { '/input/data': ['${env.PAGE_SECRET}'] }],
    [
      'the language of ensembles',
      { expressionLanguage: 'ensemble' },
      '${input.map}',
      { '/input/data': ['${env.PAGE_SECRET}'] },
    ],
    [
      'the mark of ensembles',
      { expressionLanguage: 'ensemble', metadata: { kind: 'ensemble' } },
      { '/input/data': ['${env.PAGE_SECRET}'] },
      {},
    ],
  ])('cannot be asked for by whoever may start workflows, with %s', async (_what, more, env, map) => {
    const inputParameters = { agent: 'echo', input: { data: 'x' }, env };
    const tasks = [{ type: 'AGENT', name: 'echo', taskReferenceName: 'echo', inputParameters }];
    const workflowDef = { name: 'steal', version: 1, schemaVersion: 2, tasks, ...more };
    const started = await site.post(
      '/api/workflow',
      { name: 'steal', workflowDef, input: { map } },
      { 'x-api-key': key },
    );
    const id = await started.text();
    if (started.status === 200) {
      await expect
        .poll(async () => JSON.parse(await (await site.get(`/api/workflow/${id}`, { 'x-api-key': key })).text()).status)
        .not.toBe('RUNNING');
      expect(await tracesOf(id)).not.toContain(SECRET);
    }
    expect(id).not.toContain(SECRET);
  });
});
