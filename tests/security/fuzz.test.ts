// Whatever is sent, and whatever a project's files hold, the server goes on: no crash, no answer that nobody foresaw, and
// an ordinary request is answered afterwards.
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { openSite, type Site } from './project.fixture.ts';

const GOOD = `name: good
trigger:
  - type: http
    path: /good
    methods: [GET, POST]
    public: true
flow:
  - name: say
    agent: echo
    input: { data: "\${input.n ?? 'none'}" }
output: { n: "\${say.output.echo}" }
`;

const SITE = {
  'ensembles/good.yaml': GOOD,
  'ensembles/many.yaml': `name: many
trigger:
  - type: http
    paths:
      - { path: "/many/:a/:b", methods: [GET, POST, PUT, PATCH, DELETE] }
      - { path: "/files/*", methods: [GET, POST] }
    public: true
    cors: { origin: "*" }
input:
  n: { type: number, default: 1 }
flow:
  - name: say
    agent: echo
    input: { data: "\${input.params.a} {{input.body.x | uppercase}} \${input.query.q?.length}" }
  - name: maybe
    agent: echo
    when: \${input.body.x > 3 && input.query.q.includes('a')}
output:
  - when: \${maybe.executed}
    status: 201
    body: { x: "\${input.body.x}" }
  - body: { say: "\${say.output.echo}", n: "\${input.n}" }
`,
  'ensembles/hook.yaml': `name: hook
trigger:
  - type: webhook
    path: /hooks/x
    auth: { type: signature, secret: "a-secret-for-signatures-of-32-chars" }
flow:
  - agent: echo
`,
  'ensembles/page.yaml': `name: page
trigger:
  - type: http
    path: /page
    methods: [GET, POST]
    public: true
flow:
  - name: html
    agent: html-page
agents:
  - name: html-page
    operation: html
    config: { template: "<p>{{query.q}} {{body}}</p>" }
output:
  _raw: \${html.output}
`,
};

let site: Site;
let key: string;

beforeAll(async () => {
  site = await openSite(SITE);
  key = await site.key('*');
});

async function works(at: Site): Promise<void> {
  const answer = await at.get('/good?n=7');
  expect([answer.status, await answer.json()]).toEqual([200, { n: '7' }]);
}

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Below `fetch`, which would tidy up what is sent. Null: it could not be sent at all. */
function send({ method, path, headers, body }: Sent): Promise<{ status: number; text: string } | null> {
  return new Promise((resolve) => {
    try {
      const { port } = new URL(site.url);
      const sent = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
        answer.on('error', () => resolve(null));
      });
      sent.on('error', () => resolve(null));
      sent.setTimeout(10_000, () => sent.destroy(new Error('no answer')));
      sent.end(method === 'GET' || method === 'HEAD' ? undefined : body);
    } catch {
      resolve(null);
    }
  });
}

const segment = fc.oneof(
  fc.constantFrom(
    'good',
    'many',
    'files',
    'hooks',
    'x',
    'page',
    'docs',
    'api',
    'v1',
    'execute',
    'ensemble',
    'agent',
    'echo',
    'workflow',
    'metadata',
    'tasks',
    'vault',
    'callback',
    'health',
    '..',
    '.',
    '',
    '%',
    '%00',
    '%ff',
    '%2e%2e',
    '%2f',
    '*',
    ':a',
    '__proto__',
    'constructor',
  ),
  fc.string({ maxLength: 8 }).map(encodeURIComponentSafe),
);
const path = fc.oneof(
  fc.array(segment, { maxLength: 6 }).map((segments) => `/${segments.join('/')}`),
  fc.constantFrom(
    '/good',
    '/many/1/2',
    '/files/a/b',
    '/hooks/x',
    '/page',
    '/docs',
    '/docs/a',
    '/api/v1/execute',
    '/api/v1/execute/ensemble/many',
    '/api/v1/execute/agent/echo',
    '/api/v1/execute/agent/fetch',
    '/api/workflow',
    '/api/metadata/workflow',
    '/api/tasks',
    '/api/v1/executions/req_0',
  ),
);
const query = fc.option(
  fc.string({ maxLength: 20 }).map((text) => `?q=${encodeURIComponentSafe(text)}&%=&__proto__[x]=1`),
  { nil: '' },
);
const headers = fc.dictionary(
  fc.constantFrom(
    'content-type',
    'authorization',
    'cookie',
    'origin',
    'accept',
    'x-forwarded-for',
    'accept-language',
    'x-request-id',
    'idempotency-key',
    'if-none-match',
    'content-encoding',
    'range',
    'expect-nothing',
    'x-http-method-override',
  ),
  fc.oneof(
    fc.constantFrom(
      'application/json',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'multipart/form-data',
      'text/plain',
      'application/json; charset=utf-16',
      'Bearer x',
      'Basic Og==',
      'gzip',
      'null',
      'bytes=0-',
      '"',
      'a=b; c',
    ),
    fc.string({ maxLength: 40 }).map((text) => text.replace(/[^\x20-\x7e\x80-\xff]/g, '')),
  ),
  { maxKeys: 4 },
);
const body = fc.oneof(
  fc.json({ maxDepth: 4 }),
  fc.string({ maxLength: 60 }),
  fc
    .record(
      { input: fc.jsonValue({ maxDepth: 3 }), config: fc.jsonValue({ maxDepth: 2 }), ensemble: fc.string() },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value)),
  fc.constantFrom(
    '--x\r\n\r\n',
    '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--',
    '{"__proto__":1}',
    '[[[[[[',
    '\u0000',
    '{"input":{"url":"http://127.0.0.1/"}}',
  ),
);
const sent = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND', 'TRACE'),
  path: fc.tuple(path, query).map(([where, what]) => where + what),
  headers,
  body,
});

