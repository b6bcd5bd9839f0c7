import { describe, expect, test } from 'vitest';
import { Json } from '../../model/json.ts';
import { Harness } from '../testing/harness.ts';

const work = (ref: string, more: object = {}) => ({ name: 'work', taskReferenceName: ref, retryCount: 0, ...more });
const typed = (type: string, ref: string, more: object = {}) => ({ name: ref, taskReferenceName: ref, type, ...more });
const join = (ref: string, ...joinOn: string[]) => typed('JOIN', ref, { joinOn });

/** Completes whatever workers could take until nothing is left; answers with what they took, in order. */
function finish(h: Harness): string[] {
  const done: string[] = [];
  for (let ready = h.ready(); ready.length > 0; ready = h.ready()) {
    for (const task of ready) {
      if (!h.ready().includes(task)) continue;
      done.push(task.ref);
      h.complete(task.ref, { by: task.ref });
    }
  }
  return done;
}

describe('a run that starts over from a task', () => {
  test('takes over what was done before it, as it was, and does the rest again', () => {
    const h = new Harness({
      tasks: [work('a'), work('b', { inputParameters: { from: '${a.output.by}' } }), work('c')],
      outputParameters: { by: '${c.output.by}' },
    }).start();
    finish(h);
    const [a, b] = [h.task('a'), h.task('b')];
    h.nowMs += 5000;
    h.rerun('b');
    expect(h.run).toMatchObject({ status: 'RUNNING', openTasks: 1, endedMs: 0 });
    const { rowId, runRowId, seq, ...same } = a;
    expect(h.task('a')).toMatchObject({ ...same, runRowId: h.run.rowId, seq: 1 });
    expect([rowId, runRowId, seq]).not.toContain(h.task('a').rowId);
    expect(h.task('b')).toMatchObject({ status: 'SCHEDULED', attempt: 0, scheduledMs: h.nowMs });
    expect(h.task('b').id).not.toBe(b.id);
    expect(h.task('b').input.value).toEqual({ from: 'a' });
    expect(h.has('c')).toBe(false);
    h.reload();
    expect(finish(h)).toEqual(['b', 'c']);
    expect(h.run).toMatchObject({ status: 'COMPLETED' });
    expect(h.run.output.value).toEqual({ by: 'c' });
  });

  test('with an input of its own instead of the one that its step makes', () => {
    const h = new Harness({ tasks: [work('a', { inputParameters: { x: 1 } }), work('b')] }).start();
    finish(h);
    h.rerun('a', { x: 2 });
    expect(h.task('a').input.value).toEqual({ x: 2 });
    expect(finish(h)).toEqual(['a', 'b']);
  });

  test('keeps the attempts that a task took', () => {
    const h = new Harness({ tasks: [work('a', { retryCount: 1 }), work('b')] }).start();
    h.fail('a');
    h.advance(60_000);
    finish(h);
    h.rerun('b');
    const attempts = h.tasks().filter(({ ref }) => ref === 'a');
    expect(attempts.map(({ status, attempt, retried }) => [status, attempt, retried])).toEqual([
      ['FAILED', 0, true],
      ['COMPLETED', 1, false],
    ]);
    expect(finish(h)).toEqual(['b']);
  });

  test('in a branch of a fork does nothing again that does not come after it', () => {
    const tasks = [
      typed('FORK_JOIN', 'f', {
        forkTasks: [
          [work('a1'), work('a2')],
          [work('b1'), work('b2')],
        ],
      }),
      join('j', 'a2', 'b2'),
      work('z'),
    ];
    const h = new Harness({ tasks }).start();
    finish(h);
    h.rerun('a1');
    expect(h.statuses()).toEqual({
      f: 'COMPLETED',
      a1: 'SCHEDULED',
      b1: 'COMPLETED',
      b2: 'COMPLETED',
      j: 'IN_PROGRESS',
    });
    expect(h.task('j').waiting).toBe(1);
    expect(finish(h)).toEqual(['a1', 'a2', 'z']);
    expect(h.task('j').output.value).toEqual({ a2: { by: 'a2' }, b2: { by: 'b2' } });
    expect(h.run.status).toBe('COMPLETED');
  });

  test('does again what had failed or was cut off elsewhere', () => {
    const tasks = [typed('FORK_JOIN', 'f', { forkTasks: [[work('a1')], [work('b1')], [work('c1')]] }), join('j', 'a1')];
    const h = new Harness({ tasks }).start();
    h.complete('a1');
    h.fail('b1');
    expect(h.task('c1').status).toBe('CANCELED');
    h.rerun('a1');
    expect(finish(h)).toEqual(['a1', 'b1', 'c1']);
    expect(h.run.status).toBe('COMPLETED');
  });

  test('at a fork, a choice or a loop does again all that is inside', () => {
    const tasks = [
      work('a'),
      typed('FORK_JOIN', 'f', { forkTasks: [[work('b')], [work('c')]] }),
      join('j', 'b', 'c'),
      typed('SWITCH', 's', {
        evaluatorType: 'value-param',
        expression: 'which',
        inputParameters: { which: 'x' },
        decisionCases: { x: [work('d')] },
      }),
      typed('DO_WHILE', 'l', { loopCondition: '$.l.iteration < 2', loopOver: [work('e')] }),
      work('z'),
    ];
    const h = new Harness({ tasks }).start();
    const all = finish(h);
    expect(all).toEqual(['a', 'b', 'c', 'd', 'e__1', 'e__2', 'z']);
    for (const [ref, from] of [
      ['f', 1],
      ['s', 3],
      ['l', 4],
    ] as const) {
      h.rerun(ref);
      expect(finish(h)).toEqual(all.slice(from));
      expect(h.run.status).toBe('COMPLETED');
    }
    h.rerun('e__2');
    expect(h.task('l').status).toBe('IN_PROGRESS');
    expect(finish(h)).toEqual(['e__2', 'z']);
  });

  test('in a dynamic branch', () => {
    const branch = (ref: string) => ({ ...work(ref), type: 'SIMPLE' });
    const tasks = [
      work('list'),
      typed('FORK_JOIN_DYNAMIC', 'f', {
        inputParameters: { tasks: '${list.output.tasks}', inputs: {} },
        dynamicForkTasksParam: 'tasks',
        dynamicForkTasksInputParamName: 'inputs',
      }),
      typed('JOIN', 'j'),
      work('z'),
    ];
    const h = new Harness({ tasks }).start();
    h.complete('list', { tasks: [branch('x'), branch('y'), branch('w')] });
    expect(finish(h)).toEqual(['x', 'y', 'w', 'z']);
    h.rerun('y');
    expect(h.task('j')).toMatchObject({ status: 'IN_PROGRESS', waiting: 1 });
    expect(h.task('x').forkRowId).toBe(h.task('f').rowId);
    h.reload();
    expect(finish(h)).toEqual(['y', 'z']);
    expect(h.run.status).toBe('COMPLETED');
    h.rerun('list');
    h.complete('list', { tasks: [branch('only')] });
    expect(finish(h)).toEqual(['only', 'z']);
  });

  test('sets variables again, and ends by a TERMINATE again', () => {
    const tasks = [
      work('a'),
      typed('SET_VARIABLE', 'v', { inputParameters: { seen: '${a.output.by}' } }),
      work('b', { inputParameters: { seen: '${workflow.variables.seen}' } }),
      typed('TERMINATE', 't', { inputParameters: { terminationStatus: 'FAILED', terminationReason: 'meant' } }),
    ];
    const h = new Harness({ tasks }).start();
    finish(h);
    h.rerun('b');
    expect(h.task('b').input.value).toEqual({ seen: 'a' });
    finish(h);
    expect(h.run).toMatchObject({ status: 'FAILED', reason: 'meant' });
  });

  test('carries a loop of more iterations than one decision makes', () => {
    const tasks = [
      typed('DO_WHILE', 'l', {
        loopCondition: '$.l.iteration < 1500',
        loopOver: [typed('INLINE', 'i', { inputParameters: { evaluatorType: 'javascript', expression: '1' } })],
      }),
      work('z'),
    ];
    const h = new Harness({ tasks }, { checks: false }).start();
    h.advance(0);
    expect(finish(h)).toEqual(['z']);
    h.rerun('z');
    expect(finish(h)).toEqual(['z']);
    expect(h.task('i__1500').status).toBe('COMPLETED');
  });

  test('cannot begin with a join', () => {
    const tasks = [typed('FORK_JOIN', 'f', { forkTasks: [[work('a')]] }), join('j', 'a')];
    const h = new Harness({ tasks }).start();
    finish(h);
    expect(() => h.rerun('j')).toThrow('is the join j: rerun from the fork before it');
  });
});

