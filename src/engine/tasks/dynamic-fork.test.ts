import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../model/json.ts';
import { Harness } from '../testing/harness.ts';

const work = (ref: string): JsonObject => ({ name: 'work', taskReferenceName: ref });
const JOIN = { name: 'join', taskReferenceName: 'j', type: 'JOIN' };
const LISTED = {
  name: 'fan',
  taskReferenceName: 'fan',
  type: 'FORK_JOIN_DYNAMIC',
  dynamicForkTasksParam: 'tasks',
  dynamicForkTasksInputParamName: 'inputs',
  inputParameters: { tasks: '${get.output.tasks}', inputs: '${get.output.inputs}' },
};
const PER_ITEM: JsonObject = {
  name: 'fan',
  taskReferenceName: 'fan',
  type: 'FORK_JOIN_DYNAMIC',
  inputParameters: { forkTaskName: 'charge', forkTaskInputs: '${get.output.items}' },
};
const LEGACY = {
  name: 'fan',
  taskReferenceName: 'fan',
  type: 'FORK_JOIN_DYNAMIC',
  dynamicForkJoinTasksParam: 'all',
  inputParameters: { all: '${get.output.all}' },
};

function fan(
  task: object,
  output: JsonObject,
  more: ConstructorParameters<typeof Harness>[1] = {},
  rest: object[] = [JOIN],
) {
  const h = new Harness({ tasks: [work('get'), task, ...rest] }, more).start();
  h.complete('get', output);
  return h;
}

describe('shape 1: a list of tasks and a map of inputs', () => {
  const output: JsonObject = {
    tasks: [
      { name: 'charge', taskReferenceName: 'c0', inputParameters: { currency: 'usd', amount: 0 } },
      { name: 'mail', taskReferenceName: 'm0', type: 'SIMPLE' },
    ],
    inputs: { c0: { amount: 5, run: '${workflow.workflowId}' } },
  };

  test('makes one branch per task, its input merged over its own and then resolved', () => {
    const h = fan(LISTED, output);
    expect(h.task('c0').input.value).toEqual({ currency: 'usd', amount: 5, run: 'run-1' });
    expect(h.task('m0').input.value).toEqual({});
    expect(h.task('c0')).toMatchObject({ type: 'charge', queue: 'charge', forkRowId: h.task('fan').rowId });
    expect(h.task('fan')).toMatchObject({ type: 'FORK', status: 'COMPLETED' });
    expect(h.task('fan').input.object.forkedTasks).toEqual(['c0', 'm0']);
    expect(h.task('fan').input.object.forkedTaskDefs).toHaveLength(2);
    expect(h.task('j').input.value).toEqual({ joinOn: ['c0', 'm0'] });
  });

  test('is understood under the name of shape 2 too, as the Python SDK before 2.0 sends it', () => {
    const { dynamicForkTasksParam, ...rest } = LISTED;
    const h = fan({ ...rest, dynamicForkJoinTasksParam: dynamicForkTasksParam }, output);
    expect(h.task('c0').input.value).toEqual({ currency: 'usd', amount: 5, run: 'run-1' });
    expect(h.task('j').input.value).toEqual({ joinOn: ['c0', 'm0'] });
  });

  test('JOIN gathers every branch', () => {
    const h = fan(LISTED, output);
    h.complete('m0');
    expect(h.task('j')).toMatchObject({ status: 'IN_PROGRESS', waiting: 1 });
    h.complete('c0', { id: 'pi_1' });
    expect(h.task('j').output.value).toEqual({ c0: { id: 'pi_1' } });
    expect(h.run.status).toBe('COMPLETED');
  });

  test.each<[string, JsonObject, RegExp]>([
    [
      'no list',
      { tasks: { a: 1 }, inputs: {} },
      /Input 'tasks' is invalid. Cannot deserialize a list of Workflow Tasks from/,
    ],
    ['no task', { tasks: [{ name: 'x' }], inputs: {} }, /Not a workflow task/],
    ['inputs that are no map', { tasks: [], inputs: [1] }, /is not a map -> expecting a map of K,V {2}but found \[1\]/],
    ['equal references', { tasks: [work('c'), work('c')], inputs: {} }, /duplicate task reference name: c/],
    ['a reference of the definition', { tasks: [work('get')], inputs: {} }, /duplicate task reference name: get/],
    [
      'an invalid task',
      { tasks: [{ name: 'h', taskReferenceName: 'h', type: 'HTTP' }], inputs: {} },
      /h is not valid: HTTP needs http_request/,
    ],
  ])('refuses %s', (_name, given, reason) => {
    const h = fan(LISTED, given);
    expect(h.task('fan')).toMatchObject({ status: 'FAILED_WITH_TERMINAL_ERROR' });
    expect(h.task('fan').reason).toMatch(reason);
    expect(h.run.status).toBe('FAILED');
  });

  test('branches of any type, nested ones counted when all of them has ended', () => {
    const nested: JsonObject = {
      name: 's',
      taskReferenceName: 's',
      type: 'SWITCH',
      evaluatorType: 'value-param',
      expression: 'c',
      decisionCases: { x: [work('x1'), work('x2')] },
    };
    const loop: JsonObject = {
      name: 'l',
      taskReferenceName: 'l',
      type: 'DO_WHILE',
      loopCondition: '$.l.iteration < 2',
      loopOver: [work('b')],
    };
    const inner = {
      ...PER_ITEM,
      taskReferenceName: 'inner',
      inputParameters: { forkTaskName: 'deep', forkTaskInputs: [1, 2] },
    };
    const tasks = [nested, loop, inner];
    const h = fan(LISTED, { tasks, inputs: { s: { c: 'x' } } });
    h.complete('x1');
    h.complete('b__1');
    h.reload();
    h.complete('b__2');
    h.complete('_inner_deep_0');
    h.complete('_inner_deep_1');
    expect(h.task('j').waiting).toBe(1);
    h.complete('x2', { v: 1 });
    expect(h.task('j').status).toBe('COMPLETED');
    expect(h.run.status).toBe('COMPLETED');
  });
});

