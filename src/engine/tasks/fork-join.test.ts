import { describe, expect, test } from 'vitest';
import { Harness } from '../testing/harness.ts';

const work = (ref: string, more: object = {}) => ({ name: 'work', taskReferenceName: ref, retryCount: 0, ...more });
const fork = (ref: string, ...branches: object[][]) => ({
  name: 'fork',
  taskReferenceName: ref,
  type: 'FORK_JOIN',
  forkTasks: branches,
});
const join = (ref: string, joinOn: string[], more: object = {}) => ({
  name: 'join',
  taskReferenceName: ref,
  type: 'JOIN',
  joinOn,
  ...more,
});

test('K3: all branches start at once, JOIN waits for all, later tasks see every branch', () => {
  const after = work('after', {
    inputParameters: { one: '${a2.output.v}', two: '${b.output.v}', joined: '${j.output.b.v}' },
  });
  const h = new Harness({
    tasks: [fork('f', [work('a1'), work('a2')], [work('b')]), join('j', ['a2', 'b']), after],
  }).start();
  expect(h.tasks().map(({ ref, seq, type }) => [ref, seq, type])).toEqual([
    ['f', 1, 'FORK'],
    ['a1', 2, 'work'],
    ['b', 3, 'work'],
    ['j', 4, 'JOIN'],
  ]);
  expect(h.task('f')).toMatchObject({ status: 'COMPLETED', executed: true });
  expect(h.task('f').input.value).toEqual({ forkedTasks: ['a1', 'b'] });
  h.complete('b', { v: 2 });
  h.complete('a1');
  expect(h.task('j')).toMatchObject({ status: 'IN_PROGRESS', waiting: 1 });
  expect(h.has('after')).toBe(false);
  h.complete('a2', { v: 1 });
  expect(h.task('j')).toMatchObject({ status: 'COMPLETED', waiting: 0 });
  expect(h.task('j').output.value).toEqual({ a2: { v: 1 }, b: { v: 2 } });
  expect(h.task('after').input.value).toEqual({ one: 1, two: 2, joined: 2 });
});

test('K2: the printed JOIN on the fork’s own reference waits for all its branches', () => {
  const flat = { name: 'FORK_JOIN', taskReferenceName: 'f', type: 'FORK_JOIN', forkTasks: [work('a'), work('b')] };
  for (const joinOn of [['f'], []]) {
    const h = new Harness({ tasks: [flat, join('j', joinOn)] }).start();
    h.complete('a');
    expect(h.run.status).toBe('RUNNING');
    h.complete('b', { v: 1 });
    expect(h.task('j').output.value).toEqual({ b: { v: 1 } });
    expect(h.run.status).toBe('COMPLETED');
  }
});

test('K2: the printed fork without a JOIN lets the run end when all branches have', () => {
  const h = new Harness({ tasks: [work('first'), fork('f', [work('a')], [work('b')])] }).start();
  h.complete('first');
  h.complete('a');
  expect(h.run.status).toBe('RUNNING');
  h.complete('b');
  expect(h.run.status).toBe('COMPLETED');
});

test('K2: a fork without branches and its JOIN end at once', () => {
  const h = new Harness({ tasks: [fork('f'), join('j', ['f']), work('after')] }).start();
  expect(h.statuses()).toEqual({ f: 'COMPLETED', j: 'COMPLETED', after: 'SCHEDULED' });
});

test('an empty branch has ended', () => {
  const h = new Harness({ tasks: [fork('f', [], [work('a')]), join('j', []), work('after')] }).start();
  h.complete('a');
  expect(h.has('after')).toBe(true);
});

test('a fork without JOIN in the middle: what follows waits for all branches', () => {
  const h = new Harness({ tasks: [fork('f', [work('a')], [work('b')]), work('after')] }).start();
  h.complete('b');
  expect(h.has('after')).toBe(false);
  h.complete('a');
  expect(h.has('after')).toBe(true);
});

