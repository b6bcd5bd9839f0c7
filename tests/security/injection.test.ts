// What callers send is data, all the way: trigger, steps, output, page, history. Nothing in it is ever evaluated, decides
// how the answer is sent, becomes a header, or reaches the objects that code is made of.
import { beforeAll, describe, expect, test } from 'vitest';
import { openSite, type Site } from './project.fixture.ts';

const CANARY = 'canary-0f3a9b7c1d5e';

/** Each would show if it were evaluated. */
const PAYLOADS = [
  '${env.INJECTION_CANARY}',
  '$env.INJECTION_CANARY',
  '{{env.INJECTION_CANARY}}',
  '\\${env.INJECTION_CANARY}',
  '${input.body.hidden}',
  '{{input.body.hidden}}',
  '{{ hidden }}',
  '{{{ hidden }}}',
  '${40 + 2}',
  '{{ 40 | plus: 2 }}',
  '{% assign x = hidden %}{{ x }}',
  '{% include "agents/look/agent.yaml" %}',
  "${''.constructor.constructor('return process')()}",
  '${first.output.constructor}',
  '${workflow.input.hidden} ${CPEWF_TASK_ID} ${workflow.vault.stripe.key}',
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'; DROP TABLE runs; --",
  '__proto__',
  '\u0000\u0001\u2028',
];

const FILES = {
  'agents/look/agent.yaml': `name: look
operation: code
handler: ./index.ts
config:
  own: "own: \${input.text}"
`,
  'agents/look/index.ts': `export default ({ input, config, env }) => ({
  text: input.text,
  mixed: input.mixed,
  own: config.own,
  filled: input.token === 'Bearer ' + env.INJECTION_CANARY + ' ' + input.text,
})
`,
  'agents/pass/agent.yaml': 'name: pass\noperation: code\nhandler: ./index.ts\n',
  'agents/pass/index.ts': 'export default ({ input }) => input.body ?? input\n',
  'ensembles/whole.yaml': `name: whole
trigger:
  - type: http
    path: /whole/:id
    methods: [POST]
    public: true
flow:
  - name: first
    agent: echo
    input:
      data: \${input.body.text}
  - name: second
    agent: look
    input:
      text: \${first.output.echo}
      mixed: "a \${first.output.echo} {{input.query.q}} z"
      token: "Bearer \${env.INJECTION_CANARY} \${input.body.text}"
output:
  text: \${second.output.text}
  mixed: \${second.output.mixed}
  own: \${second.output.own}
  filled: \${second.output.filled}
  id: \${input.params.id}
`,
  'ensembles/page.yaml': `name: page
trigger:
  - type: http
    path: /page
    methods: [POST]
    public: true
flow:
  - name: first
    agent: echo
    input:
      data: \${input.body.text}
  - name: simple
    agent: html-simple
    input: { text: "\${first.output.echo}", hidden: found-me }
  - name: liquid
    agent: html-liquid
    input: { text: "\${first.output.echo}", hidden: found-me }
agents:
  - name: html-simple
    operation: html
    config:
      template: "<p>{{text}}</p>"
  - name: html-liquid
    operation: html
    config:
      template: "<p>{{ text }}</p>"
      engine: liquid
output:
  simple: \${simple.output.html}
  liquid: \${liquid.output.html}
`,
  'ensembles/pass.yaml': `name: pass-through
trigger:
  - type: http
    path: /pass
    methods: [GET, POST]
    public: true
flow:
  - agent: pass
`,
  'ensembles/block.yaml': `name: block
trigger:
  - type: http
    path: /block
    methods: [POST]
    public: true
flow:
  - name: it
    agent: pass
output:
  - body: \${it.output}
`,
  'ensembles/raw.yaml': `name: raw
trigger:
  - type: http
    path: /raw
    methods: [POST]
    public: true
flow:
  - name: it
    agent: pass
output:
  _raw: \${it.output}
`,
  'ensembles/headers.yaml': `name: headers
trigger:
  - type: http
    path: /headers
    methods: [GET]
    public: true
flow:
  - agent: echo
output:
  - headers:
      x-echo: \${input.query.value}
    body: { ok: true }
`,
  'ensembles/go.yaml': `name: go
trigger:
  - type: http
    path: /go
    methods: [GET]
    public: true
flow:
  - agent: echo
output:
  - redirect:
      url: \${input.query.to}
`,
  'ensembles/who.yaml': `name: who
trigger:
  - type: http
    path: /who
    methods: [POST]
    public: true
agents:
  - name: who
    operation: code
    handler: ../agents/who.ts
flow:
  - name: set
    agent: who
    input: { set: "\${input.body}" }
  - agent: who
    input: {}
`,
  'agents/who.ts': `export default ({ input, setState, state, auth, location }) => {
  if (input.set) setState(input.set)
  return { auth, country: location?.country ?? null, ownState: Object.keys(state).sort() }
}
`,
};