describe('shape 2: dynamicTasks of old', () => {
  test('makes one branch per entry', () => {
    const h = fan(LEGACY, { all: { dynamicTasks: [{ taskName: 'charge', referenceName: 'c', input: { a: 1 } }] } });
    expect(h.task('c')).toMatchObject({ type: 'charge', queue: 'charge' });
    expect(h.task('c').input.value).toEqual({ a: 1 });
  });

  test('refuses anything else', () => {
    expect(fan(LEGACY, { all: 5 }).task('fan').reason).toMatch(/Input 'all' is invalid/);
  });
});

describe('shape 3: one task type, a list of inputs', () => {
  test('K4: makes one task per item, numbered, scalars under input', () => {
    const h = fan(PER_ITEM, { items: [{ id: 'cus_1' }, 7] });
    expect(h.task('_charge_0').input.value).toEqual({ id: 'cus_1', __index: 0 });
    expect(h.task('_charge_1').input.value).toEqual({ input: 7, __index: 1 });
    expect(h.task('_charge_0')).toMatchObject({ type: 'charge', queue: 'charge' });
  });

  test('an item that looks like an expression stays what it is', () => {
    const items = [{ a: '${workflow.vault.stripe.key}', b: ['$${x}', { c: '${get.output}' }] }, '${workflow.input}'];
    const h = fan(PER_ITEM, { items });
    expect(h.task('_charge_0').input.value).toEqual({ ...Object(items[0]), __index: 0 });
    expect(h.task('_charge_1').input.value).toEqual({ input: items[1], __index: 1 });
  });

  test('an item keeps every key, whatever its name', () => {
    const items = [JSON.parse('{"__proto__":{"a":1},"constructor":2}')];
    const text = fan(PER_ITEM, { items }).task('_charge_0').input.text;
    expect(text).toBe('{"__proto__":{"a":1},"constructor":2,"__index":0}');
  });

  test('an empty list is legal: JOIN ends at once', () => {
    expect(fan(PER_ITEM, { items: [] }).run.status).toBe('COMPLETED');
  });

  test('without a JOIN the run goes on when all branches have ended', () => {
    const h = fan(PER_ITEM, { items: [1, 2] }, {}, [work('after')]);
    h.complete('_charge_1');
    expect(h.has('after')).toBe(false);
    h.complete('_charge_0');
    expect(h.has('after')).toBe(true);
    expect(fan(PER_ITEM, { items: [] }, {}, [work('after')]).has('after')).toBe(true);
  });

  test('a list of sub-workflows', () => {
    const task = {
      ...PER_ITEM,
      inputParameters: { forkTaskWorkflow: 'child', forkTaskWorkflowVersion: '2', forkTaskInputs: [{ a: 1 }] },
    };
    const h = fan(task, {});
    expect(h.effects).toMatchObject([
      { kind: 'start-run', start: { name: 'child', version: 2, input: { a: 1, __index: 0 } } },
    ]);
    expect(h.task('_child_0').type).toBe('SUB_WORKFLOW');
  });

  test('a second dynamic fork of the same task name carries its own reference', () => {
    const again = {
      ...PER_ITEM,
      taskReferenceName: 'again',
      inputParameters: { forkTaskName: 'charge', forkTaskInputs: [1] },
    };
    const h = fan(PER_ITEM, { items: [] }, {}, [JOIN, again, { ...JOIN, taskReferenceName: 'k' }]);
    expect(h.has('_again_charge_0')).toBe(true);
  });

  test('optional, permissive and retryCount of the fork hold for its branches', () => {
    const h = fan({ ...PER_ITEM, optional: true, retryCount: 0 }, { items: [1, 2] });
    h.fail('_charge_0');
    h.complete('_charge_1');
    expect(h.statuses()).toMatchObject({ _charge_0: 'COMPLETED_WITH_ERRORS', j: 'COMPLETED_WITH_ERRORS' });
    expect(h.run.status).toBe('COMPLETED');
  });

  test('refuses what is no list', () => {
    expect(fan(PER_ITEM, { items: 'all' }).task('fan').reason).toMatch(/forkTaskInputs/);
  });
});

