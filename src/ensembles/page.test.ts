// The YAML of the security page, as it is printed there.
import { describe, expect, test } from 'vitest';
import { YAML } from '../../tests/docs/security-page.fixture.ts';
import type { Trigger } from '../model/trigger.ts';
import { ensembleOf, hintsOf, load, problemsOf } from './load-project.fixture.ts';

function triggerOf(yaml: string, name: string): Trigger {
  const [trigger] = ensembleOf(yaml, name).triggers;
  if (trigger === undefined) throw new Error('no trigger');
  return trigger;
}

describe('the security page', () => {
  test('S1: an explicitly public trigger loads', () => {
    expect(triggerOf(YAML.publicApi, 'public-api')).toEqual({
      type: 'http',
      paths: [{ path: '/api/users/:id', methods: ['GET'] }],
      auth: null,
      permissions: [],
      roles: [],
      async: false,
      mode: 'trigger',
      timeoutMs: null,
      rateLimit: null,
      cors: null,
      cache: null,
      middleware: [],
      position: { file: 'ensembles/a.yaml', line: 3, column: 5 },
    });
    expect(ensembleOf(YAML.publicApi, 'public-api').definition.tasks).toMatchObject([
      {
        type: 'AGENT',
        name: 'fetch-user',
        taskReferenceName: 'fetch-user',
        inputParameters: { agent: 'fetch-user', input: '${input}', config: {}, env: {} },
      },
    ]);
  });

  test('S1: a trigger that says neither public nor auth does not load', () => {
    const yaml = YAML.publicApi.replace(/ {4}public: true.*\n/, '');
    expect(problemsOf(yaml)).toEqual([
      '3:5 All webhook, MCP, email, and HTTP triggers must have auth configuration or explicit public: true',
    ]);
    expect(hintsOf(yaml)[0]).toContain('public: true');
    expect(load({ 'ensembles/a.yaml': yaml }).ensembles.has('public-api')).toBe(false);
  });

  test('S2, S18, S19: docs-internal loads as printed, and asks for any configured credential', () => {
    const trigger = triggerOf(YAML.docsInternal, 'docs-internal');
    expect(trigger.auth).toEqual({
      type: 'configured',
      requirement: 'required',
      methods: [],
      customValidator: null,
    });
    expect(trigger.paths).toEqual([{ path: '/docs/internal', methods: ['GET'] }]);
    const { definition } = ensembleOf(YAML.docsInternal, 'docs-internal');
    expect(definition.tasks).toMatchObject([
      {
        name: 'docs',
        taskReferenceName: 'render',
        inputParameters: { config: { title: 'Internal Documentation', basePath: '/docs/internal' } },
      },
    ]);
    expect(definition.outputParameters).toEqual({ blocks: [{ body: '${render.output}', raw: true }] });
    expect(definition).toMatchObject({
      name: 'docs-internal',
      version: 1,
      expressionLanguage: 'ensemble',
      metadata: { kind: 'ensemble' },
    });
  });

  test('S17: several paths share one public', () => {
    const project = load({ 'ensembles/docs-serve.yaml': YAML.docsServe });
    expect(project.problems).toEqual([]);
    const serve = project.ensembles.get('docs-serve');
    expect(serve?.triggers.map(({ auth, paths }) => ({ auth, paths }))).toEqual([
      {
        auth: null,
        paths: [
          { path: '/docs', methods: ['GET'] },
          { path: '/docs/:slug', methods: ['GET'] },
        ],
      },
    ]);
    expect(serve?.origin).toBe('file');
    expect(serve?.definition.tasks, 'what the built-in one does').toMatchObject([
      { name: 'docs', taskReferenceName: 'render' },
    ]);
  });

  test('S30: docs-serve is public as shipped, private when the project says so', () => {
    expect(load({}).ensembles.get('docs-serve')?.triggers[0]?.auth).toBeNull();
    const own = load({ 'ensembles/docs-serve.yaml': YAML.docsServe.replace('public: true', 'public: false') });
    expect(own.ensembles.get('docs-serve')?.triggers[0]?.auth).toMatchObject({
      type: 'configured',
      requirement: 'required',
    });
  });

  test('S7: a bearer secret of the environment stays spelled', () => {
    const yaml = YAML.publicApi.replace(/public: true.*/, 'auth:\n      type: bearer\n      secret: ${env.JWT_SECRET}');
    expect(triggerOf(yaml, 'public-api').auth).toEqual({
      type: 'bearer',
      secret: '${env.JWT_SECRET}',
      jwksUrl: null,
      issuer: null,
      audience: null,
      algorithms: [],
    });
  });

  test('S8: auth of type apiKey needs nothing else', () => {
    const yaml = `name: data\n${YAML.apiKey}`;
    expect(triggerOf(yaml, 'data').auth).toEqual({ type: 'apiKey' });
  });

  test('S14: apiExecutable of ensembles and agents is kept, and undefined when it is not said', () => {
    const project = load({
      'ensembles/a.yaml': `${YAML.apiExecutable}---\n${YAML.strict}`,
    });
    expect(project.problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    const said = (name: string) => project.ensembles.get(name)?.apiExecutable;
    expect([said('internal-workflow'), said('public-workflow'), said('internal-only')]).toEqual([
      false,
      true,
      undefined,
    ]);
    expect(project.ensembles.has('internal-only')).toBe(true);
    expect(project.agents.get('sensitive-operation')?.apiExecutable).toBe(true);
  });

  test('S14: an agent file may begin with agent, and then needs no operation', () => {
    const project = load({
      'agents/sensitive-operation/agent.yaml': 'agent: sensitive-operation\napiExecutable: true\n',
    });
    expect(project.problems).toEqual([]);
    expect(project.agents.get('sensitive-operation')).toMatchObject({
      operation: 'code',
      handler: 'agents/sensitive-operation/index.ts',
      apiExecutable: true,
      origin: 'file',
    });
  });

  test('S23: security.ssrf of an agent file is kept', () => {
    const project = load({ 'agents/internal-service-proxy/agent.yaml': YAML.proxy });
    expect(project.problems).toEqual([]);
    expect(project.agents.get('internal-service-proxy')).toMatchObject({
      ssrf: false,
      operation: 'code',
      handler: 'agents/internal-service-proxy/proxy.ts',
    });
  });

  test('S23: an inline agent keeps security and apiExecutable, and belongs to its ensemble', () => {
    const inline = (name: string) => `name: ${name}
agents:
  - name: proxy
    operation: code
    handler: ../agents/proxy/index.ts
    apiExecutable: false
    timeout: 5000
    security:
      ssrf: false
`;
    const project = load({
      'ensembles/one.yaml': inline('one'),
      'ensembles/two.yaml': inline('two').replace('ssrf: false', 'ssrf: true'),
    });
    expect(project.problems).toEqual([]);
    expect(project.agents.get('one/proxy')).toMatchObject({
      ssrf: false,
      apiExecutable: false,
      timeoutMs: 5000,
      origin: 'inline',
      handler: 'agents/proxy/index.ts',
    });
    expect(project.agents.get('two/proxy')).toMatchObject({ ssrf: true });
    expect(project.agents.has('proxy')).toBe(false);
    expect(project.ensembles.get('two')?.definition.tasks).toMatchObject([
      { name: 'two/proxy', taskReferenceName: 'proxy' },
    ]);
  });

  test('two definitions of one block without a line between them are told how to be parted', () => {
    const yaml = 'name: public-workflow\napiExecutable: true\n\nname: internal-only\n';
    expect(problemsOf(yaml)).toEqual(['4:1 `name` stands twice: it was set in line 1 already']);
    expect(hintsOf(yaml)[0]).toContain('---');
  });
});
