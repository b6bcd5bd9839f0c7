import { describe, expect, test } from 'vitest';
import { Harness } from '../testing/harness.ts';

const work = (ref: string, more: object = {}) => ({ name: 'work', taskReferenceName: ref, retryCount: 0, ...more });
const loop = (more: object, ...body: object[]) => ({
  name: 'loop',
  taskReferenceName: 'l',
  type: 'DO_WHILE',
  loopOver: body,
  ...more,
});

test('runs its body until its condition is false, each iteration under references of its own', () => {
  const h = new Harness({
    tasks: [loop({ loopCondition: '$.l.iteration < 3' }, work('a'), work('b')), work('after')],
  }).start();
  for (let i = 1; i <= 3; i += 1) {
    expect(h.task(`a__${i}`)).toMatchObject({ iteration: i, scope: `__${i}`, step: 'a' });
    h.complete(`a__${i}`, { v: i });
    expect(h.task('l')).toMatchObject({ status: 'IN_PROGRESS' });
    expect(h.task('l').output.value).toEqual({ iteration: i });
    h.complete(`b__${i}`);
  }
  expect(h.task('l').status).toBe('COMPLETED');
  expect(h.task('l').output.value).toEqual({
    1: { a: { v: 1 }, b: {} },
    2: { a: { v: 2 }, b: {} },
    3: { a: { v: 3 }, b: {} },
    iteration: 3,
  });
  expect(h.has('after')).toBe(true);
});

test('inside the loop a reference means the same iteration, else the latest', () => {
  const body = [
    work('a', { inputParameters: { before: '${b.output.v}' } }),
    work('b', { inputParameters: { now: '${a.output.v}' } }),
  ];
  const h = new Harness({
    tasks: [
      loop({ loopCondition: '$.l.iteration < 2' }, ...body),
      work('after', { inputParameters: { last: '${a.output.v}' } }),
    ],
  }).start();
  expect(h.task('a__1').input.value).toEqual({ before: null });
  h.complete('a__1', { v: 'a1' });
  expect(h.task('b__1').input.value).toEqual({ now: 'a1' });
  h.complete('b__1', { v: 'b1' });
  expect(h.task('a__2').input.value).toEqual({ before: 'b1' });
  h.complete('a__2', { v: 'a2' });
  h.complete('b__2');
  expect(h.task('after').input.value).toEqual({ last: 'a2' });
});

test('its condition sees its inputs as they are now, and the outputs of this iteration', () => {
  const set = {
    name: 's',
    taskReferenceName: 's',
    type: 'SET_VARIABLE',
    inputParameters: { left: '${a.output.left}' },
  };
  const more = { inputParameters: { left: '${workflow.variables.left}' }, loopCondition: '$.left > 0 && $.a.left > 0' };
  const h = new Harness({ tasks: [loop(more, work('a'), set)], variables: { left: 9 } }).start();
  h.complete('a__1', { left: 1 });
  expect(h.has('a__2')).toBe(true);
  h.complete('a__2', { left: 0 });
  expect(h.run.status).toBe('COMPLETED');
});

test('a condition may look at earlier iterations', () => {
  const more = { loopCondition: "$.l['1'].a.v + $.l.iteration < 4" };
  const h = new Harness({ tasks: [loop(more, work('a'))] }).start();
  h.complete('a__1', { v: 2 });
  expect(h.has('a__2')).toBe(true);
  h.complete('a__2', { v: 0 });
  expect(h.run.status).toBe('COMPLETED');
});

test('its output can be read whole while it runs', () => {
  const reader = work('a', { inputParameters: { first: "${l.output['1'].a.v}", at: '${l.output.iteration}' } });
  const h = new Harness({ tasks: [loop({ loopCondition: '$.l.iteration < 2' }, reader)] }).start();
  expect(h.task('a__1').input.value).toEqual({ first: null, at: 1 });
  h.complete('a__1', { v: 'one' });
  expect(h.task('a__2').input.value).toEqual({ first: 'one', at: 2 });
});

test.each([
  ['true', true],
  ['false', false],
  ['2', true],
  ['0', false],
  ['-1', false],
  ['null', false],
  ['"true"', true],
  ['"TRUE"', true],
  ['"yes"', false],
  ['({})', false],
])('a condition of %s is %s', (condition, again) => {
  const h = new Harness({ tasks: [loop({ loopCondition: condition }, work('a'))] }).start();
  h.complete('a__1');
  expect(h.has('a__2')).toBe(again);
});

test('a condition that cannot be evaluated fails the loop for good', () => {
  const h = new Harness({ tasks: [loop({ loopCondition: 'nothing.here' }, work('a'))] }).start();
  h.complete('a__1', { v: 1 });
  expect(h.task('l')).toMatchObject({
    status: 'FAILED_WITH_TERMINAL_ERROR',
    reason: expect.stringMatching(/^Unable to evaluate condition nothing.here, exception /),
  });
  expect(h.task('l').output.object['1']).toEqual({ a: { v: 1 } });
  expect(h.run.status).toBe('FAILED');
});

