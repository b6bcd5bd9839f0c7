import { expect, test } from 'vitest';
import { Harness, START_MS } from '../testing/harness.ts';

const TWO = {
  tasks: [
    {
      name: 'a',
      taskReferenceName: 'first',
      inputParameters: { x: '${workflow.input.x}', id: '${workflow.workflowId}' },
    },
    { name: 'b', taskReferenceName: 'second', inputParameters: { y: '${first.output.y}' } },
  ],
  outputParameters: { sum: '${second.output.sum}' },
};

test('a start queues the first task with its input resolved', () => {
  const h = new Harness(TWO, { input: { x: 5 } }).start();
  expect(h.task('first')).toMatchObject({ status: 'SCHEDULED', type: 'a', queue: 'a', seq: 1, attempt: 0 });
  expect(h.task('first').input.value).toEqual({ x: 5, id: 'run-1' });
  expect(h.has('second')).toBe(false);
});

test('a completed task leads on to its successor, and the last one to the end of the run', () => {
  const h = new Harness(TWO, { input: { x: 5 } }).start();
  h.complete('first', { y: [1, 2] });
  expect(h.task('second').input.value).toEqual({ y: [1, 2] });
  expect(h.task('first').executed).toBe(true);
  const decision = h.complete('second', { sum: 3 });
  expect(decision.ended).toBe(true);
  expect(h.run).toMatchObject({ status: 'COMPLETED', sequenceDone: true, openTasks: 0, endedMs: START_MS });
  expect(h.run.output.value).toEqual({ sum: 3 });
});

test('without outputParameters the output is that of the last task', () => {
  const h = new Harness({ tasks: TWO.tasks }).start();
  h.complete('first', { y: 1 });
  h.complete('second', { z: 2 });
  expect(h.run.output.value).toEqual({ z: 2 });
});

test('a claim marks who took the task and when, and is refused a second time', () => {
  const h = new Harness(TWO).start();
  h.nowMs += 50;
  h.claim(h.task('first'), 'w1');
  expect(h.task('first')).toMatchObject({
    status: 'IN_PROGRESS',
    workerId: 'w1',
    pollCount: 1,
    startedMs: START_MS + 50,
  });
  const again = h.claim(h.task('first'), 'w2');
  expect(again).toMatchObject({ run: null, inserted: [], updated: [] });
  expect(h.task('first').workerId).toBe('w1');
});

test('a report on a terminal task or run changes nothing', () => {
  const h = new Harness(TWO).start();
  const first = h.task('first');
  h.complete('first', { y: 1 });
  expect(h.report(first, { output: { y: 2 } })).toMatchObject({ run: null, inserted: [], updated: [], effects: [] });
  h.send({ kind: 'terminate', reason: 'enough' });
  expect(h.report(h.task('second'), {})).toMatchObject({ run: null, inserted: [], updated: [], ended: false });
});

test('IN_PROGRESS puts the task back into its queue after callbackAfterSeconds', () => {
  const h = new Harness(TWO).start();
  h.poll('a');
  h.update('first', { status: 'IN_PROGRESS', output: { at: 1 }, callbackAfterSeconds: 30 });
  expect(h.task('first')).toMatchObject({
    status: 'SCHEDULED',
    callbackAfterSeconds: 30,
    visibleMs: START_MS + 30_000,
    pollCount: 1,
  });
  expect(h.poll('a')).toBeUndefined();
  h.advance(30_000);
  expect(h.poll('a')).toMatchObject({ pollCount: 2, callbackAfterSeconds: 0 });
  expect(h.task('first').output.value).toEqual({ at: 1 });
});

test('a reason is cut at 500 characters, and never in the middle of one', () => {
  const definition = { tasks: [{ name: 'a', taskReferenceName: 'first', retryCount: 0 }] };
  for (const [reason, length] of [
    ['x'.repeat(900), 500],
    [`x${'😀'.repeat(450)}`, 499],
  ] as const) {
    const h = new Harness(definition).start();
    h.fail('first', reason);
    expect(h.task('first').reason).toBe(reason.slice(0, length));
  }
});