describe('rules of a task type that only the run names', () => {
  const registered = [{ name: 'charge', retryCount: 1, retryDelaySeconds: 7 }];

  test('are those registered when it is forked, and stay with the branch', () => {
    const h = fan(PER_ITEM, { items: [1] }, { registered });
    h.fail('_charge_0');
    h.reload();
    expect(h.task('_charge_0')).toMatchObject({ attempt: 1, startDelaySeconds: 7 });
    expect(h.task('_charge_0').input.value).toEqual({ input: 1, __index: 0 });
    h.advance(7_000);
    h.fail('_charge_0');
    expect(h.run.status).toBe('FAILED');
  });

  test('are ad hoc when nobody registered it', () => {
    const h = fan(PER_ITEM, { items: [1] });
    expect(h.task('_charge_0').responseTimeoutSeconds).toBe(3600);
  });
});

test('K4: ten thousand branches run and join, and no event touches more than its own', () => {
  const count = 10_000;
  const h = fan(PER_ITEM, { items: Array.from({ length: count }, (_, id) => ({ id })) }, { checks: false });
  const branches = h.tasks().filter(({ queue }) => queue === 'charge');
  expect(branches).toHaveLength(count);
  for (const task of branches) {
    const { updated, inserted } = h.report(task, { output: { id: task.ref } });
    expect(updated.length + inserted.length).toBeLessThanOrEqual(2);
  }
  expect(h.run.status).toBe('COMPLETED');
  expect(Object.keys(h.task('j').output.object)).toHaveLength(count);
});

test('in a loop each iteration has branches of its own', () => {
  const loop = {
    name: 'l',
    taskReferenceName: 'l',
    type: 'DO_WHILE',
    loopCondition: '$.l.iteration < 2',
    loopOver: [{ ...PER_ITEM, inputParameters: { forkTaskName: 'charge', forkTaskInputs: [1] } }, JOIN],
  };
  const h = new Harness({ tasks: [loop] }).start();
  h.complete('_charge_0__1', { v: 1 });
  expect(h.task('j__1').output.value).toEqual({ _charge_0__1: { v: 1 } });
  h.complete('_charge_0__2');
  expect(h.run.status).toBe('COMPLETED');
});
