// Agents at work: what they are given, what becomes of what they do, and what stays out of sight.

import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { AgentDefinition } from '../model/agent.ts';
import { AppError } from '../model/error.ts';
import { Json, type JsonObject, type JsonValue } from '../model/json.ts';
import { AgentError, type Operation, type OperationContext, type OperationServices } from '../operations/operation.ts';
import { Stopper } from '../orchestrator/stop.ts';
import { sampleRun, sampleTask } from '../store/conformance-samples.ts';
import { createAgentWorker } from './agent-worker.ts';
import { recordCall } from './call-record.ts';

const USER = { id: 'u1', roles: ['admin'], permissions: [], metadata: {} };
const CALL = {
  requestId: 'req_1',
  auth: { authenticated: true, method: 'jwt', user: USER },
  visitor: { country: 'DE', ip: '203.0.113.9' },
  trigger: 'http',
};
const NO_LOG = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

const nowhere = () => {
  throw new Error('not in this test');
};
const NO_SERVICES: OperationServices = {
  handler: nowhere,
  keyValue: { open: nowhere },
  databases: { open: nowhere },
  vectors: { upsert: nowhere, search: nowhere, delete: nowhere },
  catalog: {
    ...{ projectName: 'test', projectVersion: null },
    ...{ agents: nowhere, ensembles: nowhere, pages: nowhere, openapi: nowhere },
  },
};

function agentOf(changes: Partial<AgentDefinition> = {}): AgentDefinition {
  const none = { input: null, output: null };
  return {
    ...{ id: 'a', name: 'a', operation: 'op', description: null, config: {}, schema: none, apiExecutable: undefined },
    ...{ ssrf: true, timeoutMs: null, handler: null, origin: 'file', position: null },
    ...changes,
  };
}

interface Given {
  readonly agent?: Partial<AgentDefinition>;
  readonly operation?: Partial<Operation>;
  readonly input?: JsonObject;
  readonly env?: Readonly<Record<string, string>>;
  readonly variables?: JsonObject;
  readonly stop?: Stopper;
  readonly run?: (context: OperationContext) => JsonValue | Promise<JsonValue>;
}

function execute(given: Given) {
  const agent = agentOf(given.agent);
  const run = given.run ?? (({ config }) => config);
  const operation: Operation = { name: 'op', config: z.looseObject({}), run, ...given.operation };
  const worker = createAgentWorker({
    project: () => ({ ensembles: new Map(), agents: new Map([['a', agent]]), problems: [] }),
    operations: new Map([['op', operation]]),
    services: NO_SERVICES,
    fetchFor: () => fetch,
    env: () => given.env ?? {},
    logger: () => NO_LOG,
    clock: { now: () => 0 },
    defaultTimeoutMs: 5_000,
  });
  const input = Json.of({ agent: 'a', input: null, config: {}, ...given.input });
  const variables = Json.of({ ...recordCall(CALL), state: { seen: 1 }, ...given.variables });
  const played = sampleRun({ id: 'req_run1', variables });
  return worker.execute(sampleTask(played), played, input, given.stop ?? new Stopper(), () => ({ before: 'x' }));
}