test('startDelay keeps a task out of its queue', () => {
  const h = new Harness({ tasks: [{ name: 'a', taskReferenceName: 'first', startDelay: 5 }] }).start();
  expect(h.task('first')).toMatchObject({ startDelaySeconds: 5, visibleMs: START_MS + 5_000 });
});

test('an event costs the same however many tasks the run has: only touched tasks are returned', () => {
  const h = new Harness({
    tasks: Array.from({ length: 200 }, (_, i) => ({ name: 'a', taskReferenceName: `t${i}` })),
  }).start();
  for (let i = 0; i < 199; i += 1) {
    const decision = h.complete(`t${i}`);
    expect(decision.updated).toHaveLength(1);
    expect(decision.inserted).toHaveLength(1);
  }
});

test('decide changes neither the state nor the tasks it was given', () => {
  const h = new Harness(TWO).start();
  const before = JSON.stringify([h.state.run, [...h.state.tasks.values()]]);
  const tasks = new Map(h.state.tasks);
  const decision = h.send({ kind: 'claim', taskRowId: h.task('first').rowId, workerId: 'w' });
  expect(decision.updated[0]).not.toBe(tasks.get(1));
  expect(JSON.stringify([h.state.run, [...tasks.values()]])).toBe(before);
});

test('a domain is chosen for worker tasks only', () => {
  const h = new Harness(
    {
      tasks: [
        { name: 'n', taskReferenceName: 'n', type: 'NOOP' },
        { name: 'a', taskReferenceName: 'first' },
      ],
    },
    { domainOf: (name) => `${name}-domain` },
  ).start();
  expect(h.task('n').domain).toBeNull();
  expect(h.task('first').domain).toBe('a-domain');
});

test('HTTP is queued by its type and completes like any worker task', () => {
  const h = new Harness({
    tasks: [
      {
        name: 'call',
        taskReferenceName: 'call',
        type: 'HTTP',
        inputParameters: { http_request: { uri: 'https://example.com', method: 'GET' } },
      },
    ],
  }).start();
  expect(h.task('call')).toMatchObject({
    type: 'HTTP',
    defName: 'call',
    queue: 'HTTP',
    responseTimeoutSeconds: 0,
    dueMs: 0,
  });
  h.complete('call', { response: { statusCode: 200 } });
  expect(h.run.status).toBe('COMPLETED');
});

test('an asyncComplete HTTP task stays in progress after its call, until somebody completes it', () => {
  const http_request = { uri: 'https://example.com', method: 'GET', asyncComplete: true };
  const h = new Harness({
    tasks: [{ name: 'call', taskReferenceName: 'call', type: 'HTTP', inputParameters: { http_request } }],
  }).start();
  h.poll('HTTP', 'server');
  h.update('call', { status: 'IN_PROGRESS', workerId: 'server', output: { sent: true } });
  expect(h.task('call').status).toBe('IN_PROGRESS');
  h.update('call', { status: 'IN_PROGRESS', workerId: null });
  expect(h.task('call').status).toBe('IN_PROGRESS');
  h.update('call', { output: { done: true } });
  expect(h.run.status).toBe('COMPLETED');
});

test('the input template of a definition fills an input that holds something, and only that', () => {
  const definition = { ...TWO, inputTemplate: { x: 1, z: 2 } };
  expect(new Harness(definition, { input: { x: 5 } }).run.input.value).toEqual({ x: 5, z: 2 });
  expect(new Harness(definition, { input: {} }).run.input.value).toEqual({});
});

test('the input template of a task definition fills absent and null keys', () => {
  const taskDefinitions = [{ name: 'a', inputTemplate: { x: 'fallback', other: '${workflow.input.o}' } }];
  const h = new Harness(TWO, { taskDefinitions, input: { o: 1 } }).start();
  expect(h.task('first').input.value).toEqual({ x: 'fallback', other: 1, id: 'run-1' });
});
