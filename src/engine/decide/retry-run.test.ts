import { describe, expect, test } from 'vitest';
import { Harness, START_MS } from '../testing/harness.ts';

const work = (ref: string, more: object = {}) => ({ name: 'work', taskReferenceName: ref, retryCount: 0, ...more });
const typed = (type: string, ref: string, more: object = {}) => ({ name: ref, taskReferenceName: ref, type, ...more });
const join = (ref: string, ...joinOn: string[]) => typed('JOIN', ref, { joinOn });
const retry = (h: Harness, resumed: readonly number[] = []) => {
  h.reload();
  return h.send({ kind: 'retry', resumed });
};

/** Completes whatever workers could take until nothing is left. */
function finish(h: Harness): void {
  for (let ready = h.ready(); ready.length > 0; ready = h.ready()) {
    for (const task of ready) if (h.ready().includes(task)) h.complete(task.ref);
    h.advance(0);
  }
}

function times(h: Harness, ref: string): number {
  return h.tasks().filter((task) => task.ref === ref && task.status === 'COMPLETED').length;
}

describe('retry of a run', () => {
  test('attempts the failed task again, with its input made anew, and goes on; what succeeded stays', () => {
    const h = new Harness({
      timeoutSeconds: 60,
      timeoutPolicy: 'TIME_OUT_WF',
      tasks: [work('a'), work('b', { inputParameters: { y: '${a.output.y}' } }), work('c')],
    }).start();
    h.complete('a', { y: 7 });
    h.fail('b');
    expect(h.run).toMatchObject({ status: 'FAILED', failedRefs: ['b'] });
    const failed = h.task('b');
    h.nowMs += 100_000;
    expect(retry(h).ended).toBe(false);
    expect(h.run).toMatchObject({
      status: 'RUNNING',
      reason: null,
      failedRefs: [],
      failedNames: [],
      endedMs: 0,
      lastRetriedMs: START_MS + 100_000,
      dueMs: START_MS + 160_000,
    });
    expect(h.state.tasks.get(failed.rowId)).toMatchObject({ status: 'FAILED', retried: true });
    expect(h.task('b')).toMatchObject({ status: 'SCHEDULED', attempt: 1, retriedTaskId: failed.id, seq: 3 });
    expect(h.task('b').input.value).toEqual({ y: 7 });
    finish(h);
    expect(h.run.status).toBe('COMPLETED');
    expect(times(h, 'a')).toBe(1);
  });

  test('fails again where the task does, and may be retried again', () => {
    const h = new Harness({ tasks: [work('a')] }).start();
    h.fail('a');
    retry(h);
    h.fail('a', 'still broken');
    expect(h.run).toMatchObject({ status: 'FAILED' });
    retry(h);
    h.complete('a');
    expect(h.run.status).toBe('COMPLETED');
    expect(h.task('a').attempt).toBe(2);
  });

  test.each(['FAILED_WITH_TERMINAL_ERROR', 'CANCELED'] as const)(
    'attempts a task again that a worker made %s',
    (status) => {
      const h = new Harness({ tasks: [work('a', { retryCount: 5 })] }).start();
      h.fail('a', 'no', status);
      retry(h);
      expect(h.task('a')).toMatchObject({ status: 'SCHEDULED', attempt: 1 });
    },
  );

  test('does nothing to a run that goes on, has succeeded, or was ended by its own TERMINATE', () => {
    const going = new Harness({ tasks: [work('a')] }).start();
    expect(retry(going)).toMatchObject({ run: null, inserted: [] });
    going.complete('a');
    expect(retry(going)).toMatchObject({ run: null, inserted: [] });
    const inputParameters = { terminationStatus: 'FAILED' };
    const branches = [[work('a')], [typed('TERMINATE', 't', { inputParameters })]];
    const meant = new Harness({
      tasks: [typed('FORK_JOIN', 'f', { forkTasks: branches }), join('j', 'a', 't')],
    }).start();
    expect(meant.run.status).toBe('FAILED');
    expect(retry(meant)).toMatchObject({ run: null, inserted: [] });
  });

  test('of a terminated or timed-out run attempts again what was cut off', () => {
    for (const end of ['terminate', 'time'] as const) {
      const h = new Harness({
        timeoutSeconds: 10,
        timeoutPolicy: 'TIME_OUT_WF',
        tasks: [work('a'), typed('WAIT', 'w', { inputParameters: { duration: '5s' } }), work('b')],
      }).start();
      h.complete('a');
      if (end === 'terminate') h.send({ kind: 'terminate', reason: 'stop' });
      else {
        h.nowMs += 20_000;
        h.send({ kind: 'timer', taskRowId: 0 });
      }
      expect(h.run.status).toBe(end === 'terminate' ? 'TERMINATED' : 'TIMED_OUT');
      retry(h);
      expect(h.task('w')).toMatchObject({ status: 'IN_PROGRESS', attempt: 1, dueMs: h.nowMs + 5000 });
      h.advance(5000);
      h.complete('b');
      expect(h.run.status).toBe('COMPLETED');
    }
  });

  test('settles what ended while the run was paused, and restarts limits over all attempts', () => {
    const taskDefinitions = [{ name: 'timed', totalTimeoutSeconds: 30 }];
    const h = new Harness({ tasks: [work('a'), work('b', { name: 'timed' })] }, { taskDefinitions }).start();
    h.send({ kind: 'pause' });
    h.complete('a');
    h.send({ kind: 'terminate', reason: null });
    retry(h);
    h.complete('b');
    expect(h.run.status).toBe('COMPLETED');
    expect(times(h, 'a')).toBe(1);
    const late = new Harness({ tasks: [work('b', { name: 'timed' })] }, { taskDefinitions }).start();
    late.fail('b');
    late.nowMs += 60_000;
    retry(late);
    late.complete('b');
    expect(late.run.status).toBe('COMPLETED');
  });
});