test('branches that end without a worker join within the start', () => {
  const noop = (ref: string) => ({ name: 'n', taskReferenceName: ref, type: 'NOOP' });
  const h = new Harness({ tasks: [fork('f', [noop('a')], [noop('b'), noop('c')]), join('j', ['a', 'c'])] }).start();
  expect(h.run.status).toBe('COMPLETED');
});

describe('a JOIN that lists less than all branches', () => {
  const tasks = [fork('f', [work('a')], [work('b'), work('c')]), join('j', ['a']), work('after')];

  test('lets the run go on beside the rest, which must still end', () => {
    const h = new Harness({ tasks }).start();
    h.complete('a');
    expect(h.has('after')).toBe(true);
    h.complete('after');
    expect(h.run.status).toBe('RUNNING');
    h.complete('b');
    h.complete('c');
    expect(h.run.status).toBe('COMPLETED');
  });

  test('holds an iteration open until the rest has ended', () => {
    const loop = {
      name: 'l',
      taskReferenceName: 'l',
      type: 'DO_WHILE',
      loopCondition: '$.l.iteration < 2',
      loopOver: tasks,
    };
    const h = new Harness({ tasks: [loop] }).start();
    h.complete('a__1');
    h.complete('after__1');
    h.complete('b__1');
    expect(h.has('f__2')).toBe(false);
    h.complete('c__1');
    expect(h.has('f__2')).toBe(true);
  });

  test('may be followed by a second JOIN for them', () => {
    const h = new Harness({ tasks: [...tasks, join('rest', ['c']), work('end')] }).start();
    h.complete('a');
    h.complete('b');
    h.complete('after');
    expect(h.task('rest').status).toBe('IN_PROGRESS');
    h.complete('c', { v: 1 });
    expect(h.task('rest').output.value).toEqual({ c: { v: 1 } });
    h.complete('end');
    expect(h.run.status).toBe('COMPLETED');
  });

  test('a second JOIN for what has ended already ends at once', () => {
    const h = new Harness({ tasks: [...tasks, join('rest', ['c']), work('end')] }).start();
    for (const ref of ['b', 'c', 'a', 'after']) h.complete(ref);
    expect(h.task('rest').status).toBe('COMPLETED');
    expect(h.has('end')).toBe(true);
  });
});

test('a branch may wait for another', () => {
  const h = new Harness({
    tasks: [fork('f', [work('a'), join('both', ['b']), work('c')], [work('b')]), join('j', ['c', 'b'])],
  }).start();
  h.complete('a');
  expect(h.task('both').status).toBe('IN_PROGRESS');
  h.complete('b');
  expect(h.task('both').status).toBe('COMPLETED');
  h.complete('c');
  expect(h.run.status).toBe('COMPLETED');
});

test('a listed SWITCH counts when its chosen case has ended', () => {
  const choice = {
    name: 's',
    taskReferenceName: 's',
    type: 'SWITCH',
    evaluatorType: 'value-param',
    expression: 'c',
    inputParameters: { c: 'x' },
    decisionCases: { x: [work('x1'), work('x2')] },
  };
  const h = new Harness({ tasks: [fork('f', [choice], [work('b')]), join('j', ['s', 'b'])] }).start();
  h.complete('b');
  expect(h.task('s').status).toBe('COMPLETED');
  h.complete('x1');
  expect(h.task('j').status).toBe('IN_PROGRESS');
  h.complete('x2');
  expect(h.task('j').status).toBe('COMPLETED');
});

test('a listed task of a case that was not chosen is not waited for', () => {
  const choice = {
    name: 's',
    taskReferenceName: 's',
    type: 'SWITCH',
    evaluatorType: 'value-param',
    expression: 'c',
    inputParameters: { c: 'x' },
    decisionCases: { x: [work('x1')], y: [work('y1')] },
  };
  const h = new Harness({ tasks: [fork('f', [choice]), join('j', ['x1', 'y1'])] }).start();
  h.complete('x1', { v: 1 });
  expect(h.task('j').output.value).toEqual({ x1: { v: 1 } });
  expect(h.run.status).toBe('COMPLETED');
});

