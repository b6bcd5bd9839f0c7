import { describe, expect, test } from 'vitest';
import type { HttpTrigger, Trigger } from '../model/trigger.ts';
import { ensembleOf, hintsOf, load, problemsOf } from './load-project.fixture.ts';

/** Lines of one http trigger that is otherwise complete. */
const http = (...lines: string[]) =>
  `name: a\ntrigger:\n  - type: http\n${lines.map((line) => `    ${line}\n`).join('')}flow:\n  - agent: fetch\n`;
const webhook = (...lines: string[]) => http(...lines).replace('type: http', 'type: webhook');

function triggerOf(yaml: string): Trigger {
  const [trigger] = ensembleOf(yaml).triggers;
  if (trigger === undefined) throw new Error('no trigger');
  return trigger;
}

function httpOf(yaml: string): HttpTrigger {
  const trigger = triggerOf(yaml);
  if (trigger.type !== 'http') throw new Error('not http');
  return trigger;
}

describe('who may come (S1, S2, S3)', () => {
  test.each([
    [['public: true'], null],
    [['auth: { requirement: public }'], null],
    [['public: true', 'auth: { requirement: public }'], null],
    [['auth: { type: unkey }'], { type: 'unkey' }],
    [['auth: { type: cookie }'], { type: 'cookie' }],
    [['public: false', 'auth: { type: apiKey }'], { type: 'apiKey' }],
    [['auth: { type: custom, customValidator: mine }'], { type: 'custom', validator: 'mine' }],
    [
      ['auth: { type: basic, secret: "${env.USERS}" }'],
      { type: 'basic', secret: '${env.USERS}', realm: 'Conductor API' },
    ],
    [
      ['auth: { type: bearer, secret: $env.S, issuer: me, audience: you, algorithms: [RS256] }'],
      { type: 'bearer', secret: '$env.S', jwksUrl: null, issuer: 'me', audience: 'you', algorithms: ['RS256'] },
    ],
    [
      ['auth: { type: signature, secret: $env.S, preset: github }'],
      {
        type: 'signature',
        secret: '$env.S',
        preset: 'github',
        algorithm: null,
        signatureHeader: null,
        timestampHeader: null,
        timestampToleranceSeconds: 300,
      },
    ],
    [
      ['public: true', 'auth: { requirement: optional, methods: [bearer] }'],
      { type: 'configured', requirement: 'optional', methods: ['bearer'], customValidator: null },
    ],
    [
      ['auth: { requirement: required, methods: [custom], customValidator: mine }'],
      { type: 'configured', requirement: 'required', methods: ['custom'], customValidator: 'mine' },
    ],
  ])('%j', (lines, auth) => {
    expect(triggerOf(http(...lines)).auth).toEqual(auth);
    expect(triggerOf(webhook(...lines)).auth).toEqual(auth);
  });

  test('roles and permissions are gathered from the trigger and its auth', () => {
    const trigger = triggerOf(
      http('auth: { type: apiKey, roles: [admin], permissions: ["ensemble:*"] }', 'permissions: ["agent:x:execute"]'),
    );
    expect(trigger).toMatchObject({ roles: ['admin'], permissions: ['agent:x:execute', 'ensemble:*'] });
  });

  test.each([
    [
      ['path: /x'],
      '3:5 All webhook, MCP, email, and HTTP triggers must have auth configuration or explicit public: true',
    ],
    [
      ['public: true', 'auth: { type: apiKey }'],
      '4:5 `public: true` and `auth` contradict each other: nobody could tell whether a caller needs the credential',
    ],
    [
      ['public: false', 'auth: { requirement: public }'],
      '4:5 `public: false` and `requirement: public` contradict each other',
    ],
    [['public: "yes"'], '4:13 `trigger[0].public` must be true or false, not "yes"'],
    [['auth: apiKey'], '4:11 `auth` must be a mapping'],
    [['auth: {}'], '4:11 `auth` is empty'],
    [
      ['auth: { type: apikey }'],
      '4:19 "apikey" is not a type of auth: bearer, apiKey, unkey, signature, basic, cookie, custom',
    ],
    [['auth: { type: signature }'], '4:11 auth of type signature needs a secret'],
    [['auth: { type: basic, secret: "" }'], '4:34 `trigger[0].auth.secret` must be text, not an empty text'],
    [['auth: { type: apiKey, secret: x }'], '4:27 `secret` is not a key of auth of type apiKey'],
    [
      ['auth: { type: bearer, algorithms: [none] }'],
      '4:40 `trigger[0].auth.algorithms[0]` must be one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, not "none"',
    ],
    [
      ['auth: { requirement: required, methods: [custom] }'],
      '4:45 The method "custom" needs the name of its validator',
    ],
    [['auth: { requirement: required, methods: [] }'], '4:45 `methods` of auth names no method'],
    [
      ['public: true', 'roles: [admin]'],
      '3:5 A public trigger asks for permissions or roles, which nobody without a credential has',
    ],
  ])('%j does not load', (lines, problem) => {
    expect(problemsOf(http(...lines))[0]).toBe(problem);
    expect(load({ 'ensembles/a.yaml': http(...lines) }).ensembles.has('a')).toBe(false);
  });

  test('a secret that reads anything but the environment is refused, at its place', () => {
    const [problem] = problemsOf(http('auth: { type: bearer, secret: "${input.secret}" }'));
    expect(problem).toMatch(/^4:\d+ Only `env` can be read here/);
  });

  test('a secret that is written out is a warning', () => {
    expect(problemsOf(http('auth: { type: bearer, secret: hunter2 }'), 'warning')).toEqual([
      '4:35 A secret is written into the file',
    ]);
  });
});