describe('retry within a fork', () => {
  const branches = [[work('a'), work('a2')], [work('b')], [work('c')]];
  const tasks = [typed('FORK_JOIN', 'f', { forkTasks: branches }), join('j', 'a2', 'b', 'c'), work('z')];

  test('revives the JOIN in place, attempts failed and cut-off branches again, keeps the finished one', () => {
    const h = new Harness({ tasks }).start();
    h.complete('b');
    const joined = h.task('j');
    h.fail('a');
    expect(h.statuses()).toMatchObject({ a: 'FAILED', b: 'COMPLETED', c: 'CANCELED', j: 'CANCELED' });
    retry(h);
    expect(h.task('j')).toMatchObject({ id: joined.id, status: 'IN_PROGRESS', waiting: 2, endedMs: 0, reason: null });
    finish(h);
    expect(h.run.status).toBe('COMPLETED');
    expect([times(h, 'a'), times(h, 'a2'), times(h, 'b'), times(h, 'c'), times(h, 'z')]).toEqual([1, 1, 1, 1, 1]);
  });

  test('of a JOIN that gathered permissive failures waits for these once more', () => {
    const forkTasks = [[work('a', { permissive: true })], [work('b')]];
    const h = new Harness({ tasks: [typed('FORK_JOIN', 'f', { forkTasks }), join('j', 'a', 'b'), work('z')] }).start();
    h.fail('a');
    h.complete('b');
    expect(h.statuses()).toMatchObject({ a: 'FAILED', j: 'FAILED' });
    retry(h);
    expect(h.statuses()).toMatchObject({ a: 'SCHEDULED', b: 'COMPLETED', j: 'IN_PROGRESS' });
    expect(h.has('z')).toBe(false);
    finish(h);
    expect(h.run.status).toBe('COMPLETED');
    expect(times(h, 'z')).toBe(1);
  });

  const dynamic = {
    tasks: [
      typed('FORK_JOIN_DYNAMIC', 'f', {
        dynamicForkTasksParam: 'list',
        dynamicForkTasksInputParamName: 'inputs',
        inputParameters: { list: '${workflow.input.list}', inputs: {} },
      }),
      join('j'),
      work('z'),
    ],
  };

  test.each([false, true])('that only the run knows, permissive: %s', (permissive) => {
    const list = ['a', 'b', 'c'].map((ref) => work(ref, { type: 'SIMPLE', permissive }));
    const h = new Harness(dynamic, { input: { list } }).start();
    h.complete('b');
    h.fail('a');
    if (permissive) h.complete('c');
    expect(h.run.status).toBe('FAILED');
    retry(h);
    expect(h.task('j')).toMatchObject({ status: 'IN_PROGRESS', waiting: permissive ? 1 : 2 });
    finish(h);
    expect(h.run.status).toBe('COMPLETED');
    expect([times(h, 'a'), times(h, 'b'), times(h, 'c'), times(h, 'z')]).toEqual([1, 1, 1, 1]);
  });

  test('of an EXCLUSIVE_JOIN and a SWITCH follows the case that was chosen', () => {
    const cases = { x: [work('a')], y: [work('b')] };
    const inputParameters = { k: '${workflow.input.k}' };
    const sw = typed('SWITCH', 's', {
      evaluatorType: 'value-param',
      expression: 'k',
      inputParameters,
      decisionCases: cases,
    });
    const exclusive = typed('EXCLUSIVE_JOIN', 'e', { joinOn: ['a', 'b'] });
    const forkTasks = [[sw], [work('other')]];
    const h = new Harness(
      { tasks: [typed('FORK_JOIN', 'f', { forkTasks }), join('j', 's', 'other'), exclusive, work('z')] },
      { input: { k: 'y' } },
    ).start();
    h.fail('b');
    retry(h);
    h.complete('other');
    expect(h.task('j').status).toBe('IN_PROGRESS');
    finish(h);
    expect(h.run.status).toBe('COMPLETED');
    expect(h.has('a')).toBe(false);
    expect(times(h, 'z')).toBe(1);
  });
});

