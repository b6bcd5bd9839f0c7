import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../model/json.ts';
import type { RunStatus } from '../../model/run-status.ts';
import { Harness } from '../testing/harness.ts';

const sub = (param: JsonObject, more: JsonObject = {}): JsonObject => ({
  name: 'sub',
  taskReferenceName: 's',
  type: 'SUB_WORKFLOW',
  subWorkflowParam: param,
  ...more,
});
const inline = {
  name: 'inner',
  tasks: [{ name: 'x', taskReferenceName: 'x', inputParameters: { y: '${workflow.input.z}' } }],
};

function startOf(h: Harness) {
  const [effect] = h.effects.slice(-1);
  if (effect?.kind !== 'start-run') throw new Error('no run was asked for');
  return effect.start;
}

function ended(h: Harness, status: RunStatus, more: object = {}) {
  const id = h.task('s').subRunId ?? '';
  return h.send({
    kind: 'child-ended',
    taskRowId: h.task('s').rowId,
    child: { id, status, output: { v: 1 }, reason: null, ...more },
  });
}

test('K5: asks for a child with its resolved input, and knows its id beforehand', () => {
  const task = sub(
    { name: 'child-${workflow.input.kind}', version: 2 },
    { inputParameters: { a: '${workflow.input.a}' } },
  );
  const h = new Harness({ tasks: [task] }, { input: { kind: 'x', a: 5 }, taskToDomain: { work: 'eu' } }).start();
  expect(startOf(h)).toMatchObject({
    taskRowId: h.task('s').rowId,
    id: h.task('s').subRunId,
    name: 'child-x',
    version: 2,
    definition: null,
    input: { a: 5 },
    taskToDomain: { work: 'eu' },
    parent: { runId: 'run-1', taskId: h.task('s').id, notify: true },
  });
  expect(h.task('s')).toMatchObject({ status: 'IN_PROGRESS', type: 'SUB_WORKFLOW', queue: null });
  expect(h.task('s').input.object).toMatchObject({
    subWorkflowName: 'child-x',
    subWorkflowVersion: 2,
    workflowInput: { a: 5 },
  });
});

test('a definition that came as data has no budget: a worker may not give itself one', () => {
  const budget = { stripe: { capUsd: 1_000_000, allowedEndpoints: ['*'] } };
  const greedy = { ...inline, budget };
  const wrapped = { ...inline, tasks: [sub({ workflowDefinition: greedy })] };
  const reason = /made at run time, so it may not have a budget \(stripe\)/;
  const fork = {
    name: 'f',
    taskReferenceName: 'f',
    type: 'FORK_JOIN_DYNAMIC',
    dynamicForkTasksParam: 'tasks',
    inputParameters: { tasks: '${workflow.input.tasks}' },
  };
  const join = { name: 'j', taskReferenceName: 'j', type: 'JOIN' };
  const start = { name: 'inner', workflowDef: greedy };
  const starter = {
    name: 's',
    taskReferenceName: 's',
    type: 'START_WORKFLOW',
    inputParameters: { startWorkflow: start },
  };
  for (const given of [greedy, wrapped]) {
    const byExpression = new Harness(
      { tasks: [sub({ workflowDefinition: '${workflow.input.d}' })] },
      { input: { d: given } },
    ).start();
    expect(byExpression.task('s')).toMatchObject({ status: 'FAILED_WITH_TERMINAL_ERROR' });
    expect(byExpression.task('s').reason).toMatch(reason);
    const forked = new Harness(
      { tasks: [fork, join] },
      { input: { tasks: [sub({ workflowDefinition: given })] } },
    ).start();
    expect(forked.task('s').reason).toMatch(reason);
  }
  const forked = new Harness({ tasks: [fork, join] }, { input: { tasks: [starter] } }).start();
  expect(forked.task('s').reason).toMatch(reason);
  // The author of a registered definition was asked.
  expect(startOf(new Harness({ tasks: [sub({ workflowDefinition: greedy })] }).start())).toMatchObject({
    definition: { budget },
  });
});

test('an inline definition is started as it is: its expressions are the child’s', () => {
  const h = new Harness({ tasks: [sub({ workflowDefinition: inline })] }).start();
  expect(startOf(h)).toMatchObject({
    name: 'inner',
    definition: { tasks: [{ inputParameters: { y: '${workflow.input.z}' } }] },
  });
});

test('a definition given by an expression is read when its turn comes', () => {
  const task = sub({ name: 'any', workflowDefinition: '${workflow.input.def}' });
  expect(startOf(new Harness({ tasks: [task] }, { input: { def: inline } }).start())).toMatchObject({ name: 'inner' });
  const bad = new Harness({ tasks: [task] }, { input: { def: { name: 'n', tasks: [] } } }).start();
  expect(bad.task('s')).toMatchObject({
    status: 'FAILED_WITH_TERMINAL_ERROR',
    reason: expect.stringContaining('at least one task'),
  });
});