test('nested forks join from the inside out', () => {
  const inner = [fork('g', [work('a')], [work('b')]), join('k', ['a', 'b'])];
  const h = new Harness({ tasks: [fork('f', inner, [work('c')]), join('j', ['k', 'c'])] }).start();
  h.complete('c');
  h.complete('a');
  h.complete('b');
  expect(h.run.status).toBe('COMPLETED');
});

describe('the outcome of a JOIN', () => {
  const pair = (a: object, b: object = {}, more: object = {}) =>
    new Harness({
      tasks: [fork('f', [work('a', a)], [work('b', b)]), join('j', ['a', 'b'], more), work('after')],
    }).start();

  test('an optional failure makes it COMPLETED_WITH_ERRORS, and the run goes on', () => {
    const h = pair({ optional: true });
    h.fail('a');
    h.complete('b');
    expect(h.task('j')).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      reason: `work/${h.task('a').id} completed with errors`,
    });
    h.complete('after');
    expect(h.run.status).toBe('COMPLETED');
  });

  test('a permissive failure waits for the others, then fails the JOIN and with it the run', () => {
    const h = pair({ permissive: true });
    h.fail('a', 'broken');
    expect(h.run.status).toBe('RUNNING');
    expect(h.task('j').status).toBe('IN_PROGRESS');
    h.complete('b', { v: 1 });
    expect(h.task('j')).toMatchObject({ status: 'FAILED', reason: 'broken' });
    expect(h.task('j').output.value).toEqual({ b: { v: 1 } });
    expect(h.run).toMatchObject({ status: 'FAILED', failedRefs: ['a', 'j'] });
  });

  test('a permissive JOIN lets the run go on to its end, and fail there', () => {
    const h = pair({ permissive: true }, {}, { permissive: true });
    h.fail('a', 'broken');
    h.complete('b');
    h.complete('after');
    expect(h.run.status).toBe('FAILED');
  });

  test('cancellations alone cancel it', () => {
    const h = pair({ permissive: true });
    h.fail('a', 'no', 'CANCELED');
    h.complete('b');
    expect(h.task('j').status).toBe('CANCELED');
    expect(h.run.status).toBe('TERMINATED');
  });

  test('reasons are joined by a space, and bounded', () => {
    const refs = Array.from({ length: 13 }, (_, i) => `t${i}`);
    const h = new Harness({
      tasks: [fork('f', ...refs.map((ref) => [work(ref, { permissive: true })])), join('j', refs)],
    }).start();
    for (const ref of refs) h.fail(ref, `bad-${ref}`);
    expect(h.task('j').reason).toBe(
      `${refs
        .slice(0, 10)
        .map((ref) => `bad-${ref}`)
        .join(' ')} and 3 more`,
    );
  });
});

test('in a loop the references a JOIN lists, and the keys of its output, carry the iteration', () => {
  const body = [fork('f', [work('a')], [work('b')]), join('j', ['a', 'b'])];
  const loop = {
    name: 'l',
    taskReferenceName: 'l',
    type: 'DO_WHILE',
    loopCondition: '$.l.iteration < 2',
    loopOver: body,
  };
  const h = new Harness({ tasks: [loop] }).start();
  h.complete('a__1', { v: 1 });
  h.complete('b__1');
  h.complete('b__2', { v: 2 });
  h.complete('a__2');
  expect(h.task('j__1').input.value).toEqual({ joinOn: ['a__1', 'b__1'] });
  expect(h.task('j__1').output.value).toEqual({ a__1: { v: 1 } });
  expect(h.task('j__2').output.value).toEqual({ b__2: { v: 2 } });
});

test('nobody outside can complete a JOIN', () => {
  const h = new Harness({ tasks: [fork('f', [work('a')]), join('j', ['a'])] }).start();
  expect(h.update('j', { status: 'COMPLETED' })).toMatchObject({ run: null, updated: [] });
});
