// JSON_JQ_TRANSFORM on the whole orchestrator with a real thread, and at the API of a whole server.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { workflowDefinitionSchema } from '../../src/model/workflow-definition.ts';
import { createJqWorker } from '../../src/operations/jq/jq-task.ts';
import { openFixture, pollOf, register, report, start } from '../../src/orchestrator/testing/fixture.ts';
import { JqThread } from '../../src/runtime/node/jq/jq-thread.ts';
import { startServer } from '../../src/runtime/node/start-server.ts';

const jq = (ref: string, queryExpression: string, input = {}, more = {}) => ({
  name: ref,
  taskReferenceName: ref,
  type: 'JSON_JQ_TRANSFORM',
  inputParameters: { queryExpression, ...input },
  ...more,
});
const simple = (ref: string, inputParameters = {}) => ({
  name: ref,
  taskReferenceName: ref,
  type: 'SIMPLE',
  inputParameters,
});

const POLL_MS = 20_000;

describe('on the orchestrator', () => {
  let thread: JqThread;
  let fixture: Awaited<ReturnType<typeof openFixture>>;
  beforeEach(async () => {
    thread = new JqThread({ timeoutMs: 1_500, outputBytesMax: 100_000 });
    fixture = await openFixture({ workers: [createJqWorker(thread)] });
  });
  afterEach(async () => {
    await fixture.close();
    await thread.close();
  });

  async function taskOf(id: string, ref: string) {
    const found = await fixture.store.reads.run(id, true);
    const task = found?.tasks.findLast((each) => each.ref === ref);
    if (!task) throw new Error(`no task ${ref}`);
    return task;
  }

  test('its results are what the next task reads', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, {
      name: 'transforms',
      tasks: [
        jq('jq', '.min as $min | .orders[] | select(.total > $min)', {
          orders: '${workflow.input.orders}',
          min: '${workflow.input.min}',
        }),
        simple('after', { first: '${jq.output.result}', second: '${jq.output.resultList[1].name}' }),
      ],
    });
    const orders = [
      { name: 'a', total: 5 },
      { name: 'b', total: 50 },
      { name: 'c', total: 500 },
    ];
    const id = await start(orchestrator, { name: 'transforms', input: { orders, min: 10 } });
    const [after] = await pollOf(orchestrator, 'after', 1, POLL_MS);
    expect(after?.input.value).toEqual({ first: { name: 'b', total: 50 }, second: 'c' });
    expect((await taskOf(id, 'jq')).output.value).toEqual({ result: orders[1], resultList: [orders[1], orders[2]] });
  });

  test('an error fails it with jq’s words, and is retried where its definition says so', async () => {
    const { orchestrator } = fixture;
    const broken = jq('broken', '.a.b', { a: 1 }, { optional: true });
    await register(
      orchestrator,
      { name: 'fails', tasks: [broken, simple('after')] },
      { name: 'broken', retryCount: 1, retryDelaySeconds: 0 },
    );
    const id = await start(orchestrator, { name: 'fails' });
    expect(await pollOf(orchestrator, 'after', 1, POLL_MS)).toHaveLength(1);
    const found = await fixture.store.reads.run(id, true);
    const attempts = found?.tasks.filter(({ ref }) => ref === 'broken') ?? [];
    const reason = 'Cannot index number with string ("b")';
    expect(attempts.map((each) => [each.reason, each.output.value])).toEqual([
      [reason, { error: reason }],
      [reason, { error: reason }],
    ]);
  });

  test('fifty beside one that hangs all end right, and the one that hangs fails for good', async () => {
    const { orchestrator } = fixture;
    const hangs = jq('hangs', 'def f: f; f', {}, { optional: true, retryCount: 3 });
    const fifty = Array.from({ length: 50 }, (_, n) => jq(`t${n}`, '.n * 2', { n }));
    await register(orchestrator, {
      name: 'beside',
      tasks: [
        { name: 'f', taskReferenceName: 'f', type: 'FORK_JOIN', forkTasks: [hangs, ...fifty].map((each) => [each]) },
        { name: 'j', taskReferenceName: 'j', type: 'JOIN', joinOn: ['f'] },
        simple('after', { all: '${j.output}' }),
      ],
    });
    const id = await start(orchestrator, { name: 'beside' });
    const [after] = await pollOf(orchestrator, 'after', 1, POLL_MS);
    const reason = 'The jq program was stopped: it ran for more than 1.5 seconds.';
    const right = fifty.map((_, n) => [`t${n}`, { result: n * 2, resultList: [n * 2] }]);
    expect(after?.input.value).toEqual({ all: { hangs: { error: reason }, ...Object.fromEntries(right) } });
    expect(await taskOf(id, 'hangs')).toMatchObject({ reason, attempt: 0 });
  });

  test('results over the payload limit fail it', async () => {
    const { orchestrator } = fixture;
    const large = jq('large', '"x" * 60000', {}, { optional: true });
    await register(orchestrator, { name: 'large', tasks: [large, simple('after')] });
    const id = await start(orchestrator, { name: 'large' });
    expect(await pollOf(orchestrator, 'after', 1, POLL_MS)).toHaveLength(1);
    expect((await taskOf(id, 'large')).reason).toBe('The output of the jq program has more than 100000 bytes.');
  });

  test('a run that goes on in memory waits for it like for any step', async () => {
    const tasks = [
      jq('one', '.n + 1', { n: '${workflow.input.n}' }),
      jq('two', '.n * 10', { n: '${one.output.result}' }),
    ];
    const definition = workflowDefinitionSchema.parse({
      name: 'memory',
      tasks,
      outputParameters: { n: '${two.output.result}' },
    });
    const rest = { createdBy: null, durable: false, failuresOnly: false, detached: false, waitMs: POLL_MS };
    const seen = await fixture.orchestrator.execute({ id: 'r1', definition, input: { n: 1 }, variables: {}, ...rest });
    expect(seen?.run.output.value).toEqual({ n: 20 });
  });

  test('what a worker gave is what the next program reads', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, {
      name: 'two',
      tasks: [jq('first', '[1, 2]'), simple('work'), jq('last', '.given', { given: '${work.output.v}' })],
    });
    const id = await start(orchestrator, { name: 'two' });
    const [work] = await pollOf(orchestrator, 'work', 1, POLL_MS);
    await report(orchestrator, { taskId: work?.task.id, status: 'COMPLETED', outputData: { v: { deep: [true] } } });
    await expect.poll(async () => (await fixture.store.reads.run(id, false))?.run.status).toBe('COMPLETED');
    expect((await taskOf(id, 'last')).output.object.result).toEqual({ deep: [true] });
  });
});