describe('over items', () => {
  const over = (items: unknown, more: object = {}) => {
    const body = work('a', { inputParameters: { item: '${l.output.loopItem}', index: '${l.output.loopIndex}' } });
    return new Harness(
      { tasks: [loop({ items: '${workflow.input.items}', ...more }, body), work('after')] },
      { input: { items: JSON.parse(JSON.stringify(items)), x: 1 } },
    ).start();
  };

  test('runs once per item, which it gives as loopItem and loopIndex', () => {
    const h = over(['x', { y: 2 }]);
    expect(h.task('a__1').input.value).toEqual({ item: 'x', index: 0 });
    h.complete('a__1');
    expect(h.task('a__2').input.value).toEqual({ item: { y: 2 }, index: 1 });
    h.complete('a__2', { v: 1 });
    expect(h.task('l').output.value).toEqual({
      1: { a: {} },
      2: { a: { v: 1 } },
      iteration: 2,
      loopIndex: 1,
      loopItem: { y: 2 },
    });
    expect(h.has('after')).toBe(true);
  });

  test('an empty list is done at once', () => {
    const h = over([]);
    expect(h.task('l').output.value).toEqual({ iteration: 0 });
    expect(h.has('after')).toBe(true);
    expect(over(null).has('after')).toBe(true);
  });

  test('a single value is a list of one', () => {
    const h = over('only');
    h.complete('a__1');
    expect(h.has('after')).toBe(true);
  });

  test('a condition can end it before the last item', () => {
    const h = over([1, 2, 3], { loopCondition: '$.a.more' });
    h.complete('a__1', { more: true });
    h.complete('a__2', { more: false });
    expect(h.has('after')).toBe(true);
  });

  test('the list may be given as _items', () => {
    const h = new Harness({ tasks: [loop({ inputParameters: { _items: [1, 2] } }, work('a'))] }).start();
    h.complete('a__1');
    h.complete('a__2');
    expect(h.run.status).toBe('COMPLETED');
  });
});

test('keepLastN leaves older iterations out of its output', () => {
  const h = new Harness({
    tasks: [loop({ inputParameters: { keepLastN: 2 }, loopCondition: '$.l.iteration < 4' }, work('a'))],
  }).start();
  for (let i = 1; i <= 4; i += 1) h.complete(`a__${i}`, { i });
  expect(h.task('l').output.value).toEqual({ 3: { a: { i: 3 } }, 4: { a: { i: 4 } }, iteration: 4 });
});

test('a loop in a loop chains its suffixes', () => {
  const inner = {
    name: 'm',
    taskReferenceName: 'm',
    type: 'DO_WHILE',
    loopCondition: '$.m.iteration < 2',
    loopOver: [work('a', { inputParameters: { outer: '${x.output.v}' } })],
  };
  const h = new Harness({ tasks: [loop({ loopCondition: '$.l.iteration < 2' }, work('x'), inner)] }).start();
  h.complete('x__1', { v: 'x1' });
  h.complete('a__1__1', { v: 11 });
  h.complete('a__1__2', { v: 12 });
  h.complete('x__2', { v: 'x2' });
  expect(h.task('a__2__1').input.value).toEqual({ outer: 'x2' });
  h.complete('a__2__1');
  h.complete('a__2__2');
  expect(h.task('m__1').output.value).toEqual({ 1: { a: { v: 11 } }, 2: { a: { v: 12 } }, iteration: 2 });
  expect(h.task('l').output.object['1']).toEqual({ x: { v: 'x1' }, m: h.task('m__1').output.value });
  expect(h.run.status).toBe('COMPLETED');
});

test('a permissive failure inside fails the loop at the end of the iteration', () => {
  const h = new Harness({
    tasks: [loop({ loopCondition: 'true' }, work('a', { permissive: true }), work('b'))],
  }).start();
  h.fail('a__1', 'broken');
  h.complete('b__1');
  expect(h.task('l')).toMatchObject({ status: 'FAILED', reason: 'broken' });
  expect(h.run).toMatchObject({ status: 'FAILED', failedRefs: ['l', 'a__1'] });
});

test('a loop of steps that need nobody yields to others, and goes on by its timer', () => {
  const h = new Harness(
    { tasks: [loop({ loopCondition: '$.l.iteration < 5000' }, { name: 'n', taskReferenceName: 'n', type: 'NOOP' })] },
    { checks: false },
  ).start();
  expect(h.run.status).toBe('RUNNING');
  expect(h.tasks().length).toBeLessThan(1100);
  expect(h.task('l').dueMs).toBe(h.nowMs);
  h.send({ kind: 'pause' });
  h.advance(1);
  expect(h.task('l').dueMs).toBe(0);
  h.send({ kind: 'resume' });
  h.advance(1);
  expect(h.run.status).toBe('COMPLETED');
  expect(h.task('l').output.object.iteration).toBe(5000);
});

test('an iteration writes no more than the one before it', () => {
  const h = new Harness({
    tasks: [
      loop({ loopCondition: '$.l.iteration < 200' }, work('a', { inputParameters: { i: '${l.output.iteration}' } })),
    ],
  }).start();
  const sizes: number[] = [];
  for (let i = 1; i < 200; i += 1) {
    const { updated, inserted } = h.complete(`a__${i}`, { filler: 'x'.repeat(100) });
    sizes.push(
      [...updated, ...inserted].reduce((sum, task) => sum + task.input.text.length + task.output.text.length, 0),
    );
  }
  expect(Math.max(...sizes)).toBeLessThan((sizes[0] ?? 0) + 20);
});