describe('retry within a loop', () => {
  const loop = (loopCondition: string, ...loopOver: object[]) => typed('DO_WHILE', 'l', { loopCondition, loopOver });

  test('goes on with the iteration that failed', () => {
    const h = new Harness({ tasks: [loop('$.l.iteration < 3', work('a'), work('b')), work('z')] }).start();
    for (const ref of ['a__1', 'b__1', 'a__2']) h.complete(ref);
    const id = h.task('l').id;
    h.fail('b__2');
    expect(h.task('l').status).toBe('CANCELED');
    retry(h);
    expect(h.task('l')).toMatchObject({ id, status: 'IN_PROGRESS' });
    expect(h.task('l').output.value).toEqual({ iteration: 2 });
    finish(h);
    expect(h.run.status).toBe('COMPLETED');
    expect(h.task('l').output.object).toMatchObject({ iteration: 3, 1: {}, 2: {}, 3: {} });
    expect(['a__1', 'b__1', 'a__2', 'b__2', 'a__3', 'b__3', 'z'].map((ref) => times(h, ref))).toEqual(Array(7).fill(1));
  });

  test('with a fork that only the run knows does not run ahead of its JOIN', () => {
    const fork = typed('FORK_JOIN_DYNAMIC', 'f', {
      inputParameters: { forkTaskName: 'work', forkTaskInputs: [1, 2] },
    });
    const h = new Harness({ tasks: [loop('$.l.iteration < 2', fork, join('j')), work('z')] }).start();
    h.fail(h.ready()[0]?.ref ?? '', 'no', 'FAILED_WITH_TERMINAL_ERROR');
    expect(h.run.status).toBe('FAILED');
    retry(h);
    h.advance(0);
    expect(h.task('l').output.value).toEqual({ iteration: 1 });
    finish(h);
    expect(h.run.status).toBe('COMPLETED');
    expect(times(h, 'j__1') + times(h, 'j__2')).toBe(2);
  });

  test('evaluates a condition again that could not be evaluated', () => {
    const h = new Harness({ tasks: [loop('throw new Error("no")', work('a'))] }).start();
    h.complete('a__1');
    expect(h.task('l').status).toBe('FAILED_WITH_TERMINAL_ERROR');
    retry(h);
    expect(h.task('l').status).toBe('IN_PROGRESS');
    h.advance(0);
    expect(h.run.status).toBe('FAILED');
    expect(times(h, 'a__1')).toBe(1);
  });
});

describe('retry of a sub-workflow', () => {
  const tasks = [typed('SUB_WORKFLOW', 's', { subWorkflowParam: { name: 'child' } }), work('z')];
  const failed = () => {
    const h = new Harness({ tasks }).start();
    const { rowId, subRunId } = h.task('s');
    const child = { id: subRunId ?? '', status: 'FAILED', output: {}, reason: 'no' } as const;
    h.send({ kind: 'child-ended', taskRowId: rowId, child });
    expect(h.run.status).toBe('FAILED');
    return { h, rowId, child };
  };

  test('starts a new child', () => {
    const { h, child } = failed();
    const { effects } = retry(h);
    expect(effects).toMatchObject([{ kind: 'start-run', start: { name: 'child' } }]);
    expect(h.task('s').subRunId).not.toBe(child.id);
  });

  test('waits again for the child that is retried with it', () => {
    const { h, rowId, child } = failed();
    expect(retry(h, [rowId]).effects).toEqual([]);
    expect(h.task('s')).toMatchObject({ rowId, status: 'IN_PROGRESS', subRunId: child.id, reason: null });
    expect(h.task('s').output.value).toEqual({ subWorkflowId: child.id });
    h.send({ kind: 'child-ended', taskRowId: rowId, child: { ...child, status: 'COMPLETED', output: { x: 1 } } });
    expect(h.task('s').output.value).toEqual({ subWorkflowId: child.id, x: 1 });
    finish(h);
    expect(h.run.status).toBe('COMPLETED');
  });
});