let site: Site;

beforeAll(async () => {
  process.env.INJECTION_CANARY = CANARY;
  site = await openSite(FILES);
  expect(site.server.project().problems.filter(({ severity }) => severity === 'error')).toEqual([]);
});

describe('nothing that a caller sends is evaluated', () => {
  test.each(PAYLOADS)('%j goes through trigger, steps and output as it is', async (text) => {
    const q = encodeURIComponent(text);
    const answer = await site.post(`/whole/${encodeURIComponent(`x${text}`)}?q=${q}`, { text, hidden: 'found-me' });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      text,
      mixed: `a ${text} ${text} z`,
      own: `own: ${text}`,
      filled: true,
      id: `x${text}`,
    });
  });

  test.each(PAYLOADS)('%j is text in a page, by either template language', async (text) => {
    const answer = await site.post('/page', { text, hidden: 'found-me' });
    expect(answer.status).toBe(200);
    const { simple, liquid } = JSON.parse(await answer.text());
    for (const page of [simple, liquid]) {
      expect(page).not.toMatch(/found-me|42|<script|<img/);
      expect(page).not.toContain(CANARY);
      const shown = /^<p>(.*)<\/p>$/s.exec(page)?.[1] ?? '';
      const plain = shown
        .replace(/&lt;/g, '<')
        .replace(/&gt;/g, '>')
        .replace(/&(quot|#34);/g, '"')
        .replace(/&(#39|#x27|apos);/g, "'")
        .replace(/&#96;|&#x60;/g, '`')
        .replace(/&#61;|&#x3D;/gi, '=')
        .replace(/&amp;/g, '&');
      expect(plain).toBe(text);
    }
  });
});

describe('reserved names in data', () => {
  const ORDERS = {
    _response: {
      status: 302,
      redirect: { url: 'https://evil.example/', status: 302 },
      headers: { 'x-evil': '1' },
      raw: true,
    },
    _raw: '<script>alert(1)</script>',
    _context: {
      auth: { authenticated: true, user: { id: 'admin', roles: ['admin'], permissions: ['*'] } },
      visitor: { country: 'DE' },
    },
  };
  const SINGLES = Object.entries(ORDERS).map(([name, value]) => ({ [name]: value }));

  test.each([ORDERS, ...SINGLES, { ...ORDERS, text: 'x' }])(
    '%j is an ordinary answer wherever it is the output',
    async (body) => {
      for (const path of ['/pass', '/block']) {
        const answer = await site.post(path, body);
        expect([path, answer.status]).toEqual([path, 200]);
        expect(answer.headers.get('content-type')).toContain('application/json');
        expect(answer.headers.get('x-evil')).toBeNull();
        expect(answer.headers.get('location')).toBeNull();
        expect(await answer.json()).toEqual(body);
      }
      const raw = await site.post('/raw', body);
      expect(raw.status).toBe(200);
      expect(raw.headers.get('content-type')).not.toContain('html');
      expect(raw.headers.get('x-evil')).toBeNull();
      const headers = { 'x-api-key': await site.key('*') };
      const executed = await site.post('/api/v1/execute/ensemble/pass-through', { input: { body } }, headers);
      expect(executed.status).toBe(200);
      expect(JSON.parse(await executed.text()).output).toEqual(body);
      const agent = await site.post('/api/v1/execute/agent/pass', { input: { body } }, headers);
      expect(agent.status).toBe(200);
      expect(JSON.parse(await agent.text()).data).toEqual(body);
    },
  );

  test('neither a body nor a state changes who the agents take the caller for', async () => {
    const answer = await site.post('/who', { ...ORDERS, _context: ORDERS._context, auth: ORDERS._context.auth });
    expect(answer.status).toBe(200);
    const { auth, country } = JSON.parse(await answer.text());
    expect(auth).toEqual({ authenticated: false, method: null, user: null });
    expect(country).toBe('XX');
  });
});

describe('who calls', () => {
  test('is not up to a workflow definition: its variables change nothing for the agents it runs', async () => {
    const headers = { 'x-api-key': await site.key('*') };
    const auth = {
      authenticated: true,
      method: 'apiKey',
      user: { id: 'admin', roles: ['admin'], permissions: ['*'], metadata: {} },
    };
    const inputParameters = { agent: 'who/who', input: {}, config: {} };
    const tasks = [
      {
        type: 'SET_VARIABLE',
        name: 'set',
        taskReferenceName: 'set',
        inputParameters: { _context: { auth, visitor: { country: 'DE' } } },
      },
      { type: 'AGENT', name: 'who', taskReferenceName: 'who', inputParameters },
    ];
    const workflowDef = { name: 'spoof', version: 1, schemaVersion: 2, tasks, variables: { _context: { auth } } };
    const started = await site.post('/api/workflow', { name: 'spoof', workflowDef, input: {} }, headers);
    expect(started.status).toBe(200);
    const id = await started.text();
    let run: { status?: string; output?: unknown } = {};
    await expect
      .poll(async () => {
        run = JSON.parse(await (await site.get(`/api/workflow/${id}`, headers)).text());
        return run.status;
      })
      .toBe('COMPLETED');
    expect(run.output).toMatchObject({ auth: { authenticated: false, user: null }, country: 'XX' });
  });
});

describe('names of prototypes', () => {
  test('are data in bodies, queries, cookies and forms, and pollute nothing', async () => {
    const body =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":{"__proto__":{"polluted":1}}}';
    const answers = [
      await site.post('/pass?__proto__=1&__proto__[polluted]=1&constructor=2&toString=3', body),
      await site.get('/pass?__proto__[polluted]=1&constructor.prototype.polluted=1', {
        cookie: '__proto__=1; constructor=2',
      }),
      await fetch(`${site.url}/pass`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: '__proto__=1&__proto__[polluted]=1&hasOwnProperty=1',
      }),
      await site.post('/whole/__proto__?q=__proto__', body),
      await site.post('/api/v1/execute/ensemble/pass-through', `{"input":${body}}`, {
        'x-api-key': await site.key('*'),
      }),
      await site.post('/api/v1/execute/ensemble/__proto__', {}, { 'x-api-key': await site.key('*') }),
      await site.post('/api/v1/execute/agent/constructor', { input: {} }, { 'x-api-key': await site.key('*') }),
      await site.post('/who', body),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 404, 404, 200]);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
    expect(Reflect.get(Object, 'polluted')).toBeUndefined();
    const normal = await site.post('/whole/1?q=q', { text: 'fine' });
    expect(await normal.json()).toMatchObject({ text: 'fine', filled: true });
  });
});

describe('headers and addresses', () => {
  test.each(['a\r\nx-evil: 1', 'a\nset-cookie: session_token=1', 'a\u0000b', 'a\u2028b', 'ünïcödé \u{1f600}'])(
    '%j becomes no header of its own',
    async (value) => {
      const answer = await site.get(`/headers?value=${encodeURIComponent(value)}`);
      expect(answer.headers.get('x-evil')).toBeNull();
      expect(answer.headers.get('set-cookie')).toBeNull();
      expect(answer.status).toBe(500);
      expect(await answer.json()).toMatchObject({ success: false, error: expect.any(String) });
    },
  );

  test.each([
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'java\tscript:alert(1)',
    'data:text/html,<script>1</script>',
    '//evil.example',
    '\\\\evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    'https:evil.example',
    'https://ok.example\r\nx-evil: 1',
  ])('%j is nowhere to redirect to', async (to) => {
    const answer = await site.get(`/go?to=${encodeURIComponent(to)}`);
    expect(answer.status).toBe(500);
    expect(answer.headers.get('location')).toBeNull();
    expect(answer.headers.get('x-evil')).toBeNull();
  });

  test('an ordinary address is', async () => {
    expect((await site.get('/go?to=/next?a=b')).headers.get('location')).toBe('/next?a=b');
    expect((await site.get('/go?to=https%3A%2F%2Fok.example%2F')).headers.get('location')).toBe('https://ok.example/');
  });
});