test.each<[RunStatus, string, string]>([
  ['COMPLETED', 'COMPLETED', 'COMPLETED'],
  ['FAILED', 'FAILED', 'FAILED'],
  ['TIMED_OUT', 'TIMED_OUT', 'TIMED_OUT'],
  ['TERMINATED', 'CANCELED', 'TERMINATED'],
])('a child that is %s makes the task %s and the run %s', (child, task, run) => {
  const h = new Harness({ tasks: [sub({ name: 'child' })] }).start();
  ended(h, child, { reason: 'because' });
  expect(h.task('s').status).toBe(task);
  expect(h.task('s').output.value).toEqual({ subWorkflowId: h.task('s').subRunId, v: 1 });
  expect(h.task('s').reason).toBe(
    child === 'COMPLETED' ? null : `Sub workflow ${h.task('s').subRunId} failure reason: because`,
  );
  expect(h.run.status).toBe(run);
});

test('the end of another child is not its own', () => {
  const h = new Harness({ tasks: [sub({ name: 'child' })] }).start();
  ended(h, 'COMPLETED', { id: 'somebody else' });
  expect(h.task('s').status).toBe('IN_PROGRESS');
});

test('being told twice that the child started changes nothing', () => {
  const h = new Harness({ tasks: [sub({ name: 'child' })] }).start();
  const event = { kind: 'child-started', taskRowId: h.task('s').rowId, childId: h.task('s').subRunId ?? '' } as const;
  expect(h.send(event)).toMatchObject({ run: null, updated: [] });
});

test('a child that cannot be started fails the task, which may be retried under a new child id', () => {
  const h = new Harness(
    { tasks: [sub({ name: 'child' }, { retryCount: 1 })] },
    { taskDefinitions: [{ name: 'sub', retryDelaySeconds: 5 }] },
  ).start();
  const first = h.task('s').subRunId;
  h.send({ kind: 'child-refused', taskRowId: h.task('s').rowId, reason: 'No such workflow defined. name=child' });
  expect(h.task('s')).toMatchObject({ attempt: 1, status: 'SCHEDULED', subRunId: null });
  h.advance(5_000);
  expect(h.task('s')).toMatchObject({ status: 'IN_PROGRESS' });
  expect(h.task('s').subRunId).not.toBe(first);
  h.send({ kind: 'child-refused', taskRowId: h.task('s').rowId, reason: 'No such workflow defined. name=child' });
  expect(h.run).toMatchObject({ status: 'FAILED', reason: expect.stringContaining('No such workflow defined') });
});

describe('its child ends with it', () => {
  test('when a time limit ends it', () => {
    const rules = [
      { name: 'sub', timeoutSeconds: 10, responseTimeoutSeconds: 5, retryCount: 0, timeoutPolicy: 'RETRY' },
    ];
    const h = new Harness({ tasks: [sub({ name: 'child' })] }, { taskDefinitions: rules }).start();
    h.advance(10_000);
    expect(h.task('s').status).toBe('TIMED_OUT');
    expect(h.effects).toContainEqual({
      kind: 'terminate-run',
      runId: h.task('s').subRunId,
      reason: h.task('s').reason,
    });
  });

  test('when somebody reports it done', () => {
    const h = new Harness({ tasks: [sub({ name: 'child' })] }).start();
    h.update('s', { output: { by: 'hand' } });
    expect(h.run.status).toBe('COMPLETED');
    expect(h.effects).toContainEqual({
      kind: 'terminate-run',
      runId: h.task('s').subRunId,
      reason: expect.any(String),
    });
  });
});

describe('START_WORKFLOW', () => {
  const start = (request: unknown) =>
    new Harness({
      tasks: [
        { name: 'st', taskReferenceName: 's', type: 'START_WORKFLOW', inputParameters: { startWorkflow: request } },
      ],
    }).start();

  test('ends when the other run has started, and does not end it', () => {
    const h = start({ name: 'other', input: { a: 1 } });
    expect(startOf(h)).toMatchObject({ name: 'other', input: { a: 1 }, parent: null });
    h.send({ kind: 'child-started', taskRowId: h.task('s').rowId, childId: h.task('s').subRunId ?? '' });
    expect(h.task('s').output.value).toEqual({ workflowId: h.task('s').subRunId });
    expect(h.run.status).toBe('COMPLETED');
    expect(h.effects).toHaveLength(1);
  });

  test('fails when it is no start request, or is refused', () => {
    expect(start({ version: 1 }).run.status).toBe('FAILED');
    const h = start({ name: 'other' });
    h.send({ kind: 'child-refused', taskRowId: h.task('s').rowId, reason: 'no such' });
    expect(h.task('s')).toMatchObject({ status: 'FAILED', reason: 'no such' });
  });
});