describe('paths', () => {
  test('the path is the name of the ensemble unless told, GET for http and POST for webhooks', () => {
    expect(triggerOf(http('public: true')).paths).toEqual([{ path: '/a', methods: ['GET'] }]);
    expect(triggerOf(webhook('public: true')).paths).toEqual([{ path: '/a', methods: ['POST'] }]);
  });

  test('methods of the trigger hold for paths that name none', () => {
    expect(
      triggerOf(http('public: true', 'methods: [PUT]', 'paths: [{ path: /x }, { path: "/y/*", methods: [GET] }]'))
        .paths,
    ).toEqual([
      { path: '/x', methods: ['PUT'] },
      { path: '/y/*', methods: ['GET'] },
    ]);
  });

  test.each([
    ['users', 'must begin with "/"'],
    ['/users/', 'must not end with "/"'],
    ['/a//b', 'holds an empty segment'],
    ['/a/../b', 'holds ".."'],
    ['/a/*/b', 'may hold "*" only as its whole last segment'],
    ['/a/x*', 'may hold "*" only as its whole last segment'],
    ['/:id/:id', 'names the parameter ":id" twice'],
    ['/:id?', 'must hold no query'],
    ['/{id}', 'holds "{id}"'],
    ['/:', 'holds the parameter ":"'],
    ['/a b', 'which has characters that a path cannot have'],
    ['https://example.com/x', 'is a path, not an address'],
  ])('%s is refused', (path, message) => {
    const [problem] = problemsOf(http('public: true', `path: "${path}"`));
    expect(problem).toContain(message);
    expect(problem).toMatch(/^5:11 /);
  });

  test.each([
    ['path: /x', '/x', 'GET /x'],
    ['path: /:a', '/:b', 'GET /:b'],
  ])('two triggers do not answer the same requests: %s and %s', (first, second, told) => {
    const project = load({
      'ensembles/one.yaml': http('public: true', first).replace('name: a', 'name: one'),
      'ensembles/two.yaml': http('public: true', `path: "${second}"`).replace('name: a', 'name: two'),
    });
    expect(project.problems).toMatchObject([
      {
        position: { file: 'ensembles/two.yaml', line: 3, column: 5 },
        message: `${told} is answered by the ensemble "one" already (ensembles/one.yaml:3)`,
      },
    ]);
    expect([...project.ensembles.keys()]).toEqual(['one', 'docs-serve']);
  });

  test('other methods of one path may be elsewhere', () => {
    const project = load({
      'ensembles/one.yaml': http('public: true', 'path: /x').replace('name: a', 'name: one'),
      'ensembles/two.yaml': http('public: true', 'path: /x', 'methods: [POST]'),
    });
    expect(project.problems).toEqual([]);
  });

  test('a built-in trigger of which the project answers a path is gone as a whole: nothing beside a guarded path stays open', () => {
    const project = load({ 'ensembles/a.yaml': http('public: false', 'path: /docs') });
    expect(project.problems).toEqual([]);
    expect(project.ensembles.get('docs-serve')?.triggers).toEqual([]);
  });
});

