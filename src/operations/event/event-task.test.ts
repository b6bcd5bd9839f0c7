import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadScriptRunner } from '../../expressions/javascript.ts';
import { AppError } from '../../model/error.ts';
import { eventHandlerSchema } from '../../model/event-handler.ts';
import type { JsonObject } from '../../model/json.ts';
import { Json } from '../../model/json.ts';
import { Stopper } from '../../orchestrator/stop.ts';
import { openFixture, pollOf, register, start } from '../../orchestrator/testing/fixture.ts';
import { sampleRun, sampleTask } from '../../store/conformance-samples.ts';
import { createEventWorker } from './event-task.ts';
import type { EventActions } from './perform-action.ts';

const typed = (type: string, ref: string, more: object = {}) => ({ name: ref, taskReferenceName: ref, type, ...more });
const event = (sink: string, inputParameters: object = {}, more: object = {}) =>
  typed('EVENT', 'told', { sink, inputParameters, ...more });

let fixture: Awaited<ReturnType<typeof openFixture>>;
const script = await loadScriptRunner();

beforeEach(async () => {
  let opened = (_orchestrator: EventActions): void => undefined;
  const orchestrator = new Promise<EventActions>((resolve) => {
    opened = resolve;
  });
  fixture = await openFixture({ workers: [createEventWorker({ orchestrator, script })] });
  opened(fixture.orchestrator);
});
afterEach(() => fixture.close());

const handler = (name: string, actions: object[], more: object = {}) =>
  eventHandlerSchema.parse({ name, event: 'conductor:tells:told', active: true, actions, ...more });
const listen = (...handlers: ReturnType<typeof handler>[]) => fixture.orchestrator.putEventHandlers(handlers, 'create');
const starts = (name: string, more: object = {}) => ({ action: 'start_workflow', start_workflow: { name, ...more } });

/** Publishes once, and waits until the publisher has ended. */
async function publish(input: JsonObject = {}, sink = 'conductor', more: object = {}) {
  const inputParameters = { order: '${workflow.input.order}', text: '${workflow.input.text}' };
  await register(fixture.orchestrator, { name: 'tells', tasks: [event(sink, inputParameters, more)] });
  const id = await start(fixture.orchestrator, { name: 'tells', input, correlationId: 'c-1' });
  await fixture.orchestrator.awaitRun({ runId: id, refs: ['told'], waitMs: 10_000 });
  const found = await fixture.store.reads.run(id, true);
  const [task] = found?.tasks ?? [];
  if (!found || !task) throw new Error('there is no such run');
  return { id, run: found.run, task, output: task.output.object, handled: task.output.object.event_handled };
}

async function runsOf(name: string) {
  const filter = { names: [name], ids: null, correlationIds: null, versions: null, priorities: null, text: null };
  const times = { started: { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER }, ended: null, updated: null };
  const statuses = ['RUNNING', 'COMPLETED', 'FAILED', 'TERMINATED'] as const;
  const page = { start: 0, count: 100 };
  const { runs } = await fixture.store.reads.searchRuns({ ...filter, ...times, statuses }, 'oldest', page);
  return Promise.all(
    runs.map(async ({ id }) => {
      const found = await fixture.store.reads.run(id, false);
      if (!found) throw new Error('gone');
      return found.run;
    }),
  );
}

const listens = () => register(fixture.orchestrator, { name: 'listens', tasks: [typed('WAIT', 'w')] });

describe('an event', () => {
  test('carries the input of its task and says who published it, whether somebody listens or not', async () => {
    const { id, output, run } = await publish({ order: { id: 7 } });
    expect(run.status).toBe('COMPLETED');
    expect(output).toMatchObject({
      order: { id: 7 },
      sink: 'conductor',
      workflowInstanceId: id,
      workflowType: 'tells',
      workflowVersion: 1,
      correlationId: 'c-1',
      event_produced: 'conductor:tells:told',
      event_handled: [],
    });
  });

  test('is called after the workflow and the name in its sink, which may be an expression', async () => {
    expect((await publish({}, 'conductor:paid')).output.event_produced).toBe('conductor:tells:paid');
    const { output } = await publish({ text: 'late' }, 'conductor:${workflow.input.text}');
    expect(output).toMatchObject({ sink: 'conductor:late', event_produced: 'conductor:tells:late' });
  });

  test.each(['kafka:orders', 'conductor:', 'conductors'])(
    'is refused at a sink that nobody serves: %s',
    async (sink) => {
      const { task } = await publish({}, sink);
      expect(task.status).toBe('FAILED_WITH_TERMINAL_ERROR');
      expect(task.reason).toContain(`sink specified: "${sink}"`);
    },
  );

  test('with asyncComplete leaves its task open until somebody completes it', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, { name: 'tells', tasks: [event('conductor', {}, { asyncComplete: true })] });
    await listens();
    await listen(handler('one', [starts('listens', { input: { task: '${asyncComplete}' } })]));
    const id = await start(orchestrator, { name: 'tells' });
    await expect.poll(async () => (await runsOf('listens')).length).toBe(1);
    await expect
      .poll(async () => (await fixture.store.reads.run(id, true))?.tasks[0]?.output.object.event_produced)
      .toBe('conductor:tells:told');
    expect((await fixture.store.reads.run(id, true))?.tasks[0]?.status).toBe('IN_PROGRESS');
    await orchestrator.updateByRef(id, 'told', 'COMPLETED', Json.of({ by: 'hand' }), null);
    expect((await fixture.store.reads.run(id, false))?.run.status).toBe('COMPLETED');
  });
});