describe('a task skipped before its turn', () => {
  const skip = (h: Harness, ref: string, output: object = {}) => {
    return h.send({ kind: 'skip', ref, input: Json.of({}), output: Json.of({ ...output }) });
  };

  test('is in the history at once, and the run goes past it when it gets there, also after a restart', () => {
    const tasks = [work('a'), work('b'), work('c', { inputParameters: { got: '${b.output.x}' } })];
    const h = new Harness({ tasks }).start();
    skip(h, 'b', { x: 7 });
    expect(h.statuses()).toEqual({ a: 'SCHEDULED', b: 'SKIPPED' });
    h.send({ kind: 'decide' });
    expect(h.has('c')).toBe(false);
    h.reload();
    h.complete('a');
    expect(h.task('b')).toMatchObject({ status: 'SKIPPED', executed: true });
    expect(h.task('c').input.value).toEqual({ got: 7 });
    finish(h);
    expect(h.run.status).toBe('COMPLETED');
  });

  test('counts as an ended branch, choice or iteration', () => {
    const tasks = [
      work('a'),
      typed('FORK_JOIN', 'f', { forkTasks: [[work('b')], [work('c')]] }),
      join('j', 'b', 'c'),
      typed('DO_WHILE', 'l', { loopCondition: '$.l.iteration < 3', loopOver: [work('e')] }),
    ];
    const h = new Harness({ tasks }).start();
    for (const ref of ['c', 'e__2']) skip(h, ref);
    expect(finish(h)).toEqual(['a', 'b', 'e__1', 'e__3']);
    expect(h.run.status).toBe('COMPLETED');
  });

  test('of a join lets the run go on without waiting for its branches', () => {
    const tasks = [typed('FORK_JOIN', 'f', { forkTasks: [[work('b')], [work('c')]] }), join('j', 'b', 'c'), work('z')];
    const h = new Harness({ tasks: [work('a'), ...tasks] }).start();
    skip(h, 'j');
    h.complete('a');
    h.complete('z');
    expect(h.run.status).toBe('RUNNING');
    expect(finish(h)).toEqual(['b', 'c']);
    expect(h.run.status).toBe('COMPLETED');
  });

  test('stays skipped when the run is retried or starts over', () => {
    const h = new Harness({ tasks: [work('a'), work('b'), work('c')] }).start();
    skip(h, 'b');
    h.fail('a');
    h.send({ kind: 'retry', resumed: [] });
    expect(finish(h)).toEqual(['a', 'c']);
    h.rerun('c');
    expect(h.task('b').status).toBe('SKIPPED');
    expect(finish(h)).toEqual(['c']);
  });

  test.each(['a', 'f', 'nothing', 'z__1', 'e', 'e__0', 'e__1__1'])('changes nothing for %s', (ref) => {
    const tasks = [
      work('a'),
      typed('FORK_JOIN', 'f', { forkTasks: [[work('b')]] }),
      join('j', 'b'),
      typed('DO_WHILE', 'l', { loopCondition: '$.l.iteration < 3', loopOver: [work('e')] }),
      work('z'),
    ];
    const h = new Harness({ tasks }).start();
    expect(skip(h, ref)).toMatchObject({ inserted: [], run: null });
  });
});