describe('what else a trigger says (S3)', () => {
  test('everything of an http trigger', () => {
    expect(
      httpOf(
        http(
          'public: true',
          'async: true',
          'mode: resume',
          'timeout: 5000',
          'rateLimit: { requests: 10, window: 60, key: user }',
          'cors: { origin: https://app.example.com, methods: [GET], allowHeaders: [X-A], exposeHeaders: [X-B], credentials: true }',
          'cache: { ttl: 30, vary: [Accept] }',
          'middleware: [logger, timing]',
        ),
      ),
    ).toMatchObject({
      async: true,
      mode: 'resume',
      timeoutMs: 5000,
      rateLimit: { requests: 10, windowSeconds: 60, key: 'user' },
      cors: {
        origins: ['https://app.example.com'],
        methods: ['GET'],
        allowHeaders: ['X-A'],
        exposeHeaders: ['X-B'],
        credentials: true,
      },
      cache: { ttlSeconds: 30, vary: ['Accept'] },
      middleware: ['logger', 'timing'],
    });
  });

  test.each([
    ['rateLimit: { requests: 10 }', '5:16 A rate limit needs `window`'],
    [
      'rateLimit: { requests: 0, window: 60 }',
      '5:28 `trigger[0].rateLimit.requests` must be a whole number from 1 to 1000000000, not 0',
    ],
    [
      'cors: { origin: "*", credentials: true }',
      '5:11 `credentials: true` needs named origins: browsers refuse it with "*"',
    ],
    ['cors: { origin: https://x.example/path }', '5:21 "https://x.example/path" is not an origin'],
    ['cache: { enabled: true }', '5:12 A cache needs `ttl`'],
    ['timeout: 5s', '5:14 `trigger[0].timeout` must be a whole number of milliseconds from 1 to 86400000, not "5s"'],
    ['methods: GET', '5:14 `trigger[0].methods` must be a list, not "GET"'],
    [
      'methods: [FETCH]',
      '5:15 `trigger[0].methods[0]` must be one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS, not "FETCH"',
    ],
    ['templateEngine: liquid', '5:5 `templateEngine` of an http trigger is not supported yet by this version'],
    ['ratelimit: { requests: 1, window: 1 }', '5:5 `ratelimit` is not a key of an http trigger'],
  ])('%s is refused', (line, problem) => {
    expect(problemsOf(http('public: true', line))[0]).toBe(problem);
  });

  test('slips are told what was meant', () => {
    expect(hintsOf(http('public: true', 'method: [GET]'))).toEqual(['Did you mean `methods`?']);
    expect(hintsOf(http('publc: true'))[1]).toBe('Did you mean `public`?');
  });

  test.each(['mcp', 'email', 'queue', 'cron', 'build', 'cli', 'startup'])('type %s is of a later version', (type) => {
    expect(problemsOf(http('public: true').replace('type: http', `type: ${type}`))).toEqual([
      `3:11 Triggers of type ${type} are not supported yet by this version`,
    ]);
  });

  test('a webhook has no rate limit, and says where it belongs', () => {
    expect(problemsOf(webhook('public: true', 'rateLimit: { requests: 1, window: 1 }'))).toEqual([
      '5:5 `rateLimit` is not a key of a webhook trigger',
    ]);
  });

  test('a trigger that is no list is told how to become one', () => {
    expect(problemsOf('name: a\ntrigger:\n  type: http\n  public: true\n')).toEqual(['3:3 `trigger` must be a list']);
  });
});