describe('handlers', () => {
  test('start a workflow with what the event says, in its place and order', async () => {
    await listens();
    const input = { order: '${order.id}', all: '${order}', missing: '${nothing.here}', fixed: 1 };
    const start_workflow = { name: 'listens', version: '${order.version}', correlationId: '${correlationId}', input };
    await listen(handler('one', [{ action: 'start_workflow', start_workflow }]), handler('two', [starts('listens')]));
    const { task, handled } = await publish({ order: { id: 7, version: 1 } });
    const [first, second] = await runsOf('listens');
    expect(first?.input.value).toEqual({
      ...{ order: 7, all: { id: 7, version: 1 }, missing: null, fixed: 1 },
      'conductor.event.messageId': task.id,
      'conductor.event.name': 'conductor:tells:told',
    });
    expect(first).toMatchObject({ correlationId: 'c-1', version: 1, event: 'conductor:tells:told' });
    expect(handled).toEqual([
      { handler: 'one', action: 'start_workflow', workflowId: first?.id },
      { handler: 'two', action: 'start_workflow', workflowId: second?.id },
    ]);
  });

  test('listen to one event, when they are active, and when their condition holds', async () => {
    await listens();
    const to = (name: string, more: object) => handler(name, [starts('listens', { input: { by: name } })], more);
    await listen(
      to('asleep', { active: false }),
      to('elsewhere', { event: 'conductor:tells:other' }),
      to('small', { condition: '$.order.amount > 10' }),
      to('large', { condition: '$.order.amount <= 10', evaluatorType: 'javascript' }),
      to('broken', { condition: '$.order.nothing.here' }),
    );
    const { handled } = await publish({ order: { amount: 10 } });
    expect((await runsOf('listens')).map(({ input }) => input.object.by)).toEqual(['large']);
    expect(handled).toMatchObject([
      { handler: 'large', action: 'start_workflow' },
      { handler: 'broken', error: expect.stringContaining('TypeError') },
    ]);
  });

  test('complete and fail tasks, by reference name or by id', async () => {
    await listens();
    const [a, b, c] = await Promise.all([1, 2, 3].map(() => start(fixture.orchestrator, { name: 'listens' })));
    const third = (await fixture.store.reads.run(c ?? '', true))?.tasks[0]?.id;
    const byRef = { workflowId: '${order.first}', taskRefName: 'w', output: { amount: '${order.amount}' } };
    await listen(
      handler('one', [
        { action: 'complete_task', complete_task: byRef },
        { action: 'fail_task', fail_task: { workflowId: '${order.second}', taskRefName: 'w' } },
        { action: 'complete_task', complete_task: { taskId: '${order.third}' } },
      ]),
    );
    const { task } = await publish({ order: { first: a ?? '', second: b ?? '', third: third ?? '', amount: 3 } });
    const [first, second, last] = await runsOf('listens');
    expect([first?.status, second?.status, last?.status]).toEqual(['COMPLETED', 'FAILED', 'COMPLETED']);
    expect((await fixture.store.reads.run(a ?? '', true))?.tasks[0]?.output.value).toEqual({
      ...{ workflowId: a, taskRefName: 'w', amount: 3 },
      ...{ 'conductor.event.messageId': task.id, 'conductor.event.name': 'conductor:tells:told' },
    });
  });

  test('terminate executions and set their variables', async () => {
    await listens();
    const [a, b] = await Promise.all([1, 2].map(() => start(fixture.orchestrator, { name: 'listens' })));
    const terminate_workflow = { workflowId: '${order.a}', terminationReason: 'paid by ${order.by}' };
    await listen(
      handler('one', [
        { action: 'terminate_workflow', terminate_workflow },
        {
          action: 'update_workflow_variables',
          update_workflow_variables: { workflowId: '${order.b}', variables: { by: '${order.by}' } },
        },
      ]),
    );
    await publish({ order: { a: a ?? '', b: b ?? '', by: 'Ann' } });
    expect((await fixture.store.reads.run(a ?? '', false))?.run).toMatchObject({
      status: 'TERMINATED',
      reason: 'paid by Ann',
    });
    expect((await fixture.store.reads.run(b ?? '', false))?.run.variables.value).toEqual({ by: 'Ann' });
  });

  test('read JSON inside of texts where they say so', async () => {
    await listens();
    const input = { id: '${text.order.id}', bad: '${order}' };
    await listen(handler('one', [{ ...starts('listens', { input }), expandInlineJSON: true }]));
    await publish({ text: '{"order":"{\\"id\\":[7]}"}', order: '{not json' });
    expect((await runsOf('listens'))[0]?.input.object).toMatchObject({ id: [7], bad: '{not json' });
  });

  test('that cannot do what they say are noted, and the publisher and the others go on', async () => {
    await listens();
    const open = await start(fixture.orchestrator, { name: 'listens' });
    await listen(
      handler('one', [
        starts('missing'),
        starts('${order.name}'),
        { action: 'complete_task', complete_task: { workflowId: 'nobody', taskRefName: 'w' } },
        { action: 'complete_task', complete_task: { workflowId: open, taskRefName: 'v' } },
        { action: 'complete_task', complete_task: { taskId: '${order.task}' } },
        { action: 'terminate_workflow', terminate_workflow: { workflowId: 'nobody' } },
        starts('listens'),
      ]),
    );
    const { run, handled } = await publish({ order: {} });
    expect(run.status).toBe('COMPLETED');
    expect(handled).toMatchObject([
      { error: expect.stringContaining('No such workflow defined. name=missing') },
      { error: expect.stringContaining('start_workflow.name') },
      { error: 'No such workflow found by id: nobody' },
      { error: `No open task found with reference name: v, workflowId: ${open}` },
      { error: 'No such workflow found by id: ' },
      { error: expect.stringContaining('nobody') },
      { workflowId: expect.any(String) },
    ]);
  });

  test('that start what publishes their event go on until they are removed', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, { name: 'tells', tasks: [event('conductor'), typed('SIMPLE', 'stop')] });
    await listen(handler('again', [starts('tells')]));
    await start(orchestrator, { name: 'tells' });
    let published = 0;
    const count = async () => {
      published += (await pollOf(orchestrator, 'stop', 100)).length;
      return published;
    };
    await expect.poll(count).toBeGreaterThan(4);
    await orchestrator.removeEventHandler('again');
  });
});

