// What may not be brought to a run that begins again: secrets in clear, a say in approvals, a budget; and what becomes of
// its children where it goes another way.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Json } from '../model/json.ts';
import { NO_HOOKS, openFixture, pollOf, register, report, start } from './testing/fixture.ts';

const step = (name: string, type: string, more: object = {}) => ({ name, taskReferenceName: name, type, ...more });
const work = (name: string, more: object = {}) => step(name, 'SIMPLE', { retryCount: 0, ...more });
const WHOLE = { taskId: null, taskInput: null, input: null, correlationId: null };

let fixture: Awaited<ReturnType<typeof openFixture>>;
const hooks = { ...NO_HOOKS, conceal: (json: Json) => Json.text(json.text.replaceAll('vk_secret', 'hidden')) };
beforeEach(async () => {
  fixture = await openFixture({ hooks, limits: { payloadBytesMax: 2000 } });
});
afterEach(() => fixture.close());

const read = async (id: string) => {
  const found = await fixture.store.reads.run(id, true);
  if (!found) throw new Error(`no run ${id}`);
  return found;
};
const statusOf = async (id: string) => (await read(id)).run.status;
const taskOf = async (id: string, ref: string) => {
  const task = (await read(id)).tasks.findLast((one) => one.ref === ref);
  if (!task) throw new Error(`no task ${ref}`);
  return task;
};

async function take(type: string) {
  const [handed] = await pollOf(fixture.orchestrator, type, 1, 1000);
  await report(fixture.orchestrator, { taskId: handed?.task.id, status: 'COMPLETED', outputData: { by: type } });
}

describe('a rerun', () => {
  test('stores no vault key of an input, and no input larger than others may be', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, { name: 'one', tasks: [work('a')] });
    const id = await start(orchestrator, { name: 'one', input: {} });
    await take('a');
    const from = { ...WHOLE, taskId: (await taskOf(id, 'a')).id };
    const large = { ...from, taskInput: { text: 'x'.repeat(2000) } };
    await expect(orchestrator.rerun(id, large)).rejects.toMatchObject({ code: 'payload_too_large' });
    const whole = { ...WHOLE, input: { text: 'x'.repeat(2000) } };
    await expect(orchestrator.rerun(id, whole)).rejects.toMatchObject({ code: 'payload_too_large' });
    expect(await statusOf(id)).toBe('COMPLETED');
    await orchestrator.rerun(id, { ...from, taskInput: { key: 'vk_secret' } });
    expect((await taskOf(id, 'a')).input.value).toEqual({ key: 'hidden' });
    await fixture.reopen();
    await take('a');
    await fixture.orchestrator.rerun(id, { ...WHOLE, input: { key: 'vk_secret' } });
    expect((await read(id)).run.input.value).toEqual({ key: 'hidden' });
  });

  test('keeps the earlier attempts of a task that waits for its child again', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, { name: 'inner', tasks: [work('a')] });
    const param = { subWorkflowParam: { name: 'inner' } };
    await register(orchestrator, { name: 'outer', tasks: [step('s', 'SUB_WORKFLOW', param)] });
    const id = await start(orchestrator, { name: 'outer', input: {} });
    await orchestrator.terminate((await taskOf(id, 's')).subRunId ?? '', null);
    await orchestrator.retry(id, false);
    await take('a');
    const before = (await read(id)).tasks;
    const inner = before.at(-1)?.subRunId ?? '';
    await orchestrator.rerun(id, { ...WHOLE, taskId: (await taskOf(inner, 'a')).id });
    const { tasks } = await read(id);
    expect(tasks.map((task) => task.id)).toEqual(before.map((task) => task.id));
    expect(tasks.map(({ status, retried, attempt }) => [status, retried, attempt])).toEqual([
      ['CANCELED', true, 0],
      ['IN_PROGRESS', false, 1],
    ]);
    await take('a');
    expect(await statusOf(id)).toBe('COMPLETED');
  });

  test('leaves a child alone where another input leads past it', async () => {
    const { orchestrator } = fixture;
    await register(orchestrator, { name: 'inner', tasks: [work('a')] });
    const choice = {
      evaluatorType: 'value-param',
      expression: 'which',
      inputParameters: { which: '${workflow.input.which}' },
      decisionCases: { inner: [step('s', 'SUB_WORKFLOW', { subWorkflowParam: { name: 'inner' } })] },
      defaultCase: [work('z')],
    };
    await register(orchestrator, { name: 'outer', tasks: [step('c', 'SWITCH', choice)] });
    const id = await start(orchestrator, { name: 'outer', input: { which: 'inner' } });
    await take('a');
    const inner = (await taskOf(id, 's')).subRunId ?? '';
    const from = { ...WHOLE, taskId: (await taskOf(inner, 'a')).id, input: { which: 'other' } };
    await orchestrator.rerun(id, from);
    expect([await statusOf(id), await statusOf(inner)]).toEqual(['RUNNING', 'COMPLETED']);
    await take('z');
    expect(await statusOf(id)).toBe('COMPLETED');
  });
});

test('a restart gives no budget to a run that began without one', async () => {
  const { orchestrator } = fixture;
  await register(orchestrator, { name: 'paid', tasks: [work('a')] });
  const id = await start(orchestrator, { name: 'paid', input: {} });
  await take('a');
  const budget = { stripe: { capUsd: 1, allowedEndpoints: ['POST /v1/payment_intents'] } };
  await register(orchestrator, { name: 'paid', version: 2, tasks: [work('a')], budget });
  await expect(orchestrator.restart(id, true)).rejects.toMatchObject({ code: 'conflict' });
  expect((await read(id)).run).toMatchObject({ status: 'COMPLETED', version: 1 });
  await orchestrator.restart(id, false);
  expect(await statusOf(id)).toBe('RUNNING');
});

test('an approval is neither skipped with an answer nor asked again of others', async () => {
  const { orchestrator } = fixture;
  const approval = step('ok', 'APPROVAL', { inputParameters: { config: { approvers: ['ann'] } } });
  await register(orchestrator, { name: 'asks', tasks: [work('a'), approval] });
  const id = await start(orchestrator, { name: 'asks', input: {} });
  const skipped = orchestrator.skip(id, 'ok', Json.of({}), Json.of({ approved: true }));
  await expect(skipped).rejects.toMatchObject({ code: 'conflict' });
  await take('a');
  const { id: asked } = await taskOf(id, 'ok');
  await orchestrator.terminate(id, null);
  const of = { ...WHOLE, taskId: asked };
  const taskInput = { config: { approvers: ['me'] } };
  await expect(orchestrator.rerun(id, { ...of, taskInput })).rejects.toMatchObject({ code: 'conflict' });
  await orchestrator.rerun(id, of);
  expect(await taskOf(id, 'ok')).toMatchObject({ status: 'IN_PROGRESS' });
});