test('at the API: registered, started, read, and the server ends with its thread', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'conductor-jq-'));
  const server = await startServer({ dataDir, port: 0 });
  const headers = { 'x-api-key': server.localKey, 'content-type': 'application/json' };
  const call = async (path: string, body?: unknown) => {
    const method = body === undefined ? 'GET' : 'POST';
    const response = await fetch(server.url + path, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  };
  try {
    const definition = (task: object) => ({
      name: 'http_jq',
      version: 1,
      tasks: [task],
      outputParameters: { up: '${jq.output.result}' },
    });
    const refused = await call('/api/metadata/workflow', definition({ ...jq('jq', ''), inputParameters: {} }));
    expect(refused).toMatchObject({ status: 400, text: expect.stringContaining('queryExpression') });
    const program = '{name: .who | ascii_upcase, home: env.HOME}';
    const made = await call('/api/metadata/workflow', definition(jq('jq', program, { who: '${workflow.input.who}' })));
    expect(made.status).toBe(200);
    const id = (await call('/api/workflow/http_jq', { who: 'ada' })).text;
    const read = async () => JSON.parse((await call(`/api/workflow/${id}?includeTasks=true`)).text);
    await expect.poll(async () => (await read()).status, { timeout: POLL_MS }).toBe('COMPLETED');
    const { output, tasks } = await read();
    const result = { name: 'ADA', home: null };
    expect(output).toEqual({ up: result });
    expect(tasks).toMatchObject([
      { taskType: 'JSON_JQ_TRANSFORM', status: 'COMPLETED', outputData: { result, resultList: [result] } },
    ]);
  } finally {
    await server.close();
    await rm(dataDir, { recursive: true });
  }
});