describe('an action is done once', () => {
  const run = sampleRun({ name: 'tells' });
  const task = sampleTask(run, { ref: 'told', input: Json.of({ sink: 'conductor' }) });

  test('though its task is worked on again', async () => {
    await listens();
    await listen(handler('one', [starts('listens'), starts('listens')]));
    const worker = createEventWorker({ orchestrator: Promise.resolve(fixture.orchestrator), script });
    const once = () => worker.execute(task, run, task.input, new Stopper(), () => ({}));
    const [first, second] = [await once(), await once()];
    expect(second.output.value).toEqual(first.output.value);
    expect(await runsOf('listens')).toHaveLength(2);
  });

  test('and never with the vault keys that its task would be handed', async () => {
    await listens();
    await listen(handler('one', [starts('listens', { input: { key: '${key}' } })]));
    const worker = createEventWorker({ orchestrator: Promise.resolve(fixture.orchestrator), script });
    const stored = { ...task, input: Json.of({ sink: 'conductor', key: 'a placeholder' }) };
    const filled = Json.of({ sink: 'conductor', key: 'vault_key_secret' });
    const { output } = await worker.execute(stored, run, filled, new Stopper(), () => ({}));
    expect(output.object.key).toBe('a placeholder');
    expect((await runsOf('listens')).map(({ input }) => input.object.key)).toEqual(['a placeholder']);
  });

  test('when the store was away: the event is not lost', async () => {
    await listens();
    await listen(handler('one', [starts('listens')]));
    let away = 3;
    const { orchestrator } = fixture;
    const flaky: EventActions = {
      eventHandlers: () => orchestrator.eventHandlers(),
      start: async (request, grants) => {
        const id = await orchestrator.start(request, grants);
        if (away-- > 0) throw new AppError('store_unavailable', 'away');
        return id;
      },
      update: (result, andPoll) => orchestrator.update(result, andPoll),
      updateByRef: (...args) => orchestrator.updateByRef(...args),
      terminate: (id, reason) => orchestrator.terminate(id, reason),
      setVariables: (id, variables) => orchestrator.setVariables(id, variables),
    };
    const worker = createEventWorker({ orchestrator: Promise.resolve(flaky), script, retryMs: 1 });
    const { output } = await worker.execute(task, run, task.input, new Stopper(), () => ({}));
    const [only, ...more] = await runsOf('listens');
    expect(more).toEqual([]);
    expect(output.object.event_handled).toEqual([{ handler: 'one', action: 'start_workflow', workflowId: only?.id }]);
  });
});