function encodeURIComponentSafe(text: string): string {
  return encodeURIComponent(text.replace(/[\ud800-\udfff]/g, '?'));
}

/** What the server itself failed at, rather than an agent: the log has the reason. */
const unforeseen = (at: Site) =>
  at.log.filter(({ level, message }) => level === 'error' && message === 'request failed');

describe('requests', () => {
  test('500 of any kind, with and without a key, get an answer that was foreseen', async () => {
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(sent, fc.boolean(), async (request, known) => {
        const answer = await send({
          ...request,
          headers: known ? { ...request.headers, 'x-api-key': key } : request.headers,
        });
        if (answer === null) return;
        answered += 1;
        expect(answer.text).not.toMatch(/internal_error|\.ts:\d|node_modules|at async|at Object/);
        if (answer.status === 500) expect(JSON.parse(answer.text)).toMatchObject({ code: 'execution_failed' });
      }),
      { numRuns: 500, endOnFailure: true },
    );
    expect(answered).toBeGreaterThan(450);
    expect(unforeseen(site)).toEqual([]);
    await works(site);
  }, 60_000);

  test.each([
    ['a body that nests 100,000 deep', '/good', '['.repeat(100_000) + ']'.repeat(100_000), 400],
    ['one that nests in objects', '/good', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`, 400],
    ['a form with many fields', '/good', 'a[a]=1&'.repeat(100_000), 200],
    ['one larger than the limit', '/good', `{"a":"${'x'.repeat(11 * 1024 * 1024)}"}`, 413],
    [
      'a deep input of an execution',
      '/api/v1/execute/ensemble/good',
      `{"input":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`,
      400,
    ],
    ['a number that is none', '/good', `{"n":1${'0'.repeat(100_000)}}`, 200],
  ])('%s costs its sender an answer and nobody else anything', async (_what, where, text, status) => {
    const type = text.startsWith('a[') ? 'application/x-www-form-urlencoded' : 'application/json';
    const answer = await site.post(where, text, { 'content-type': type, 'x-api-key': key }).catch(() => null);
    // A sender that is still sending may find the connection closed instead of the answer.
    if (answer !== null || status !== 413) expect(answer?.status).toBe(status);
    await works(site);
  });

  test('what is no HTTP, or never ends, takes nothing down', async () => {
    const { port } = new URL(site.url);
    for (const text of [
      '\u0016\u0003\u0001\u0002',
      'GET\r\n\r\n',
      'GET /good HTTP/9.9\r\n\r\n',
      'POST /good HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n',
      'POST /good HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{',
      `GET /good HTTP/1.1\r\nHost: x\r\nx: ${'a'.repeat(100_000)}\r\n\r\n`,
      'POST /good HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), '127.0.0.1', () => socket.end(text));
        socket.on('error', () => resolve());
        socket.on('close', () => resolve());
        socket.resume();
      });
    }
    await works(site);
  });
});

describe('projects', () => {
  const anchors = Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(',')}]`);
  const bombs: Readonly<Record<string, string>> = {
    'billion laughs': `a0: &a0 [lol]\n${anchors.join('\n')}\nname: x\n`,
    'deep flow': `name: x\nflow: ${'['.repeat(50_000)}${']'.repeat(50_000)}\n`,
    'deep blocks': Array.from({ length: 3_000 }, (_, n) => `${' '.repeat(n)}a:`).join('\n'),
    'a huge file': `name: x\ndescription: "${'x'.repeat(2_000_000)}"\n`,
    'a tag that calls': 'name: !!js/function "function(){ process.exit(1) }"\nflow: []\n',
    'a cycle': 'name: x\nflow: &f\n  - agent: echo\n    input: { data: *f }\n',
    'merge keys': 'base: &b { public: true }\nname: x\ntrigger:\n  - <<: *b\n    type: http\nflow:\n  - agent: echo\n',
    'names of prototypes':
      '__proto__:\n  polluted: 1\nname: __proto__\nconstructor: { prototype: { polluted: 1 } }\nflow:\n  - agent: __proto__\n    name: constructor\n',
    'a deep expression': `name: x\nflow:\n  - agent: echo\n    input: { data: "\${${'('.repeat(20_000)}1${')'.repeat(20_000)}}" }\n`,
    'a long expression': `name: x\nflow:\n  - agent: echo\n    input: { data: "\${${'input.a + '.repeat(20_000)}1}" }\n`,
    'an expression that never closes': `name: x\nflow:\n  - agent: echo\n    input: { data: "${'${'.repeat(20_000)}" }\n`,
    'a schema with a costly pattern': `name: x\nflow:\n  - agent: echo\n    input: { data: "\${input.a | ${'trim | '.repeat(5_000)}trim}" }\n`,
    'no text': '\u0000\u0001\ufeff\ufffe',
  };

  test.each(Object.keys(bombs))('%s is a problem of its own file, and the rest is served', async (name) => {
    const one = await openSite({ 'ensembles/good.yaml': GOOD, 'ensembles/bomb.yaml': bombs[name] ?? '' });
    const { problems } = one.server.project();
    expect(problems.map(({ position }) => position.file)).toContain('ensembles/bomb.yaml');
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
    await works(one);
    await one.close();
  });

  test('100 of random text and random structure load or are refused, and never take the server down', async () => {
    const one = await openSite({ 'ensembles/good.yaml': GOOD });
    const scalar = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom(
        '${input.x}',
        '{{a | b}}',
        '${',
        '*',
        '&a',
        '!!x',
        '${env.X}',
        'http',
        'echo',
        'code',
        './index.ts',
        '../../x.ts',
        '/a',
        '/:id',
        'GET',
      ),
    );
    const keys = [
      'name',
      'flow',
      'trigger',
      'agents',
      'agent',
      'input',
      'output',
      'when',
      'config',
      'type',
      'path',
      'paths',
      'methods',
      'public',
      'auth',
      'cors',
      'rateLimit',
      'body',
      'status',
      'redirect',
      '_raw',
      'operation',
      'handler',
      'security',
      'schema',
      'durable',
      'state',
    ];
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        scalar,
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...keys), tie('tree'), { maxKeys: 5 }),
      ),
    }));
    const ensemble = fc.record(
      {
        name: fc.constantFrom('a', 'b', 'good', 1, ''),
        trigger: fc.array(fc.dictionary(fc.constantFrom(...keys), tree, { maxKeys: 5 }), { maxLength: 2 }),
        flow: fc.array(fc.dictionary(fc.constantFrom(...keys), tree, { maxKeys: 5 }), { maxLength: 3 }),
        output: tree,
      },
      { requiredKeys: [] },
    );
    const text = fc.oneof(
      ensemble.map((value) => JSON.stringify(value)),
      tree.map((value) => JSON.stringify(value)),
      fc.string({ maxLength: 80 }),
    );
    await fc.assert(
      fc.asyncProperty(text, text, async (first, second) => {
        one.write('ensembles/fuzz.yaml', first);
        one.write('agents/fuzz/agent.yaml', second);
        for (const problem of await one.server.reload())
          expect(problem.message).not.toMatch(/is not a function|Cannot read|undefined \(/);
      }),
      { numRuns: 100, endOnFailure: true },
    );
    await works(one);
    await one.close();
  }, 60_000);
});