describe('an agent at work', () => {
  test('sees its input, who called, from where, what came before, and the state', async () => {
    const { output } = await execute({
      input: { input: { n: 1 } },
      run: ({ input, auth, location, previousOutputs, state, executionId, requestId }) => ({
        ...{ input, previousOutputs, state, executionId, requestId },
        user: auth.user?.id ?? null,
        country: location?.country ?? null,
      }),
    });
    expect(output.object).toEqual({
      ...{ input: { n: 1 }, previousOutputs: { before: 'x' }, state: { seen: 1 } },
      ...{ executionId: 'req_run1', requestId: 'req_1', user: 'u1', country: 'DE' },
    });
  });

  test('the caller’s address and credentials are not kept with the execution', () => {
    expect(JSON.stringify(recordCall(CALL))).not.toContain('203.0.113.9');
  });

  test('its config is its own with the step’s laid over it, expressions over input and env resolved once', async () => {
    const { output } = await execute({
      agent: { config: { url: 'https://${input.host}/', key: '${env.KEY}', n: 1, both: '${env.KEY}-${input.host}' } },
      input: { input: { host: 'h${env.KEY}' }, config: { n: 2 } },
      env: { KEY: 's3cret' },
    });
    expect(output.object).toEqual({
      ...{ url: 'https://h${env.KEY}/', key: 's3cret', n: 2, both: 's3cret-h${env.KEY}' },
    });
  });

  test('environment values are filled in where the definition spells them, and nowhere else', async () => {
    const { output } = await execute({
      input: {
        input: { text: '${env.KEY}' },
        config: { header: 'Bearer ${env.KEY}', list: [{ url: '' }], said: '${env.KEY}' },
        env: { '/config/header': ['Bearer ${env.KEY}'], '/config/list/0/url': ['${env.KEY}/', 'u${env.KEY}', '!'] },
      },
      env: { KEY: 'k' },
      run: ({ input, config }) => ({ input, config }),
    });
    expect(output.object).toEqual({
      input: { text: '${env.KEY}' },
      config: { header: 'Bearer k', list: [{ url: 'k/u${env.KEY}!' }], said: '${env.KEY}' },
    });
  });

  test('an unset variable fails the step, in the agent’s config as in the step’s', async () => {
    const own = await execute({ agent: { config: { key: '${env.NONE}' } } });
    const step = await execute({ input: { config: { key: 'x' }, env: { '/config/key': ['${env.NONE}'] } } });
    for (const result of [own, step]) {
      expect(result.status).not.toBe('COMPLETED');
      expect(result.reason).toContain('NONE is not set');
    }
  });

  test('what is in a language of the operation’s own reaches it as written', async () => {
    const template = '<p>{{ name }} ${input.x}</p>';
    const { output } = await execute({
      agent: { config: { template, title: '${input.x}' } },
      operation: { literal: ['template'] },
      input: { input: { x: '<b>' } },
    });
    expect(output.object).toEqual({ template, title: '<b>' });
  });

  test('a config that its operation does not take, and an unknown agent, end the step for good', async () => {
    const strict = { config: z.strictObject({ n: z.number() }) };
    const wrong = await execute({ operation: strict, input: { config: { n: 'x' } } });
    expect(wrong).toMatchObject({ status: 'FAILED_WITH_TERMINAL_ERROR', reason: expect.stringContaining('n:') });
    const unknown = await execute({ input: { agent: 'b' } });
    expect(unknown).toMatchObject({ status: 'FAILED_WITH_TERMINAL_ERROR', reason: 'There is no agent b.' });
  });

  test('input and output are held to the agent’s schemas', async () => {
    const schema = { input: { n: 'number' }, output: { ok: 'boolean' } };
    const bad = await execute({ agent: { schema }, input: { input: { n: 'x' } } });
    expect(bad.reason).toContain('The input of agent a');
    const worse = await execute({ agent: { schema }, input: { input: { n: 1 } }, run: () => ({ ok: 'yes' }) });
    expect(worse.reason).toContain('The output of agent a');
    expect((await execute({ agent: { schema }, input: { input: { n: 1 } }, run: () => ({ ok: true }) })).status).toBe(
      'COMPLETED',
    );
  });

  test('a state patch goes with the result, and is seen by the agent itself at once', async () => {
    const result = await execute({
      run: (context) => {
        context.setState({ a: 1 });
        context.setState({ b: 2 });
        return context.state;
      },
    });
    expect(result.statePatch).toEqual({ a: 1, b: 2 });
    expect(result.output.object).toEqual({ seen: 1, a: 1, b: 2 });
  });

  test('when its time is up the step fails, and the agent is told', async () => {
    let told: unknown;
    const result = await execute({
      agent: { timeoutMs: 20 },
      run: ({ signal }) =>
        new Promise(() => {
          signal.addEventListener('abort', () => {
            told = signal.reason;
          });
        }),
    });
    expect(result).toMatchObject({ status: 'FAILED', reason: 'Agent execution timed out after 20ms' });
    expect(told).toBeInstanceOf(AgentError);
  });

  test('an execution that has ended is not waited for', async () => {
    const stop = new Stopper();
    const running = execute({ stop, run: () => new Promise(() => undefined) });
    stop.stop(new Error('stopped'));
    expect((await running).reason).toBe('stopped');
  });

  test('callers are told what was meant for them; what nobody foresaw stays in the history', async () => {
    const told = async (error: Error) => (await execute({ run: () => Promise.reject(error) })).output.object;
    expect(await told(new AgentError('no such order'))).toEqual({ error: 'no such order' });
    expect(await told(new AppError('egress_denied', 'not there'))).toEqual({ error: 'not there' });
    expect(await told(new Error('at /srv/app.ts'))).toEqual({});
    const terminal = await execute({ run: () => Promise.reject(new AgentError('never', false)) });
    expect(terminal.status).toBe('FAILED_WITH_TERMINAL_ERROR');
  });

  test('an output that is no object is kept as it is', async () => {
    expect((await execute({ run: () => [1, 2] })).output.object).toEqual({ _raw: [1, 2] });
  });
});
